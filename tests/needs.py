"""Which programs of the machine does a test need? Absent ones skip it, with the reason, and fail it in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, *, package: str) -> str:
    """Return the path of a program."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"CI must have {name}: put {package} into tools/ci-packages")
    if found is None:
        pytest.skip(f"{name} is not installed: apt install {package}")
    return found
