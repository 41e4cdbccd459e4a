"""Call-back tasks in the database. Every method may raise `ccserver.db.DatabaseUnavailable`.

Every write is idempotent, because after a crash or an unclear answer it is done again.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ccserver.callbacks import states
from ccserver.callbacks.models import CallbackAttemptRow, CallbackContactRow, CallbackTaskRow
from ccserver.callbacks.reading import chunked, load, load_live, load_one
from ccserver.callbacks.values import (
    NOTE_CHARS_MAX,
    NUMBER_CHARS_MAX,
    AbandonedContact,
    AttemptOutcome,
    CallbackAttempt,
    CallbackId,
    CallbackOutcome,
    CallbackState,
    CallbackTask,
    CallbackUnknown,
    RecentAbandon,
    digits_of,
)
from ccserver.db import Database, clean_text
from ccserver.types import AgentId, ContactId

T = TypeVar("T")
log = structlog.get_logger(__name__)

LIMIT_MAX = 100
"""Of one page of tasks that are done."""
QUEUE_CHARS_MAX = 64
REASON_CHARS_MAX = 32


class CallbackStore:
    """Call-back tasks, their contacts and attempts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # -- reading ----------------------------------------------------------------------------------

    async def open_tasks(self) -> list[CallbackTask]:
        """Return every task that is not done, in the order in which they are offered."""
        tasks = await self._db.read(load_live)
        return sorted(tasks, key=lambda task: task.order)

    async def task(self, task_id: CallbackId) -> CallbackTask | None:
        """Return the task."""
        return await self._db.read(lambda session: load_one(session, clean_text(task_id)))

    async def recent(self, limit: int, before: str | None = None) -> list[CallbackTask]:
        """Return tasks that are done, the last closed first.

        ``before`` is the `CallbackTask.cursor` of the last one seen; any other text is no error
        and begins anew.
        """
        older = _closed_before(before)
        query = (
            select(CallbackTaskRow)
            .where(CallbackTaskRow.state == CallbackState.DONE.value, *older)
            .order_by(CallbackTaskRow.closed_at.desc(), CallbackTaskRow.task_id.desc())
            .limit(max(1, min(limit, LIMIT_MAX)))
        )
        return await self._db.read(lambda session: load(session, session.scalars(query).all()))

    async def unfiled(self, contacts: Sequence[AbandonedContact]) -> list[AbandonedContact]:
        """Return those of ``contacts`` that have no task, or whose task does not know its card.

        Our own calls to citizens are none of them, whatever became of those.
        """
        ids = [contact.contact_id for contact in contacts]

        def work(session: Session) -> tuple[set[str], set[str]]:
            filed: set[str] = set()
            incomplete: set[str] = set()
            for some in chunked(ids):
                own = select(CallbackAttemptRow.contact_id).where(
                    CallbackAttemptRow.contact_id.in_(some)
                )
                filed.update(one for one in session.scalars(own) if one)
                known = (
                    select(CallbackContactRow.contact_id, CallbackTaskRow.incident_id)
                    .join(CallbackTaskRow)
                    .where(CallbackContactRow.contact_id.in_(some))
                )
                for contact_id, incident_id in session.execute(known):
                    (filed if incident_id is not None else incomplete).add(contact_id)
            return filed, incomplete

        filed, incomplete = await self._db.read(work)
        return [
            contact
            for contact in contacts
            if contact.contact_id not in filed
            and (contact.contact_id not in incomplete or contact.incident_id is not None)
        ]

    async def abandoned_recently(self, since: datetime) -> list[RecentAbandon]:
        """Return contacts abandoned since then that nobody has called back, oldest first.

        For the distributor's memory of who keeps the place after a redial. Also those whose owner
        has called again: that new contact may still wait for its answer.
        """
        query = (
            select(CallbackContactRow, CallbackTaskRow)
            .join(CallbackTaskRow)
            .where(
                CallbackContactRow.abandoned_at >= since,
                CallbackTaskRow.digits != "",
                or_(
                    CallbackTaskRow.state != CallbackState.DONE.value,
                    CallbackTaskRow.closing_contact_id.is_not(None),
                ),
            )
            .order_by(CallbackContactRow.abandoned_at, CallbackContactRow.contact_id)
        )

        def work(session: Session) -> list[RecentAbandon]:
            return [
                RecentAbandon(
                    ContactId(row.contact_id),
                    task.number or task.digits,
                    row.queue,
                    row.priority,
                    row.arrived_at,
                    row.abandoned_at,
                    ContactId(task.closing_contact_id) if task.closing_contact_id else None,
                )
                for row, task in session.execute(query)
            ]

        return await self._db.read(work)

    # -- writing ----------------------------------------------------------------------------------

    async def open_task(self, contact: AbandonedContact) -> CallbackTask:
        """Open a task for an abandoned contact, or add the contact to the citizen's task.

        A contact that has a task keeps it. A task that was closed because the citizen called by
        just this contact is open again. A task that was closed after this contact was abandoned
        has settled it.
        """
        task = await self._write(lambda session: _open_task(session, contact))
        log.info("callback_filed", contact_id=contact.contact_id, task_id=task.task_id)
        return task

    async def begin_attempt(
        self,
        task_id: CallbackId,
        agent_id: AgentId | None,
        contact_id: ContactId | None,
        at: datetime,
        *,
        attempt_id: str | None = None,
        automatic: bool = False,
        fact: bool = False,
    ) -> CallbackTask:
        """Take the task: of two who ask at the same moment one gets it.

        Doing it again with the same ``attempt_id`` changes nothing. ``fact``: the attempt was made
        while the database was away, so it is recorded and never refused. Raises `CallbackTaken`,
        `CallbackClosed`, `CallbackNotDialable` and `CallbackUnknown`.
        """
        attempt = CallbackAttempt(
            attempt_id or str(uuid.uuid4()), at, agent_id, None, contact_id, automatic
        )
        return await self._change(task_id, lambda task: states.begun(task, attempt, fact=fact))

    async def detail_attempt(
        self,
        task_id: CallbackId,
        attempt_id: str,
        *,
        contact_id: ContactId | None = None,
        agent_id: AgentId | None = None,
    ) -> CallbackTask:
        """Add what has become known of the attempt: its contact, or who accepted it."""
        return await self._change(
            task_id,
            lambda task: states.detailed(
                task, attempt_id, contact_id=contact_id, agent_id=agent_id
            ),
        )

    async def undo_attempt(self, task_id: CallbackId, attempt_id: str) -> CallbackTask:
        """Forget an attempt that was refused before anything rang."""
        return await self._change(task_id, lambda task: states.undone(task, attempt_id))

    async def finish_attempt(
        self,
        task_id: CallbackId,
        outcome: AttemptOutcome,
        at: datetime,
        *,
        attempt_id: str | None = None,
        reason: str | None = None,
    ) -> CallbackTask:
        """End an attempt, by default the one that goes on; without one nothing changes."""
        code = clean_text(reason)[:REASON_CHARS_MAX] if reason else None

        def change(task: CallbackTask) -> CallbackTask:
            current = attempt_id or (task.current.attempt_id if task.current else "")
            return states.finished(task, current, outcome, at, reason=code)

        return await self._change(task_id, change)

    async def close(
        self, task_id: CallbackId, outcome: CallbackOutcome, by: str, note: str, at: datetime
    ) -> CallbackTask:
        """Close the task; raises `CallbackClosed` if it is, `CallbackOutcomeInvalid`."""
        kept = clean_text(note)[:NOTE_CHARS_MAX]
        task = await self._change(
            task_id, lambda task: states.closed(task, outcome, clean_text(by), kept, at)
        )
        log.info("callback_closed", task_id=task_id, outcome=outcome.value)
        return task

    async def called_again(
        self, number: str, contact_id: ContactId, at: datetime, *, outbound: bool = False
    ) -> list[CallbackTask]:
        """Close the citizen's tasks, because the citizen called at ``at``; returns those closed.

        ``outbound``: we had called, past the task, and were answered.
        """
        digits = digits_of(number)
        if not digits:
            return []

        def work(session: Session) -> list[CallbackTask]:
            task = _live_of(session, digits)
            if task is None:
                return []
            done = states.called_again(task, contact_id, at, outbound=outbound)
            return [] if done == task else [_save(session, task, done)]

        tasks = await self._write(work)
        for task in tasks:
            log.info("callback_called_again", task_id=task.task_id, contact_id=contact_id)
        return tasks

    async def _change(
        self, task_id: CallbackId, change: Callable[[CallbackTask], CallbackTask]
    ) -> CallbackTask:
        def work(session: Session) -> CallbackTask:
            task = load_one(session, clean_text(task_id), lock=True)
            if task is None:
                raise CallbackUnknown("there is no such task")
            return _save(session, task, change(task))

        return await self._write(work)

    async def _write(self, work: Callable[[Session], T]) -> T:
        try:
            return await self._db.write(work)
        except IntegrityError:
            # Another process opened a task for the same citizen at the same time: now it is there.
            return await self._db.write(work)


