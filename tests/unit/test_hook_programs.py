"""Are hooks that cannot be run, or that anybody could replace, found before they are needed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.cli.validate import _warnings
from healthmon.doctor import files
from healthmon.doctor.finding import Verdict
from tests.builders import a_config

if TYPE_CHECKING:
    from pathlib import Path


def test_a_program_that_is_missing_open_to_all_or_fine(tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    own = {"name": "a", "url": "http://a", "heal": {"hooks": {"after": [str(hook), "x"]}}}
    config = a_config(tmp_path, own, {"name": "b", "url": "http://b"}, self_healing={"hooks": {"before": [str(hook)]}})
    assert config.hook_programs() == (str(hook),)
    assert _warnings(config) == [f"hooks: {hook} is not there, or not executable: restarts are made without it"]
    assert [finding.verdict for finding in files.hooks(config)] == [Verdict.BAD]
    hook.touch(mode=0o755)
    tmp_path.chmod(0o700)
    assert (_warnings(config), files.hooks(config)) == ([], [])
    hook.chmod(0o757)
    [found] = files.hooks(config)
    assert "can be written by every account" in found.what
