"""The live part: which citizens are to be called back, who does it now, whose turn is next.

What is shown changes at once (`ccserver.callbacks.board`) and is written behind it: a database
that is away delays what is kept, never a call. Nothing here that the path of a waiting caller calls
has an await.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from ccserver.callbacks import states
from ccserver.callbacks.board import CallbackBoard, JSONObject, following
from ccserver.callbacks.looks import Looks
from ccserver.callbacks.lost import LostAttempts
from ccserver.callbacks.pending import Pause, PendingWrites, Write
from ccserver.callbacks.reconcile import Alive, Reconciler
from ccserver.callbacks.store import CallbackStore
from ccserver.callbacks.story import CallbackStep, Storyteller
from ccserver.callbacks.values import (
    AbandonedContact,
    AttemptOutcome,
    CallbackAttempt,
    CallbackClosed,
    CallbackId,
    CallbackOutcome,
    CallbackSettings,
    CallbackState,
    CallbackTask,
    CallbackUnknown,
    ContactSource,
    PlaceCall,
    RecentAbandon,
    digits_of,
)
from ccserver.callbacks.views import as_json
from ccserver.db import DatabaseUnavailable
from ccserver.types import AgentId, ContactId

log = structlog.get_logger(__name__)

BEGIN_TIMEOUT_S = 1.0
"""A call taker's click does not wait longer for the database to say that the task is free."""
PLACE_TIMEOUT_S = 10.0
"""Telephony only has to name the contact; then it rings."""
FAULT = "failed"
"""Telephony's code for a fault on the way to the citizen, whose phone then did not ring."""
RETOLD_MAX = 100
"""Of tasks done before this process: what died with the journal's memory is of the last ones."""
SNAPSHOT_MAX = 500
"""Of tasks that a panel gets when it connects, first in order; the rest it asks for by pages."""


