"""How does a test type a command of healthmon's? In its own process: fifty Pythons would take a minute."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from healthmon.cli.main import main


class Told(NamedTuple):
    """What a command answered."""

    returncode: int
    stdout: str
    stderr: str


def type_command(directory: Path, *words: str, answers: str = "") -> Told:
    """Type `healthmon WORDS` in a directory, and `answers` where it asks."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    code: str | int | None = 0
    os.chdir(directory)
    try:
        with redirect_stdout(out), redirect_stderr(err), patch("sys.stdin", io.StringIO(answers)):
            main(list(words))
    except SystemExit as ended:
        code = ended.code
    finally:
        os.chdir(before)
    return Told(int(code or 0), out.getvalue(), err.getvalue())
