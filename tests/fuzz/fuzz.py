"""Coverage-guided fuzzing of what reads text from outside, where grammar is deep enough for it to find more.

Run by hand, for it takes minutes and atheris, which no other test needs (`pip install atheris`):

    python -m tests.fuzz.fuzz documents -max_total_time=300

The targets are those of TARGETS; the rest of the line is libFuzzer's. What it finds becomes a test of the part
that it is in.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sallyport"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz the target that the command line names, from its seeds."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz.fuzz {'|'.join(TARGETS)} [options of libFuzzer]")
    target, seeds = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds()):
            Path(corpus, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *sys.argv[2:], corpus], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
