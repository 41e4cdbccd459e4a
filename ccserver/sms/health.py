"""How the gateway is, as values, and what of it somebody must be told at once. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DOWN_ALARM_S: Final = 45.0
"""An operator without any bind: a bind that is lost is usually back within 15 s."""
BEHIND_ALARM_S: Final = 30.0
"""A stored text that nobody was given yet: the target for an answer is as long."""
SET_ASIDE_ALARM_S: Final = 3_600.0
"""How long it stays an alarm that a text could not be handed on: long enough to be seen."""


class AlarmCode(StrEnum):
    """What is wrong."""

    SMS_DOWN = "sms_down"
    """No text of this operator's subscribers comes in or goes out."""
    SMS_STUCK = "sms_stuck"
    """Replies wait longer than half of their life, or texts that came cannot be handed on."""


@dataclass(frozen=True, slots=True)
class BindHealth:
    """One session. ``down_s`` is ``None`` while it is bound."""

    name: str
    ready: bool
    can_send: bool
    down_s: float | None


@dataclass(frozen=True, slots=True)
class OperatorHealth:
    """One operator. ``down_s``: for how long it has had no bind at all."""

    name: str
    binds: tuple[BindHealth, ...]
    down_s: float | None
    waiting: int
    """Parts of replies that it does not have yet."""
    waiting_s: float
    """For how long the oldest of them has waited."""
    validity_s: int


@dataclass(frozen=True, slots=True)
class IntakeHealth:
    """What came in. ``behind_s``: how long the oldest stored text has waited to be handed on."""

    unanswered: int
    """Deliveries in memory that are not stored."""
    backlog: int
    """Stored and not handed on."""
    behind_s: float
    set_aside_s: float | None
    """How long ago a text was last set aside because nobody could be given it."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that somebody must be told. ``operator`` is empty where it concerns all."""

    code: AlarmCode
    operator: str
    since_s: float
    """For how long it has been so."""


def alarms(operators: Sequence[OperatorHealth], intake: IntakeHealth) -> tuple[Alarm, ...]:
    """What is wrong now, in the order of operators."""
    found: list[Alarm] = []
    for one in operators:
        if one.down_s is not None and one.down_s >= DOWN_ALARM_S:
            found.append(Alarm(AlarmCode.SMS_DOWN, one.name, one.down_s))
        if one.waiting and one.waiting_s >= one.validity_s / 2:
            found.append(Alarm(AlarmCode.SMS_STUCK, one.name, one.waiting_s))
    if intake.backlog and intake.behind_s >= BEHIND_ALARM_S:
        found.append(Alarm(AlarmCode.SMS_STUCK, "", intake.behind_s))
    elif intake.set_aside_s is not None and intake.set_aside_s < SET_ASIDE_ALARM_S:
        found.append(Alarm(AlarmCode.SMS_STUCK, "", intake.set_aside_s))
    return tuple(found)
