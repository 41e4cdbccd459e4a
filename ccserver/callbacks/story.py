"""What the cards tell of a call-back, derived from the task alone. Pure but for what was told.

Every step has a key that is the same whenever it is derived, so telling it again changes nothing:
after a restart, or when an answer of the database was unclear, all of a task is told once more. An
attempt is told as soon as telephony has named its contact; one that the seat or the line refused
was none.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ccserver.callbacks.values import (
    CallbackAttempt,
    CallbackId,
    CallbackSettings,
    CallbackState,
    CallbackTask,
)
from ccserver.types import AgentId, ContactId

CARDS_TOLD_MAX = 20
"""Of one task, the newest: who calls and gives up more often is on that many cards for us."""
REMEMBERED_MAX = 2_000
"""Tasks of which is known what was told; of others it is told once more."""

Data = str | int | float | bool | None


class StepKind(StrEnum):
    """What happens to a call-back that a card has to tell."""

    OPENED = "opened"
    LINED_UP = "lined_up"
    """It stands in line by itself."""
    TAKEN = "taken"
    """A call taker calls the citizen."""
    ENDED = "ended"
    """The attempt is over."""
    EXHAUSTED = "exhausted"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class CallbackStep:
    """One entry of a contact's timeline; ``key`` is unique there. ``author`` is a login."""

    contact_id: ContactId
    kind: StepKind
    at: datetime
    key: str
    agent_id: AgentId | None = None
    author: str | None = None
    data: Mapping[str, Data] = field(default_factory=dict)


def story(task: CallbackTask, settings: CallbackSettings) -> Iterator[CallbackStep]:
    """Everything that the task can tell.

    Attempts are told on the card to which the task leads, the beginning and the end on every card
    of the citizen, also on that of the call by which the citizen came back.
    """
    if not task.contacts:
        return
    first, *later = task.contacts[:1] + task.contacts[1:][-CARDS_TOLD_MAX:]
    yield CallbackStep(first, StepKind.OPENED, task.created_at, f"callback-opened-{task.task_id}")
    for contact_id in later:
        yield CallbackStep(
            contact_id,
            StepKind.OPENED,
            task.last_abandoned_at,
            f"callback-opened-{task.task_id}",
            data={"card": task.card_number},
        )
    for attempt in task.attempts:
        yield from _attempt(first, attempt)
    if task.exhausted(settings):
        yield _exhausted(first, task)
    if task.state is CallbackState.DONE:
        cards = [first, *later]
        if task.closing_contact_id is not None:
            cards.append(task.closing_contact_id)
        for contact_id in cards:
            yield _closed(contact_id, task, own=contact_id == first)


def _attempt(contact_id: ContactId, attempt: CallbackAttempt) -> Iterator[CallbackStep]:
    if attempt.contact_id is None and attempt.outcome is None:
        return  # telephony may still refuse it
    key = attempt.attempt_id
    begun = StepKind.LINED_UP if attempt.automatic else StepKind.TAKEN
    # Who takes it out of the line, and when, the placed contact's own entries tell on this card.
    by = None if attempt.automatic else attempt.agent_id
    yield CallbackStep(contact_id, begun, attempt.begun_at, f"callback-begun-{key}", by)
    if attempt.outcome is not None and attempt.ended_at is not None:
        yield CallbackStep(
            contact_id,
            StepKind.ENDED,
            attempt.ended_at,
            f"callback-ended-{key}-{attempt.outcome.value}",
            attempt.agent_id,
            data={"attempt": attempt.outcome.value, "reason": attempt.reason},
        )


def _exhausted(contact_id: ContactId, task: CallbackTask) -> CallbackStep:
    """Once for each wish to be helped: the citizen who gives up again is called anew."""
    ends = [one.ended_at for one in task.attempts if one.ended_at is not None]
    at = max([task.last_abandoned_at, *ends])
    key = f"callback-exhausted-{task.task_id}-{_stamp(task.last_abandoned_at)}"
    return CallbackStep(contact_id, StepKind.EXHAUSTED, at, key)


def _closed(contact_id: ContactId, task: CallbackTask, *, own: bool) -> CallbackStep:
    assert task.closed_at is not None, "a task that is done has a time"
    data: dict[str, Data] = {
        "outcome": task.outcome.value if task.outcome else None,
        "note": task.note or None,
        "by_contact": task.closing_contact_id,
    }
    if not own:
        data["card"] = task.card_number
    key = f"callback-closed-{task.task_id}-{_stamp(task.closed_at)}"
    return CallbackStep(
        contact_id, StepKind.CLOSED, task.closed_at, key, author=task.closed_by, data=data
    )


def _stamp(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class Storyteller:
    """Tells each step of each task once, as far as it remembers."""

    def __init__(self, tell: Callable[[CallbackStep], None]) -> None:
        self._tell = tell
        self._told: OrderedDict[CallbackId, set[tuple[ContactId, str]]] = OrderedDict()

    def tell(self, task: CallbackTask, settings: CallbackSettings) -> None:
        """Tell what the database has of the task and nobody was told yet."""
        told = self._told.setdefault(task.task_id, set())
        self._told.move_to_end(task.task_id)
        for step in story(task, settings):
            if (step.contact_id, step.key) not in told:
                told.add((step.contact_id, step.key))
                self._tell(step)
        if len(self._told) > REMEMBERED_MAX:
            self._told.popitem(last=False)
