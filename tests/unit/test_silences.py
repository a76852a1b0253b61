"""Which alerts a silence keeps quiet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthmon.alerts.silences import all_until, read_matcher, silenced_by
from healthmon.errors import UsageError
from healthmon.model.silence import Silence
from tests.builders import NOW

LABELS = {"service": "doc_store", "group": "core", "alert": "service_down", "severity": "critical"}


def a_silence(*matchers: str, starts_s: float = -60, ends_s: float = 60) -> Silence:
    starts_at, ends_at = NOW + timedelta(seconds=starts_s), NOW + timedelta(seconds=ends_s)
    return Silence(silence_id=1, matchers=matchers, starts_at=starts_at, ends_at=ends_at, author="ada", reason="")


@pytest.mark.parametrize(
    ("matchers", "matches"),
    [
        (("service=doc_store",), True),
        ((" service = doc_store ",), True),
        (("service=doc_*",), True),
        (("service=doc_?tore",), True),
        (("service=doc",), False),
        (("service!=doc_store",), False),
        (("service!=frontend",), True),
        (("group=core", "severity=critical"), True),
        (("group=core", "severity=warning"), False),
    ],
)
def test_all_matchers_must_match(matchers: tuple[str, ...], matches: bool) -> None:  # noqa: FBT001  a column of the table
    assert (silenced_by([a_silence(*matchers)], LABELS, NOW) is not None) == matches


def test_a_bracket_in_a_name_is_itself() -> None:
    labels = LABELS | {"service": "a[1]"}
    assert silenced_by([a_silence("service=a[1]")], labels, NOW) is not None
    assert silenced_by([a_silence("service=a[1]")], LABELS | {"service": "a1"}, NOW) is None


@pytest.mark.parametrize(("starts", "ends"), [(1, 60), (-60, 0), (-60, -1)])
def test_a_silence_holds_in_its_time_only(starts: float, ends: float) -> None:
    assert silenced_by([a_silence("service=*", starts_s=starts, ends_s=ends)], LABELS, NOW) is None


@pytest.mark.parametrize("text", ["", "service", "service=", "=x", "service~x", "ser vice=x", "service=a\nb", "service=" + "x" * 300])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no matcher"):
        read_matcher(text)


def test_several_are_quiet_until_the_first_of_them_is_not() -> None:
    sooner, later = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)
    assert all_until([later, sooner]) == sooner
    assert all_until([later, None]) is None


def test_an_unknown_label_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'severity'"):
        read_matcher("severty=critical")
