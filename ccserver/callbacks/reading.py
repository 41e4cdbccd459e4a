"""Reading call-back tasks from their tables; each function runs inside one transaction."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ccserver.accounts.models import AgentRow
from ccserver.callbacks.models import CallbackAttemptRow, CallbackContactRow, CallbackTaskRow
from ccserver.callbacks.values import (
    AttemptOutcome,
    CallbackAttempt,
    CallbackId,
    CallbackKind,
    CallbackOutcome,
    CallbackState,
    CallbackTask,
)
from ccserver.types import AgentId, ContactId, IncidentId

KEYS_MAX = 500
"""Of one statement: SQLite bounds a statement's parameters."""


def chunked(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Return ``keys`` in parts that one statement can hold."""
    for start in range(0, len(keys), KEYS_MAX):
        yield keys[start : start + KEYS_MAX]


def load_one(session: Session, task_id: str, *, lock: bool = False) -> CallbackTask | None:
    """Return the task; ``lock`` keeps every other writer from it until the transaction ends."""
    # What another process wrote while we waited for the lock must be seen.
    row = session.get(CallbackTaskRow, task_id, with_for_update=lock, populate_existing=lock)
    return None if row is None else load(session, [row])[0]


def load_live(session: Session) -> list[CallbackTask]:
    """Return every task that is not done, in no order."""
    query = select(CallbackTaskRow).where(
        CallbackTaskRow.state.in_([CallbackState.OPEN.value, CallbackState.CALLING.value])
    )
    return load(session, session.scalars(query).all())


def load(session: Session, rows: Sequence[CallbackTaskRow]) -> list[CallbackTask]:
    """Return the tasks of ``rows``, in their order."""
    keys = [row.task_id for row in rows]
    contacts: dict[str, list[ContactId]] = defaultdict(list)
    attempts: dict[str, list[CallbackAttempt]] = defaultdict(list)
    for some in chunked(keys):
        for task_id, contact_id in session.execute(
            select(CallbackContactRow.task_id, CallbackContactRow.contact_id)
            .where(CallbackContactRow.task_id.in_(some))
            .order_by(CallbackContactRow.abandoned_at, CallbackContactRow.contact_id)
        ):
            contacts[task_id].append(ContactId(contact_id))
        for row, name in session.execute(
            select(CallbackAttemptRow, AgentRow.name)
            .outerjoin(AgentRow, AgentRow.agent_id == CallbackAttemptRow.agent_id)
            .where(CallbackAttemptRow.task_id.in_(some))
            .order_by(CallbackAttemptRow.begun_at, CallbackAttemptRow.attempt_id)
        ):
            attempts[row.task_id].append(_attempt(row, name))
    return [_task(row, contacts[row.task_id], attempts[row.task_id]) for row in rows]


def _attempt(row: CallbackAttemptRow, name: str | None) -> CallbackAttempt:
    return CallbackAttempt(
        attempt_id=row.attempt_id,
        begun_at=row.begun_at,
        agent_id=AgentId(row.agent_id) if row.agent_id else None,
        agent_name=name,
        contact_id=ContactId(row.contact_id) if row.contact_id else None,
        automatic=row.automatic,
        ended_at=row.ended_at,
        outcome=AttemptOutcome(row.outcome) if row.outcome else None,
        reason=row.reason,
    )


def _task(
    row: CallbackTaskRow, contacts: Sequence[ContactId], attempts: Sequence[CallbackAttempt]
) -> CallbackTask:
    return CallbackTask(
        task_id=CallbackId(row.task_id),
        number=row.number,
        digits=row.digits,
        incident_id=IncidentId(row.incident_id) if row.incident_id else None,
        card_number=row.card_number,
        queue=row.queue,
        priority=row.priority,
        created_at=row.created_at,
        last_abandoned_at=row.last_abandoned_at,
        contacts=tuple(contacts),
        state=CallbackState(row.state),
        attempts=tuple(attempts),
        outcome=CallbackOutcome(row.outcome) if row.outcome else None,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        closing_contact_id=ContactId(row.closing_contact_id) if row.closing_contact_id else None,
        note=row.note,
        revision=row.revision,
        kind=CallbackKind(row.kind),
    )
