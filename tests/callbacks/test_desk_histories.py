"""Whatever happens in whatever order, with outages and restarts: nobody who gave up is lost.

First anything may fail; then the faults stop, and the desk must come to what the cards say.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver import db
from ccserver.callbacks import (
    AnsweredContact,
    CallbackId,
    CallbackOutcome,
    CallbackRefused,
    CallbackSettings,
    CallbackState,
    CallbackStore,
    CallbackUnknown,
)
from ccserver.db import Database, DatabaseUnavailable
from ccserver.types import ContactId
from tests.callbacks.centre import Centre
from tests.callbacks.samples import ANNA, BORIS, contact_id, gave_up, second

CITIZENS = 3
SETTINGS = CallbackSettings(automatic=True, attempts_max=2, retry_after_s=3)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["gives_up"] * 3
            + ["gives_up_unseen", "calls_again", "is_answered", "click", "click", "lines_up"]
            + ["accepts", "answers", "does_not_answer", "away", "back", "looks", "restart"]
            + ["writes"] * 5
        ),
        st.integers(0, CITIZENS - 1),
    ),
    max_size=30,
)


class History:
    """One run: a centre with citizens of its own, and what must be true of them."""

    def __init__(self, centre: Centre, run: int) -> None:
        self.centre = centre
        self.numbers = [f"+1{run:08d}{citizen}" for citizen in range(CITIZENS)]
        self.names = (f"{run} {number}" for number in itertools.count())
        self.needs = [False] * CITIZENS
        """Gave up, and has not been heard of since."""
        self.settled = [True] * CITIZENS
        """Talked with us since giving up, as the cards know."""
        self.calls: dict[ContactId, tuple[int, str]] = {}
        """Those that ring or talk: whom, and for which task."""
        centre.place = self.place
        centre.source.abandoned.clear()
        centre.source.answered.clear()
        centre.alive.clear()
        centre.seconds = 0
        centre.restart()
        centre.desk.configure(SETTINGS)
        centre.desk.telephony_known()

    async def place(self) -> ContactId:
        _, number, _, task_id = self.centre.placed[-1]
        return self._line(self.numbers.index(number), task_id)

    def _line(self, citizen: int, task_id: str) -> ContactId:
        contact = contact_id(next(self.names))
        # Nobody is called for one task twice at the same time.
        assert (citizen, task_id) not in self.calls.values()
        self.calls[contact] = (citizen, task_id)
        self.centre.alive.add(contact)
        return contact

    async def step(self, what: str, citizen: int) -> None:
        self.centre.seconds += 1
        await getattr(self, what)(citizen)

    async def gives_up(self, citizen: int, *, seen: bool = True) -> None:
        contact = gave_up(next(self.names), at=self.centre.seconds, number=self.numbers[citizen])
        self.centre.source.abandoned.append(contact)
        if seen:
            self.centre.desk.contact_abandoned(contact)
        self.needs[citizen], self.settled[citizen] = True, False

    async def gives_up_unseen(self, citizen: int) -> None:
        await self.gives_up(citizen, seen=False)

    async def calls_again(self, citizen: int) -> None:
        self.centre.desk.citizen_called(self.numbers[citizen], contact_id(next(self.names)))
        self.needs[citizen] = False

    async def is_answered(self, citizen: int) -> None:
        self._talked(contact_id(next(self.names)), citizen, outbound=False)

    async def click(self, citizen: int) -> None:
        agent_id = ANNA if self.centre.seconds % 2 else BORIS
        for task in self.centre.desk.snapshot():
            if task["number"] == self.numbers[citizen]:
                with contextlib.suppress(CallbackRefused, CallbackUnknown, DatabaseUnavailable):
                    await self.centre.desk.call(CallbackId(str(task["task_id"])), agent_id)

    async def lines_up(self, _: int) -> None:
        task = self.centre.desk.next_automatic()
        if task is not None and task.number is not None:
            contact = self._line(self.numbers.index(task.number), task.task_id)
            self.centre.desk.begin_automatic(task.task_id, contact)

    async def accepts(self, citizen: int) -> None:
        for contact, (called, _) in self.calls.items():
            if called == citizen:
                self.centre.desk.contact_accepted(contact, ANNA)

    async def answers(self, citizen: int, *, answered: bool = True) -> None:
        for contact, (called, _) in list(self.calls.items()):
            if called == citizen:
                del self.calls[contact]
                self.centre.alive.discard(contact)
                if answered:
                    self._talked(contact, citizen, outbound=True)
                self.centre.desk.contact_finished(contact, answered)

    async def does_not_answer(self, citizen: int) -> None:
        await self.answers(citizen, answered=False)

    def _talked(self, contact: ContactId, citizen: int, *, outbound: bool) -> None:
        at, number = second(self.centre.seconds), self.numbers[citizen]
        self.centre.source.answered.append(AnsweredContact(contact, number, at, outbound))
        self.needs[citizen], self.settled[citizen] = False, True

    async def away(self, _: int) -> None:
        self.centre.store.away = True

    async def back(self, _: int) -> None:
        self.centre.store.away = False

    async def writes(self, _: int) -> None:
        if not self.centre.store.away:
            assert await self.centre.desk.drain(30)

    async def looks(self, _: int) -> None:
        try:
            await self.centre.desk.reconcile()
        except DatabaseUnavailable:
            assert self.centre.store.away

    async def restart(self, _: int) -> None:
        """A new process: what was not written is lost, the calls live on in Asterisk."""
        away = self.centre.store.away
        if self.centre.desk.pending_writes.pending:
            # Calls that nobody has written down cannot be told from others; they hang up.
            self.calls.clear()
            self.centre.alive.clear()
        self.centre.restart()
        self.centre.desk.configure(SETTINGS)
        self.centre.store.away = away
        self.centre.desk.telephony_known()

    async def settle(self) -> None:
        """The faults stop: whoever is on the line hangs up, and the desk has time."""
        centre = self.centre
        centre.store.away = False
        for contact in list(self.calls):
            centre.alive.discard(contact)
        for _ in range(3):
            centre.seconds += 1
            await centre.desk.reconcile()
            assert await centre.desk.drain(30)


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    db.upgrade(f"sqlite:///{tmp_path}/test.db")
    database = Database(f"sqlite:///{tmp_path}/test.db", request_timeout_s=60)
    yield Centre(database)
    await database.close()


async def test_no_history_loses_who_gave_up_or_calls_who_was_helped(centre: Centre) -> None:
    loop = asyncio.get_running_loop()
    runs = itertools.count()

    async def play(steps: list[tuple[str, int]]) -> None:
        store = CallbackStore(centre.database)
        for task in await store.open_tasks():  # of a run that failed
            await store.close(task.task_id, CallbackOutcome.NOT_NEEDED, "anna", "", second(0))
        history = History(centre, next(runs))
        for what, citizen in steps:
            await history.step(what, citizen)
            await asyncio.sleep(0)
        await history.settle()
        tasks = await store.open_tasks()
        mine = {task.number: task for task in tasks if task.number in history.numbers}
        assert len(tasks) == len(mine)
        for number, needs, settled in zip(
            history.numbers, history.needs, history.settled, strict=True
        ):
            assert number in mine or not needs
            assert number not in mine or not settled
        for task in tasks:
            assert task.state is CallbackState.OPEN
            assert all(attempt.outcome for attempt in task.attempts)
        assert [task.task_id for task in tasks] == centre.shown

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(STEPS)
    def check(steps: list[tuple[str, int]]) -> None:
        asyncio.run_coroutine_threadsafe(play(steps), loop).result(120)

    await asyncio.to_thread(check)
