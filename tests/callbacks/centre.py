"""A desk of call-backs under test: its store may be away or hang, its time is the test's."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import datetime

from ccserver.callbacks import (
    AbandonedContact,
    CallbackDesk,
    CallbackId,
    CallbackSettings,
    CallbackStore,
    CallbackTask,
)
from ccserver.db import Database, DatabaseUnavailable
from ccserver.types import AgentId, ContactId, IncidentId
from tests.callbacks.samples import ANNA, BORIS, FakeSource, contact_id, gave_up, second

UNKNOWN = CallbackId("00000000-0000-4000-8000-000000000000")
CALL = contact_id("call")


class MoodyStore(CallbackStore):
    """The real store over a database that can be away."""

    away = False
    stuck: asyncio.Event | None = None

    async def _answer(self) -> None:
        if self.stuck is not None:
            await self.stuck.wait()
        if self.away:
            raise DatabaseUnavailable("away")

    async def task(self, task_id: CallbackId) -> CallbackTask | None:
        await self._answer()
        return await super().task(task_id)

    async def open_tasks(self) -> list[CallbackTask]:
        await self._answer()
        return await super().open_tasks()

    async def _write(self, work: Callable[..., object]) -> object:  # type: ignore[override]
        await self._answer()
        return await super()._write(work)


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


class Centre:
    """A desk with everything around it in the test's hands."""

    def __init__(self, database: Database, *, settings: CallbackSettings | None = None) -> None:
        self.database = database
        self.source = FakeSource()
        self.seconds = 0.0
        self.settings = settings or CallbackSettings()
        self.placed: list[tuple[AgentId, str, IncidentId | None, CallbackId]] = []
        self.place: Callable[[], Awaitable[ContactId]] | None = None
        self.alive: set[ContactId] = set()
        self.withdrawn: list[ContactId] = []
        self.messages: list[dict[str, object]] = []
        self.restart()

    def restart(self) -> None:
        """A new process with the same database."""
        self.messages.clear()
        self.store = MoodyStore(self.database)
        self.desk = CallbackDesk(
            self.store,
            self.source,
            place_call=self.place_call,
            publish=self.messages.append,
            now=self.now,
            alive=lambda contact: contact in self.alive,
            agent_name={ANNA: "Anna", BORIS: "Boris"}.get,
            withdraw=self.withdrawn.append,
            settings=self.settings,
            pause=no_pause,
            begin_timeout_s=5,
        )

    def now(self) -> datetime:
        return second(self.seconds)

    async def place_call(
        self, agent_id: AgentId, number: str, incident_id: IncidentId | None, task_id: CallbackId
    ) -> ContactId:
        self.placed.append((agent_id, number, incident_id, task_id))
        if self.place is not None:
            return await self.place()
        self.alive.add(CALL)
        return CALL

    async def gave_up(self, contact: AbandonedContact | None = None) -> CallbackTask:
        """Somebody gives up, and it is written."""
        contact = contact or gave_up()
        self.desk.contact_abandoned(contact)
        assert await self.desk.drain(10)
        tasks = await CallbackStore.open_tasks(self.store)
        return next(task for task in tasks if contact.contact_id in task.contacts)

    async def kept(self, task_id: CallbackId) -> CallbackTask:
        """The task as the database has it, after everything was written."""
        assert await self.desk.drain(10)
        task = await self.store.task(task_id)
        assert task is not None
        return task

    def ended(self, *, answered: bool, dialled: bool = True) -> None:
        self.alive.discard(CALL)
        self.desk.contact_finished(CALL, answered, dialled=dialled)

    @property
    def shown(self) -> list[object]:
        return [task["task_id"] for task in self.desk.snapshot()]

    def last(self) -> dict[str, object]:
        task = self.messages[-1]["task"]
        assert isinstance(task, dict)
        return task


async def until(condition: Callable[[], bool]) -> None:
    """Give the other tasks and the database's threads their turns until it is so."""
    async with asyncio.timeout(60):
        for _ in itertools.count():
            if condition():
                return
            await asyncio.sleep(0.001)