def _open_task(session: Session, contact: AbandonedContact) -> CallbackTask:
    digits = contact.digits
    task = _of_contact(session, contact.contact_id)
    if task is None and digits:
        task = _live_of(session, digits) or _closed_by_call(session, contact.contact_id)
    if task is not None:
        return _save(session, task, states.abandoned(task, contact), contact)
    settled = _settled(session, digits, contact.abandoned_at) if digits else None
    if settled is not None:
        added = replace(settled, contacts=(*settled.contacts, contact.contact_id))
        return _save(session, settled, added, contact)
    fresh = CallbackTask(
        task_id=CallbackId(str(uuid.uuid4())),
        number=clean_text(contact.number)[:NUMBER_CHARS_MAX] if contact.number else None,
        digits=digits,
        incident_id=contact.incident_id,
        card_number=contact.card_number,
        queue=clean_text(contact.queue)[:QUEUE_CHARS_MAX],
        priority=contact.priority,
        created_at=contact.abandoned_at,
        last_abandoned_at=contact.abandoned_at,
        contacts=(contact.contact_id,),
        kind=contact.kind,
    )
    return _save(session, None, fresh, contact)


def _of_contact(session: Session, contact_id: str) -> CallbackTask | None:
    task_id = session.scalar(
        select(CallbackContactRow.task_id).where(CallbackContactRow.contact_id == contact_id)
    )
    return load_one(session, task_id, lock=True) if task_id else None


