"""Local composite actions that stand for marketplace actions, written anew for every run.

An action or an input that is not listed here is refused before the run starts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

_STUBS = Path(__file__).parent / "stubs"
# action -> (script, inputs with their defaults)
_KNOWN: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "actions/checkout": (
        "checkout.py",
        {"ref": "", "path": "", "fetch-depth": "1", "persist-credentials": "true"},
    ),
    "actions/setup-python": ("", {"python-version": "", "cache": "", "cache-dependency-path": ""}),
    "aws-actions/configure-aws-credentials": (
        "assume_role.py",
        {
            "role-to-assume": "",
            "aws-region": "",
            "role-session-name": "GitHubActions",
            "role-duration-seconds": "3600",
        },
    ),
}


def is_known(action: str) -> bool:
    return action in _KNOWN


def names() -> str:
    return ", ".join(_KNOWN)


def unknown_inputs(action: str, given: Iterable[str]) -> list[str]:
    return [name for name in given if name not in _KNOWN[action][1]]


def write(uses: Iterable[str], folder: Path, *, python: Path, facts: Mapping[str, Any]) -> dict[str, Path]:
    """A stub for each `owner/repo@ref`, for act's --local-repository."""
    folder.mkdir(parents=True)
    (folder / "facts.json").write_text(json.dumps(facts))
    stubs = {}
    for reference in sorted(set(uses)):
        action = reference.partition("@")[0]
        stubs[reference] = place = folder / action.replace("/", "+")
        place.mkdir(exist_ok=True)
        (place / "action.yml").write_text(yaml.safe_dump(_action(action, folder, python)))
    return stubs


def _action(action: str, folder: Path, python: Path) -> dict[str, Any]:
    script, inputs = _KNOWN[action]
    given = {f"INPUT_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}" for name in inputs}
    words = f'"{python}" "{_STUBS / script}"' if script else f'"{python}" --version'
    step = {"shell": "bash", "run": words, "env": {"STUB_FACTS": str(folder / "facts.json"), **given}}
    declared = {name: {"default": default} for name, default in inputs.items()}
    return {"name": action, "inputs": declared, "runs": {"using": "composite", "steps": [step]}}
