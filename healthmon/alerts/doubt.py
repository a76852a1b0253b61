"""For how long is a service not spoken of because what it depends on may be at the bottom of it?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.status import ServiceStatus
from healthmon.status import machine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.model.conversation import Conversation
    from healthmon.model.status import ServiceState

DOUBT_MAX = timedelta(seconds=60)  # so long what an ill service depends on has the first word


def doubted_until(conversation: Conversation, own: ServiceState, depended: Iterable[ServiceState]) -> datetime | None:
    """Return until when nothing is said of a service because of the states of what it depends on; None for no doubt.

    What is found ill has a conversation of its own, and so is no doubt any more.
    """
    released_at = conversation.released_at
    waits_for_own_look = released_at is not None and (own.last_checked_at is None or own.last_checked_at < released_at)
    if not waits_for_own_look and not any(_is_in_doubt(state, conversation.opened_at) for state in depended):
        return None
    return max(conversation.opened_at, released_at or conversation.opened_at) + DOUBT_MAX


def named_in_doubt_until(conversation: Conversation, named: Iterable[ServiceState]) -> datetime | None:
    """Return until when it is not said that an outage is over, because of those that it was told to make ill; None for no doubt.

    Who of them is ill by a look from before may be well by now, too: then that is one word, and not two.
    """
    over_at = conversation.over_at
    if over_at is None or not any(_is_ill_by_an_old_look(state, over_at) for state in named):
        return None
    return over_at + DOUBT_MAX


def _is_ill_by_an_old_look(state: ServiceState, over_at: datetime) -> bool:
    return state.status is ServiceStatus.UNHEALTHY and (state.last_checked_at is None or state.last_checked_at < over_at)


def _is_in_doubt(state: ServiceState, opened_at: datetime) -> bool:
    """Tell whether a service has just failed a look, or was not looked at since the other fell ill."""
    return machine.is_soft(state) or state.last_checked_at is None or state.last_checked_at < opened_at
