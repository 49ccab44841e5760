"""What importing the shared language brings along, and that the folder of entries hides no library."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sallyport.examples import ROOT


def run(code: str) -> str:
    """Run *code* in a fresh interpreter at the root of the repository."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def test_requests_is_the_library_although_a_folder_has_its_name() -> None:
    assert (ROOT / "requests").is_dir()
    assert not list((ROOT / "requests").rglob("__init__.py"))
    assert run("import requests; print(requests.get.__module__)") == "requests.api\n"


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that are loaded once every module of sallyport is."""
    modules = "pkgutil.walk_packages(sallyport.__path__, 'sallyport.')"
    load = f"[importlib.import_module(module.name) for module in {modules}]"
    return set(run(f"import importlib, pkgutil, sys, sallyport; {load}; print(*sys.modules)").split())


@pytest.mark.parametrize("heavy", ["boto3", "botocore", "slack_bolt", "starlette", "sqlalchemy", "moto"])
def test_no_framework_of_one_side_comes_with_the_language_of_both(loaded: set[str], heavy: str) -> None:
    assert "sallyport.policies" in loaded
    assert heavy not in loaded


def test_imports_point_one_way() -> None:
    """`lint-imports` reads the contracts of pyproject.toml; it takes a fraction of a second."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