@dataclass(frozen=True, slots=True)
class CallbackPage:
    """Tasks as JSON; ``next_cursor`` is the ``before`` of the following page."""

    tasks: list[JSONObject]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a contact ended."""

    answered: bool
    dialled: bool
    reason: str | None = None

    @property
    def outcome(self) -> AttemptOutcome:
        if self.answered:
            return AttemptOutcome.REACHED
        if self.reason == FAULT:
            return AttemptOutcome.FAILED
        return AttemptOutcome.NO_ANSWER if self.dialled else AttemptOutcome.FAILED


class CallbackDesk:
    """One desk per process.

    ``publish`` sends a message to every panel; ``now`` is the aware time; ``alive`` tells whether a
    contact goes on; ``agent_name`` a seat's name; ``withdraw`` ends a contact that stands in line
    for a task which has been settled; ``tell`` writes a step on the citizen's card.
    """

    def __init__(
        self,
        store: CallbackStore,
        source: ContactSource,
        *,
        place_call: PlaceCall,
        publish: Callable[[JSONObject], None],
        now: Callable[[], datetime],
        alive: Alive,
        agent_name: Callable[[AgentId], str | None] = lambda _: None,
        withdraw: Callable[[ContactId], None] = lambda _: None,
        tell: Callable[[CallbackStep], None] = lambda _: None,
        settings: CallbackSettings | None = None,
        pause: Pause = asyncio.sleep,
        begin_timeout_s: float = BEGIN_TIMEOUT_S,
    ) -> None:
        self._store = store
        self._lost = LostAttempts(source, alive)
        self._reconciler = Reconciler(store, source)
        self._place_call = place_call
        self._now = now
        self._alive = alive
        self._agent_name = agent_name
        self._pause = pause
        self._begin_timeout_s = begin_timeout_s
        self._withdraw = withdraw
        self._board = CallbackBoard(publish, self._withdrawn, settings or CallbackSettings())
        self._storyteller = Storyteller(tell)
        self.pending_writes = PendingWrites(pause=pause)
        self._own: set[str] = set()
        self._placing: set[asyncio.Task[ContactId]] = set()
        self._early: dict[ContactId, _Ended] = {}
        self._loaded = False
        self._telephony_known = False
        self._reconciling = asyncio.Lock()
        self._looks = Looks(self.reconcile, pause)

    # -- life -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write, and look into the cards every half minute; never ends by itself."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.pending_writes.run(), name="callback_writes")
            tasks.create_task(self._looks.run(), name="callback_reconcile")

    async def drain(self, deadline_s: float) -> bool:
        """Write what is left at the end of the process; what is not, the next start finds."""
        return await self.pending_writes.drain(deadline_s)

    def telephony_known(self) -> None:
        """From now on ``alive`` can be believed: an attempt whose contact is gone has ended."""
        self._telephony_known = True

    def configure(self, settings: CallbackSettings) -> None:
        """Take over changed settings, and tell the panels and cards what they change."""
        self._board.configure(settings)
        for task in self._board.tasks():
            if not self._board.writing(task.task_id):
                self._storyteller.tell(task, settings)

    def look_again(self) -> None:
        """The cards tell of somebody who gave up and of whom this process was not told."""
        self._looks.ask()

    async def reconcile(self) -> None:
        """Hold the tasks against the cards once; may raise `DatabaseUnavailable`."""
        async with self._reconciling:
            await self._reconciler.reconcile(self._now(), self._alive)
            await self._refresh()
            await self._end_lost_attempts()

    async def _refresh(self) -> None:
        if not self._loaded:
            # What the process before this one had not told of them any more.
            for task in await self._store.recent(RETOLD_MAX):
                self._storyteller.tell(task, self._board.settings)
        shown = {task.task_id for task in self._board.tasks()}
        kept = await self._store.open_tasks()
        for task in kept:
            self._adopt(task)
        self._board.keep_only({task.task_id for task in kept}, shown)
        self._loaded = True

    async def _end_lost_attempts(self) -> None:
        if not self._telephony_known:
            return
        for lost in await self._lost.find(self._board.tasks(), self._own):
            log.warning("callback_attempt_lost", task_id=lost.task_id)
            ended = _Ended(answered=False, dialled=lost.dialled)
            self._finish(lost.task_id, lost.attempt_id, ended)

    # -- what the panels see ----------------------------------------------------------------------

    def snapshot(self) -> list[JSONObject]:
        """The first open tasks in order, for a panel that connects."""
        return [
            as_json(task, self._board.settings) for task in self._board.ordered()[:SNAPSHOT_MAX]
        ]

    async def abandoned_recently(self, since: datetime) -> list[RecentAbandon]:
        """Who gave up since then, for the distributor's memory of redials."""
        return list(await self._store.abandoned_recently(since))

    @property
    def stuck(self) -> bool:
        """Whether a task fails again and again without the citizen being dialled."""
        return any(task.stuck for task in self._board.tasks())

    @property
    def unattended(self) -> bool:
        """Whether a car was handed over that nobody here has taken care of."""
        return any(task.unattended for task in self._board.tasks())

    @property
    def open_count(self) -> int:
        """Tasks that are not done."""
        return len(self._board)

    async def page(self, *, done: bool, limit: int, before: str | None) -> CallbackPage:
        """Open tasks in order, or the done ones, last closed first."""
        if done:
            tasks = await self._store.recent(limit, before)
        else:
            tasks = following(self._board.ordered(), before)[:limit]
        cursor = tasks[-1].cursor if len(tasks) == limit else None
        return CallbackPage([as_json(task, self._board.settings) for task in tasks], cursor)

    # -- what the centre tells --------------------------------------------------------------------

    def contact_abandoned(self, contact: AbandonedContact) -> None:
        """A caller left before an answer, or was cut off."""

        async def work() -> None:
            self._adopt(await self._store.open_task(contact))

        self.pending_writes.submit(Write("open", work, lambda: None))

    def citizen_called(
        self, number: str | None, contact_id: ContactId, at: datetime | None = None
    ) -> None:
        """An inbound contact arrived (at ``at``, or now); cheap where nothing is to be done."""
        digits = digits_of(number)
        certain = self._loaded and not self.pending_writes.pending
        if not digits or (certain and not self._board.has_number(digits)):
            return
        moment = at or self._now()

        async def work() -> None:
            for task in await self._store.called_again(number or "", contact_id, moment):
                self._adopt(task)

        self.pending_writes.submit(Write("called_again", work, lambda: None))

    def contact_accepted(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """A call taker accepted the contact that stood in line for a task."""
        self._detail(contact_id, agent_id)

    def contact_finished(
        self,
        contact_id: ContactId,
        answered: bool,
        *,
        dialled: bool = True,
        reason: str | None = None,
    ) -> None:
        """An outbound contact is over; ``dialled`` false: the citizen's phone never rang.

        ``reason`` is telephony's code for why the citizen did not answer.
        """
        known = self._board.unbind(contact_id)
        ended = _Ended(answered, dialled, reason)
        if known is not None:
            self._finish(*known, ended)
        elif self._placing:
            self._early[contact_id] = ended  # faster than its own id

    # -- calling ----------------------------------------------------------------------------------

    async def call(self, task_id: CallbackId, agent_id: AgentId) -> ContactId:
        """Call the citizen from the seat; returns when telephony has named the contact.

        Raises `CallbackUnknown`, `CallbackTaken`, `CallbackClosed`, `CallbackNotDialable`, what
        ``place_call`` raises, `TimeoutError`, `DatabaseUnavailable`. A caller that is cancelled
        does not undo it.
        """
        task = self._board.get(task_id) or await self._missing(task_id)
        attempt = CallbackAttempt(
            str(uuid.uuid4()), self._now(), agent_id, self._agent_name(agent_id)
        )
        # From the check to the change there is no await, so of two clicks one wins.
        settled = not self._board.writing(task_id)
        self._begin(task, attempt)
        self._board.hold(task_id)
        placing = asyncio.create_task(
            self._place(task, attempt, agent_id, ask=settled), name="callback_place"
        )
        self._placing.add(placing)
        placing.add_done_callback(self._placed)
        return await asyncio.shield(placing)

    def next_automatic(self, now: datetime | None = None) -> CallbackTask | None:
        """The task that should be put in line now, ``None`` if none; one at a time."""
        if not self._board.settings.automatic:
            return None
        moment = now or self._now()
        waiting: list[CallbackTask] = []
        for task in self._board.tasks():
            current = task.current
            if current is not None and current.automatic and current.agent_id is None:
                return None
            if self._offerable(task, moment):
                waiting.append(task)
        return min(waiting, key=lambda task: task.order, default=None)

    def begin_automatic(self, task_id: CallbackId, contact_id: ContactId) -> None:
        """The task now stands in line as this contact; raises as `call`, in the same step."""
        task = self._board.get(task_id)
        if task is None:
            raise CallbackUnknown("there is no such open task")
        attempt = CallbackAttempt(
            str(uuid.uuid4()), self._now(), None, contact_id=contact_id, automatic=True
        )
        self._begin(task, attempt)
        self._board.bind(contact_id, task_id, attempt.attempt_id)
        self._write_begin(task_id, attempt)

    async def close(
        self, task_id: CallbackId, outcome: CallbackOutcome, *, by: str, note: str = ""
    ) -> JSONObject:
        """A person closes the task; durable when it returns.

        Raises `CallbackUnknown`, `CallbackClosed`, `CallbackOutcomeInvalid`,
        `DatabaseUnavailable`.
        """
        task = await self._store.close(task_id, outcome, by, note, self._now())
        self._adopt(task)
        return as_json(task, self._board.settings)

    def _offerable(self, task: CallbackTask, now: datetime) -> bool:
        not_before = task.next_attempt_at(self._board.settings)
        return (
            task.state is CallbackState.OPEN
            and task.dialable
            and not task.exhausted(self._board.settings)
            and (not_before is None or not_before <= now)
        )

    async def _missing(self, task_id: CallbackId) -> CallbackTask:
        """A task that is not shown; raises unless another process has just opened it."""
        task = await self._store.task(task_id)
        if task is None:
            raise CallbackUnknown("there is no such task")
        if task.state is CallbackState.DONE:
            raise CallbackClosed(task.outcome, task.closed_by)
        self._board.adopt(task)
        return self._board.get(task_id) or task

    def _begin(self, task: CallbackTask, attempt: CallbackAttempt) -> None:
        begun = states.begun(task, attempt)
        self._own.add(attempt.attempt_id)
        self._board.show(begun)
        log.info(
            "callback_begun",
            task_id=task.task_id,
            agent_id=attempt.agent_id,
            automatic=attempt.automatic,
        )

    async def _place(
        self, task: CallbackTask, attempt: CallbackAttempt, agent_id: AgentId, *, ask: bool
    ) -> ContactId:
        if ask:
            await self._take(task.task_id, attempt)
        else:
            # What was before this attempt is not written yet, so the answer would be wrong.
            self._write_begin(task.task_id, attempt)
            self._board.release(task.task_id, None)
        assert task.number is not None, "only a task with a number can begin"
        try:
            async with asyncio.timeout(PLACE_TIMEOUT_S):
                contact_id = await self._place_call(
                    agent_id, task.number, task.incident_id, task.task_id
                )
        except (TimeoutError, asyncio.CancelledError):
            # Whether something rings is not known, so it counts as an attempt.
            self._finish(task.task_id, attempt.attempt_id, _Ended(answered=False, dialled=False))
            raise
        except Exception:
            self._undo(task.task_id, attempt.attempt_id)
            raise
        self._board.bind(contact_id, task.task_id, attempt.attempt_id)
        self._detail(contact_id, None)
        early = self._early.pop(contact_id, None)
        if early is not None:
            self.contact_finished(
                contact_id, early.answered, dialled=early.dialled, reason=early.reason
            )
        return contact_id

    def _placed(self, placing: asyncio.Task[ContactId]) -> None:
        self._placing.discard(placing)
        if not self._placing:
            self._early.clear()
        if not placing.cancelled() and placing.exception() is not None:
            log.info("callback_not_placed", reason=type(placing.exception()).__name__)

    async def _take(self, task_id: CallbackId, attempt: CallbackAttempt) -> None:
        """Ask the database whether another process has the task; without it, go on."""
        try:
            async with asyncio.timeout(self._begin_timeout_s):
                taken = await self._store.begin_attempt(
                    task_id, attempt.agent_id, None, attempt.begun_at, attempt_id=attempt.attempt_id
                )
        except (DatabaseUnavailable, TimeoutError):
            self._write_begin(task_id, attempt)
            self._board.release(task_id, None)
        except Exception:
            self._board.release(task_id, None)
            self._own.discard(attempt.attempt_id)
            await self._reload(task_id)
            raise
        else:
            self._storyteller.tell(taken, self._board.settings)
            self._board.release(task_id, taken)

    async def _reload(self, task_id: CallbackId) -> None:
        """What is shown was wrong: take what the database has, or nothing."""
        try:
            task = await self._store.task(task_id)
        except DatabaseUnavailable:
            task = None
        self._board.forget(task_id, task)

    # -- writing ----------------------------------------------------------------------------------

    def _adopt(self, task: CallbackTask) -> None:
        """The database has the task like this: show it, and tell the cards what is new."""
        self._storyteller.tell(task, self._board.settings)
        self._board.adopt(task)

    def _write_begin(self, task_id: CallbackId, attempt: CallbackAttempt) -> None:
        """The attempt is a fact by the time this is written."""
        self._write(
            "begin",
            task_id,
            lambda: self._store.begin_attempt(
                task_id,
                attempt.agent_id,
                attempt.contact_id,
                attempt.begun_at,
                attempt_id=attempt.attempt_id,
                automatic=attempt.automatic,
                fact=True,
            ),
        )

    def _detail(self, contact_id: ContactId, agent_id: AgentId | None) -> None:
        known = self._board.attempt_of(contact_id)
        if known is None:
            return
        task_id, attempt_id = known
        name = self._agent_name(agent_id) if agent_id else None
        task = self._board.get(task_id)
        if task is not None:
            self._board.show(
                states.detailed(
                    task, attempt_id, contact_id=contact_id, agent_id=agent_id, agent_name=name
                )
            )
        self._write(
            "detail",
            task_id,
            lambda: self._store.detail_attempt(
                task_id, attempt_id, contact_id=contact_id, agent_id=agent_id
            ),
        )

    def _finish(self, task_id: CallbackId, attempt_id: str, ended: _Ended) -> None:
        at = self._now()
        self._own.discard(attempt_id)
        task = self._board.get(task_id)
        if task is not None:
            self._board.show(
                states.finished(task, attempt_id, ended.outcome, at, reason=ended.reason)
            )
        log.info("callback_attempt_ended", task_id=task_id, outcome=ended.outcome.value)
        self._write(
            "finish",
            task_id,
            lambda: self._store.finish_attempt(
                task_id, ended.outcome, at, attempt_id=attempt_id, reason=ended.reason
            ),
        )

    def _undo(self, task_id: CallbackId, attempt_id: str) -> None:
        """The seat or the line refused: nothing was tried, and the task is as before."""
        self._own.discard(attempt_id)
        task = self._board.get(task_id)
        if task is not None:
            self._board.show(states.undone(task, attempt_id))
        self._write("undo", task_id, lambda: self._store.undo_attempt(task_id, attempt_id))

    def _withdrawn(self, contact_id: ContactId) -> None:
        """The task of a contact in line has been settled."""
        self.contact_finished(contact_id, answered=False, dialled=False)
        self._withdraw(contact_id)

    def _write(
        self, name: str, task_id: CallbackId, work: Callable[[], Awaitable[CallbackTask]]
    ) -> None:
        self._board.hold(task_id)

        async def write() -> None:
            task = await work()
            self._storyteller.tell(task, self._board.settings)
            self._board.release(task_id, task)

        self.pending_writes.submit(Write(name, write, lambda: self._board.release(task_id, None)))
