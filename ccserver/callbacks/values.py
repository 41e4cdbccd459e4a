"""What a call-back is, as the other rooms see it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Protocol

from ccserver.types import DIALLED_DIGITS_MAX, AgentId, ContactId, IncidentId, PhoneNumber

CallbackId = NewType("CallbackId", str)
"""One task to call somebody back; a version 4 UUID."""

NUMBER_CHARS_MAX = 64
"""A trunk may deliver anything as a number; a longer one is cut, never refused."""
NOTE_CHARS_MAX = 2_000
"""What a person writes when closing a task: a few sentences, the rest belongs on the card."""
FAILED_RETRY_S = 30.0
"""The citizen was not dialled, so nobody is disturbed by an early next try; but a telephone system
that refuses everything must not be asked without a pause, so it doubles with each failure."""
FAILED_RETRY_MAX_S = 300.0
"""However often it failed: the fault may be mended, and the citizen waits."""
FAILURES_ALARM = 5
"""Failures in a row, some eight minutes, after which a person has to see why nobody is dialled."""


class CallbackKind(StrEnum):
    """Why somebody is to be called."""

    ABANDONED = "abandoned"
    """The caller left before an answer, or was cut off."""
    HANDED_OVER = "handed_over"
    """Another centre told us of a car, and nobody here has heard anything of it."""


class CallbackState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    CALLING = "calling"
    DONE = "done"


class CallbackOutcome(StrEnum):
    """Why a task is done."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    """A person gave up; attempts without an answer alone never close a task."""
    CALLED_AGAIN = "called_again"
    NOT_NEEDED = "not_needed"


class AttemptOutcome(StrEnum):
    """How one attempt ended."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    """The citizen was never dialled: no call taker took it, or no line was to be had."""


@dataclass(frozen=True, slots=True)
class AbandonedContact:
    """A caller who left before an answer, or was cut off at ``abandoned_at``.

    Or (``kind``) a car that was handed over then. ``number`` as shown on the card; times are aware.
    """

    contact_id: ContactId
    number: str | None
    incident_id: IncidentId | None
    card_number: str | None
    queue: str
    priority: int
    arrived_at: datetime
    abandoned_at: datetime
    kind: CallbackKind = CallbackKind.ABANDONED

    @property
    def digits(self) -> str:
        """What others of the same citizen are found by; none of a car that was handed over.

        The number may be that of the other centre, which hands over many: one would hide another.
        """
        return "" if self.kind is CallbackKind.HANDED_OVER else digits_of(self.number)


@dataclass(frozen=True, slots=True)
class AnsweredContact:
    """A conversation with the owner of a number; ``outbound`` if we had dialled it."""

    contact_id: ContactId
    number: str
    answered_at: datetime
    outbound: bool = False


@dataclass(frozen=True, slots=True)
class RecentAbandon:
    """An abandoned contact for the distributor's memory of redials.

    ``redialled_as``: the contact by which the caller has come back already, ``None`` if none.
    """

    contact_id: ContactId
    number: str
    queue: str
    priority: int
    arrived_at: datetime
    abandoned_at: datetime
    redialled_as: ContactId | None


@dataclass(frozen=True, slots=True)
class CallbackAttempt:
    """One try to reach the citizen; ``outcome`` is ``None`` while it goes on.

    ``automatic``: the task was put in line by itself, and ``agent_id`` is who accepted it.
    ``contact_id`` is ``None`` for the moment until telephony has named the contact. ``reason`` is
    telephony's code for why the citizen did not answer, ``None`` where it is not known.
    """

    attempt_id: str
    begun_at: datetime
    agent_id: AgentId | None
    agent_name: str | None = None
    contact_id: ContactId | None = None
    automatic: bool = False
    ended_at: datetime | None = None
    outcome: AttemptOutcome | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CallbackSettings:
    """How call-backs are offered; a change takes effect at once, also for tasks there are."""

    automatic: bool = False
    attempts_max: int = 3
    retry_after_s: float = 300.0


@dataclass(frozen=True, slots=True)
class CallbackTask:
    """Somebody has to be called back.

    ``created_at`` is when the caller first gave up; it and the priority make the order.
    ``revision`` grows with every change that is stored. ``closing_contact_id`` is the contact by
    which the citizen called again: if that one is abandoned too, the task is open again.
    ``digits`` are what the citizen's other calls are known by; none of a car that was handed over.
    """

    task_id: CallbackId
    number: str | None
    digits: str
    incident_id: IncidentId | None
    card_number: str | None
    queue: str
    priority: int
    created_at: datetime
    last_abandoned_at: datetime
    contacts: tuple[ContactId, ...]
    state: CallbackState = CallbackState.OPEN
    attempts: tuple[CallbackAttempt, ...] = ()
    outcome: CallbackOutcome | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    closing_contact_id: ContactId | None = None
    note: str = ""
    revision: int = 0
    kind: CallbackKind = CallbackKind.ABANDONED

    @property
    def dialable(self) -> bool:
        """Whether there is a number that can be one; else a person can only look at the card."""
        return 0 < len(digits_of(self.number)) <= DIALLED_DIGITS_MAX

    @property
    def unattended(self) -> bool:
        """Whether a car was handed over, and nobody is on the way to it by telephone."""
        return self.kind is CallbackKind.HANDED_OVER and self.state is CallbackState.OPEN

    @property
    def current(self) -> CallbackAttempt | None:
        """The attempt that goes on."""
        return next((one for one in reversed(self.attempts) if one.outcome is None), None)

    @property
    def order(self) -> tuple[int, datetime, str]:
        """The smallest is offered first: by priority, then by arrival."""
        return (-self.priority, self.created_at, self.task_id)

    @property
    def cursor(self) -> str:
        """Where the next page of a list begins, given as its ``before``."""
        if self.closed_at is not None:
            return f"{self.closed_at.isoformat()}~{self.task_id}"
        return f"{self.priority}~{self.created_at.isoformat()}~{self.task_id}"

    def attempt(self, attempt_id: str) -> CallbackAttempt | None:
        """The attempt of that key."""
        return next((one for one in self.attempts if one.attempt_id == attempt_id), None)

    def exhausted(self, settings: CallbackSettings) -> bool:
        """Whether it is no longer offered by itself; it stays open for a supervisor."""
        if self.state is CallbackState.DONE:
            return False
        # Only what the citizen could hear counts: our own failures never end the trying.
        outcomes = [one.outcome for one in self._tries()]
        return outcomes.count(AttemptOutcome.NO_ANSWER) >= settings.attempts_max

    @property
    def failures(self) -> int:
        """How many attempts in a row, up to the last, did not even dial the citizen."""
        count = 0
        for attempt in reversed([one for one in self._tries() if one.outcome is not None]):
            if attempt.outcome is not AttemptOutcome.FAILED:
                break
            count += 1
        return count

    @property
    def stuck(self) -> bool:
        """Whether a person has to see why nobody is dialled."""
        return self.state is not CallbackState.DONE and self.failures >= FAILURES_ALARM

    def next_attempt_at(self, settings: CallbackSettings) -> datetime | None:
        """Before this moment it is not offered by itself; ``None`` if it may be at once."""
        ended = [one for one in self._tries() if one.ended_at is not None]
        if not ended or self.state is CallbackState.DONE:
            return None
        wait_s = settings.retry_after_s
        if self.failures:
            doubled = FAILED_RETRY_S * 2.0 ** min(self.failures - 1, 10)
            wait_s = min(doubled, FAILED_RETRY_MAX_S)
        assert ended[-1].ended_at is not None
        return ended[-1].ended_at + timedelta(seconds=wait_s)

    def _tries(self) -> list[CallbackAttempt]:
        """Attempts since the citizen last called: a new call is a new wish, counted anew."""
        return [one for one in self.attempts if one.begun_at >= self.last_abandoned_at]


class CallbackUnknown(LookupError):
    """There is no such task."""


class CallbackRefused(Exception):
    """The task's state does not allow what was asked; nothing was changed."""


