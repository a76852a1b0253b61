"""What does it rest on whether, when and how an outage is told?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from healthmon.model.conversation import Conversation
    from healthmon.notify.decision import Step
    from healthmon.notify.grouping import Grouping


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Everything that a decision rests on."""

    now: datetime
    grouping: Grouping
    conversation: Conversation
    first_wait: timedelta | None = None  # of a first word, where it is not that of the grouping
    dependents: tuple[str, ...] = ()  # the services that are ill because of this one
    doubted_until: datetime | None = None  # so long what it depends on has the first word
    named_in_doubt_until: datetime | None = None  # so long it is waited for a look at those that it was told to make ill
    silenced_until: datetime | None = None
    maintained_until: datetime | None = None
    is_removed: bool = False  # it is over only because nothing in the configuration asks for it any more
    escalation: tuple[Step, ...] = ()

    @property
    def is_acknowledged(self) -> bool:
        return self.conversation.is_acknowledged(self.now)
