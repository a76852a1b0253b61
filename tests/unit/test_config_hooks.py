"""Mistakes in hooks: one clear message at their place, and no secret among arguments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import config
from healthmon.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path, hooks: Any, own: Any = None) -> config.Config:
    service: dict[str, Any] = {"name": "a", "url": "http://a"} | ({} if own is None else {"heal": {"hooks": own}})
    path.write_text(json.dumps({"services": [service], "self_healing": {"hooks": hooks}}), encoding="utf-8")
    return config.load(path)


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({"before": ["drain"]}, "self_healing.hooks.before: must begin with the full path of a program, not 'drain'"),
        ({"before": "/bin/drain"}, "self_healing.hooks.before"),
        ({"after": ["/bin/x", "a\u0000b"]}, "self_healing.hooks.after"),
        ({"environment": {"HEALTHMON_SERVICE": "x"}}, "must not begin with HEALTHMON_"),
        ({"environment": {"A-B": "x"}}, "must be letters, digits and '_'"),
        ({"timeout_seconds": 31}, "self_healing.hooks.timeout_seconds"),
        ({"befor": []}, "did you mean 'before'?"),
        ({"before": ["/bin/x", "${env:HOME}"]}, "self_healing.hooks.before[1]: must not hold ${…}: the arguments of a program are seen"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, hooks: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "c.json", hooks)
    assert said in str(caught.value)


def test_a_secret_in_a_services_own_hook_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"services\[0\]\.heal\.hooks\.after\[1\]: must not hold"):
        load(tmp_path / "c.json", {}, {"after": ["/bin/x", "${env:HOME}"]})


def test_a_services_hooks_stand_in_place_of_all_and_may_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2-hunter2")
    shared = {"before": ["/bin/drain"], "environment": {"TOKEN": "${env:TOKEN}"}}
    loaded = load(tmp_path / "c.json", shared)
    settings = loaded.self_healing.for_service(loaded.services[0].heal)
    assert settings.hooks.before == ("/bin/drain",)
    assert settings.hooks.environment["TOKEN"].get_secret_value() == "hunter2-hunter2"
    assert "hunter2" not in repr(settings)
    own = load(tmp_path / "c.json", shared, {"after": ["/bin/undrain"]})
    hooks = own.self_healing.for_service(own.services[0].heal).hooks
    assert (hooks.before, hooks.after) == ((), ("/bin/undrain",))
    none = load(tmp_path / "c.json", shared, {})
    assert none.self_healing.for_service(none.services[0].heal).hooks.before == ()