def _live_of(session: Session, digits: str) -> CallbackTask | None:
    query = select(CallbackTaskRow.task_id).where(
        CallbackTaskRow.digits == digits, CallbackTaskRow.state != CallbackState.DONE.value
    )
    task_id = session.scalar(query)
    task = load_one(session, task_id, lock=True) if task_id else None
    # Another process may have closed it while we waited for its lock.
    return None if task is None or task.state is CallbackState.DONE else task


def _closed_by_call(session: Session, contact_id: str) -> CallbackTask | None:
    query = select(CallbackTaskRow.task_id).where(CallbackTaskRow.closing_contact_id == contact_id)
    task_id = session.scalar(query)
    return load_one(session, task_id, lock=True) if task_id else None


def _settled(session: Session, digits: str, abandoned_at: datetime) -> CallbackTask | None:
    query = (
        select(CallbackTaskRow.task_id)
        .where(CallbackTaskRow.digits == digits, CallbackTaskRow.closed_at >= abandoned_at)
        .order_by(CallbackTaskRow.closed_at)
        .limit(1)
    )
    task_id = session.scalar(query)
    return load_one(session, task_id, lock=True) if task_id else None


def _save(
    session: Session,
    before: CallbackTask | None,
    after: CallbackTask,
    contact: AbandonedContact | None = None,
) -> CallbackTask:
    """Write what changed; returns the task as it now is."""
    if after == before:
        return after
    after = replace(after, revision=after.revision + 1)
    row = None if before is None else session.get(CallbackTaskRow, before.task_id)
    if row is None:
        row = CallbackTaskRow(task_id=after.task_id)
        session.add(row)
    for name in ("number", "digits", "incident_id", "card_number", "queue", "priority"):
        setattr(row, name, getattr(after, name))
    for name in ("created_at", "last_abandoned_at", "closed_at", "closed_by", "note", "revision"):
        setattr(row, name, getattr(after, name))
    row.kind = after.kind.value
    row.state = after.state.value
    row.outcome = after.outcome.value if after.outcome else None
    row.closing_contact_id = after.closing_contact_id
    session.flush()
    if contact is not None and (before is None or contact.contact_id not in before.contacts):
        session.add(
            CallbackContactRow(
                contact_id=contact.contact_id,
                task_id=after.task_id,
                queue=clean_text(contact.queue)[:QUEUE_CHARS_MAX],
                priority=contact.priority,
                arrived_at=contact.arrived_at,
                abandoned_at=contact.abandoned_at,
            )
        )
    known = before.attempts if before else ()
    _save_attempts(session, after.task_id, [one for one in after.attempts if one not in known])
    for undone in known:
        if after.attempt(undone.attempt_id) is None:
            session.delete(session.get_one(CallbackAttemptRow, undone.attempt_id))
    session.flush()
    saved = load_one(session, after.task_id)
    assert saved is not None, "a task that was just written is there"
    return saved


def _save_attempts(session: Session, task_id: str, attempts: Iterable[CallbackAttempt]) -> None:
    for attempt in attempts:
        row = session.get(CallbackAttemptRow, attempt.attempt_id)
        if row is None:
            row = CallbackAttemptRow(
                attempt_id=attempt.attempt_id,
                task_id=task_id,
                automatic=attempt.automatic,
                begun_at=attempt.begun_at,
            )
            session.add(row)
        row.agent_id = attempt.agent_id
        row.contact_id = attempt.contact_id
        row.ended_at = attempt.ended_at
        row.outcome = attempt.outcome.value if attempt.outcome else None
        row.reason = attempt.reason


def _closed_before(cursor: str | None) -> list[ColumnElement[bool]]:
    closed_text, _, task_id = (cursor or "").partition("~")
    try:
        closed_at = datetime.fromisoformat(closed_text)
    except ValueError:
        return []
    if closed_at.tzinfo is None:
        return []
    return [
        or_(
            CallbackTaskRow.closed_at < closed_at,
            and_(
                CallbackTaskRow.closed_at == closed_at,
                CallbackTaskRow.task_id < clean_text(task_id),
            ),
        )
    ]
