"""What the sandbox gives to whoever operates it."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

from sandbox.company import Coordinator
from sandbox.installation import PRODUCT


def test_the_command_is_the_coordinators_with_the_settings_of_the_one_that_runs(tmp_path: Path) -> None:
    journal = tmp_path / "with a space" / "journal.db"
    journal.parent.mkdir()
    settings = {
        "PYTHONPATH": str(PRODUCT),
        "DATABASE_URL": f"sqlite:///{journal}",
        "AUDIT_URL": f"file:{tmp_path}/a",
    }
    command = Coordinator(settings, tmp_path / "log").command(tmp_path)
    assert stat.S_IMODE(command.stat().st_mode) == 0o700
    done = subprocess.run([command, "audit", "verify"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "nothing was changed" in done.stdout
    assert journal.exists()
