"""The life of a call-back task as a table, and what each event does to it. Pure.

=========  =========  ==========================================================
state      event      what it means
=========  =========  ==========================================================
open       begun      a call taker (or the line) has it: nobody else may
calling    begun      no entry: taken
calling    unreached  nobody answered: open again, offered later
open       reached    late news of an attempt that a restart had believed lost
done       abandoned  the citizen called again and gave up again: open again
done       reached,   the attempt that went on while the task was closed ends;
           unreached  the task stays closed
=========  =========  ==========================================================

A missing entry is refused and changes nothing. The desk applies these functions to what it shows,
the store to what it keeps, so both come to the same task.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from ccserver.callbacks.values import (
    AbandonedContact,
    AttemptOutcome,
    CallbackAttempt,
    CallbackClosed,
    CallbackNotDialable,
    CallbackOutcome,
    CallbackOutcomeInvalid,
    CallbackRefused,
    CallbackState,
    CallbackTaken,
    CallbackTask,
)
from ccserver.types import AgentId, ContactId


class CallbackEvent(StrEnum):
    """What happens to a task."""

    ABANDONED = "abandoned"
    BEGUN = "begun"
    REACHED = "reached"
    UNREACHED = "unreached"
    CALLED_AGAIN = "called_again"
    CLOSED = "closed"


S, E = CallbackState, CallbackEvent

TABLE: Mapping[tuple[CallbackState, CallbackEvent], CallbackState] = {
    (S.OPEN, E.ABANDONED): S.OPEN,
    (S.OPEN, E.BEGUN): S.CALLING,
    (S.OPEN, E.REACHED): S.DONE,
    (S.OPEN, E.UNREACHED): S.OPEN,
    (S.OPEN, E.CALLED_AGAIN): S.DONE,
    (S.OPEN, E.CLOSED): S.DONE,
    (S.CALLING, E.ABANDONED): S.CALLING,
    (S.CALLING, E.REACHED): S.DONE,
    (S.CALLING, E.UNREACHED): S.OPEN,
    (S.CALLING, E.CALLED_AGAIN): S.DONE,
    (S.CALLING, E.CLOSED): S.DONE,
    (S.DONE, E.ABANDONED): S.OPEN,
    (S.DONE, E.REACHED): S.DONE,
    (S.DONE, E.UNREACHED): S.DONE,
    (S.DONE, E.CALLED_AGAIN): S.DONE,
}

BY_A_PERSON = frozenset(
    {CallbackOutcome.REACHED, CallbackOutcome.NOT_NEEDED, CallbackOutcome.NO_ANSWER}
)
"""Only a call of the citizen makes ``called_again``."""


def after(task: CallbackTask, event: CallbackEvent) -> CallbackState:
    """The next state; raises `CallbackTaken` or `CallbackClosed` where there is none."""
    state = TABLE.get((task.state, event))
    if state is not None:
        return state
    if task.state is CallbackState.DONE:
        raise CallbackClosed(task.outcome, task.closed_by)
    current = task.current
    raise CallbackTaken(
        current.agent_id if current else None, current.agent_name if current else None
    )


def begun(task: CallbackTask, attempt: CallbackAttempt, *, fact: bool = False) -> CallbackTask:
    """An attempt begins; one that is there already changes nothing.

    ``fact``: it was made already, so a task that would refuse it only records it.
    """
    if task.attempt(attempt.attempt_id) is not None:
        return task
    attempts = (*task.attempts, attempt)
    try:
        state = after(task, CallbackEvent.BEGUN)
    except CallbackRefused:
        if not fact:
            raise
        return replace(task, attempts=attempts)
    if not task.dialable:
        raise CallbackNotDialable("the task has no number")
    return replace(task, state=state, attempts=attempts)


def detailed(
    task: CallbackTask,
    attempt_id: str,
    *,
    contact_id: ContactId | None = None,
    agent_id: AgentId | None = None,
    agent_name: str | None = None,
) -> CallbackTask:
    """The attempt's contact, or who accepted it, is known; what was known stays."""
    attempt = task.attempt(attempt_id)
    if attempt is None:
        return task
    return _with(
        task,
        replace(
            attempt,
            contact_id=contact_id or attempt.contact_id,
            agent_id=agent_id or attempt.agent_id,
            agent_name=agent_name if agent_id else attempt.agent_name,
        ),
    )


