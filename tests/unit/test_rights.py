"""As whom a command acts, and what one is told who may not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from healthmon.cli import rights
from healthmon.errors import UsageError

TOP = Path(__file__).parents[2]
NOBODY = 65_534


def test_who_lacks_rights_is_told_the_command_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/healthmon", "alerts", "ack", "doc store"])
    denied = UsageError("cannot look")
    denied.__cause__ = PermissionError(13, "Permission denied")
    wanted = "your account may not do that here: sudo healthmon alerts ack 'doc store'"
    assert rights.remedy(denied) == rights.remedy(denied.__cause__) == wanted
    assert rights.remedy(UsageError("no such service")) == ""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert rights.remedy(denied) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_goes_on_as_the_owner_of_the_data(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    script = "import sys, os; from pathlib import Path; from healthmon.cli.rights import become_owner; become_owner(Path(sys.argv[1])); print(os.getresuid())"
    command = [sys.executable, "-P", "-c", script]
    environment = os.environ | {"PYTHONPATH": str(TOP)}
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == f"({NOBODY}, {NOBODY}, {NOBODY})\n"
    for other in (tmp_path / "nowhere", Path("/")):
        done = subprocess.run([*command, str(other)], capture_output=True, text=True, check=True, env=environment)
        assert done.stdout == "(0, 0, 0)\n"
