"""Finding and ending what a run has started, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

from sandbox.github.processes import running


def test_a_program_is_found_among_the_descendants_by_its_first_words() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", "one of ours"], stdin=subprocess.DEVNULL
    )
    try:
        assert running(os.getpid(), "-c import time") == {process.pid}
        assert running(os.getpid(), "time.sleep") == set()
        assert running(process.pid, "-c import time") == set(), "nobody descends from themselves"
    finally:
        process.kill()
        process.wait()