class CallbackTaken(CallbackRefused):
    """Somebody else is calling already; ``agent_id`` is ``None`` while the task stands in line."""

    def __init__(self, agent_id: AgentId | None, agent_name: str | None) -> None:
        super().__init__("the task is taken")
        self.agent_id = agent_id
        self.agent_name = agent_name


class CallbackClosed(CallbackRefused):
    """The task is done; ``closed_by`` is the login of who closed it, if a person did."""

    def __init__(self, outcome: CallbackOutcome | None, closed_by: str | None) -> None:
        super().__init__("the task is done")
        self.outcome = outcome
        self.closed_by = closed_by


class CallbackNotDialable(CallbackRefused):
    """There is no number that could be called."""


class CallbackOutcomeInvalid(ValueError):
    """A person cannot close a task with this outcome."""


class ContactSource(Protocol):
    """What the cards know of contacts, however it became known (our eyes or Asterisk's journal).

    Every method may raise `ccserver.db.DatabaseUnavailable`.
    """

    async def abandoned_contacts(self, since: datetime) -> Sequence[AbandonedContact]:
        """Inbound contacts that were abandoned at or after ``since``."""

    async def answered_contacts(
        self, digits: Collection[str], since: datetime
    ) -> Sequence[AnsweredContact]:
        """Contacts, inbound and outbound, answered after ``since`` whose number has these digits.

        The digits are those of `digits_of`; at most `DIGITS_ASKED_MAX` of them at once.
        """

    async def dialled_contacts(self, contact_ids: Collection[ContactId]) -> Collection[ContactId]:
        """Those of our own calls by which the citizen was dialled."""


class PlaceCall(Protocol):
    """Rings the seat and then the citizen; answers as soon as the contact has its id."""

    async def __call__(
        self,
        agent_id: AgentId,
        number: str,
        incident_id: IncidentId | None,
        task_id: CallbackId,
    ) -> ContactId:
        """Raises whatever telephony or the distributor refuses with."""


DIGITS_ASKED_MAX = 500
"""Of one question, so that a statement's parameters stay few."""


def digits_of(number: str | None) -> str:
    """Return what numbers are compared by: digits, international where they can be read so.

    Empty where there is nothing to dial.
    """
    parsed = PhoneNumber.parse(number or "")
    return "" if parsed is None else parsed.value.removeprefix("+")[:NUMBER_CHARS_MAX]