def finished(
    task: CallbackTask,
    attempt_id: str,
    outcome: AttemptOutcome,
    at: datetime,
    *,
    reason: str | None = None,
) -> CallbackTask:
    """An attempt ended. Only the news that it did reach the citizen corrects an earlier end."""
    attempt = task.attempt(attempt_id)
    if attempt is None:
        return task
    reached = outcome is AttemptOutcome.REACHED
    if attempt.outcome is not None and (attempt.outcome is outcome or not reached):
        return task
    ended = _with(task, replace(attempt, outcome=outcome, ended_at=at, reason=reason))
    # The citizen who called once more after that conversation is still waiting for us.
    if reached and at >= task.last_abandoned_at:
        state = after(task, CallbackEvent.REACHED)
        if task.state is CallbackState.DONE:
            return ended
        return replace(ended, state=state, outcome=CallbackOutcome.REACHED, closed_at=at)
    if ended.current is not None:
        return ended  # late news of an earlier attempt, another goes on
    return replace(ended, state=after(task, CallbackEvent.UNREACHED))


def undone(task: CallbackTask, attempt_id: str) -> CallbackTask:
    """The attempt was refused before anything rang, so it was none."""
    attempt = task.attempt(attempt_id)
    if attempt is None or attempt.outcome is not None:
        return task
    left = replace(task, attempts=tuple(one for one in task.attempts if one != attempt))
    if left.current is not None:
        return left
    return replace(left, state=after(task, CallbackEvent.UNREACHED))


def closed(
    task: CallbackTask, outcome: CallbackOutcome, by: str, note: str, at: datetime
) -> CallbackTask:
    """A person closes the task; an attempt that goes on is still recorded when it ends."""
    if outcome not in BY_A_PERSON:
        raise CallbackOutcomeInvalid("a person cannot close a task with this outcome")
    state = after(task, CallbackEvent.CLOSED)
    return replace(task, state=state, outcome=outcome, closed_at=at, closed_by=by, note=note)


def called_again(
    task: CallbackTask, contact_id: ContactId, at: datetime, *, outbound: bool = False
) -> CallbackTask:
    """The citizen calls at ``at``, or (``outbound``) was reached from a card and not by the task.

    A call from before the last abandoned one is no news.
    """
    own = {*task.contacts, *(one.contact_id for one in task.attempts)}
    if task.state is CallbackState.DONE or contact_id in own or at < task.last_abandoned_at:
        return task
    return replace(
        task,
        state=after(task, CallbackEvent.CALLED_AGAIN),
        outcome=CallbackOutcome.REACHED if outbound else CallbackOutcome.CALLED_AGAIN,
        closed_at=at,
        closing_contact_id=None if outbound else contact_id,
    )


def abandoned(task: CallbackTask, contact: AbandonedContact) -> CallbackTask:
    """One more contact of the same citizen was abandoned; one that is known adds its card."""
    task = replace(
        task,
        incident_id=task.incident_id or contact.incident_id,
        card_number=task.card_number or contact.card_number,
    )
    if contact.contact_id in task.contacts:
        return task
    state = after(task, CallbackEvent.ABANDONED)
    if state is CallbackState.OPEN and task.current is not None:
        state = CallbackState.CALLING  # closed while somebody dialled, who still dials
    return replace(
        task,
        state=state,
        contacts=(*task.contacts, contact.contact_id),
        priority=max(task.priority, contact.priority),
        created_at=min(task.created_at, contact.abandoned_at),
        last_abandoned_at=max(task.last_abandoned_at, contact.abandoned_at),
        outcome=None,
        closed_at=None,
        closed_by=None,
        closing_contact_id=None,
        note="",
    )


def _with(task: CallbackTask, changed: CallbackAttempt) -> CallbackTask:
    attempts = tuple(
        changed if one.attempt_id == changed.attempt_id else one for one in task.attempts
    )
    return replace(task, attempts=attempts)
