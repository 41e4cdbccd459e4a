"""Call-backs over the whole centre and a real database: by a click, and from the line."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccserver.aftermath import Aftermath
from ccserver.callbacks import CallbackDesk, CallbackSettings, CallbackStore
from ccserver.card import TimelineEntry, TimelineTag
from ccserver.db import Database, DatabaseUnavailable
from ccserver.live import LiveContact
from ccserver.outbound import Outbound
from ccserver.types import AgentId, ContactId
from ccserver.web.ports import ControlRefused
from tests.callbacks.samples import FakeSource
from tests.databases import REQUEST_TIMEOUT_S, sqlite_template  # noqa: F401
from tests.newsroom import CITIZEN, FIRST
from tests.telephony.centre import Centre
from tests.telephony.fakes import FakeAsterisk

DEADLINE_S = 60.0


class World:
    """A centre whose callers' ends lead to the real desk."""

    def __init__(self, database: Database) -> None:
        self.asterisk = FakeAsterisk()
        self.centre = Centre(self.asterisk, agents=1)
        self.outbound = Outbound(self.centre.runtime, self.centre.clock)
        self.aftermath = Aftermath(self.outbound, self.centre.chronicle, self.centre.clock)
        self.desk = CallbackDesk(
            CallbackStore(database),
            FakeSource(),
            place_call=self.aftermath.place_call,
            publish=lambda _: None,
            now=self.centre.clock.now,
            alive=lambda contact_id: self.centre.live.get(contact_id) is not None,
            withdraw=self.outbound.withdraw,
            tell=self.aftermath.tell,
        )
        self.aftermath.attach(self.desk)
        self.centre.news._aftermath = self.aftermath

    async def eventually(self, what: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not what():  # noqa: ASYNC110 - what is awaited is the whole centre's state
                await asyncio.sleep(0.01)

    async def gave_up(self) -> None:
        """A citizen has hung up before an answer."""
        contact = LiveContact(
            ContactId("c1"), self.centre.clock.now(), CITIZEN, False, "emergency", 5
        )
        self.aftermath.lost(contact)
        await self.eventually(lambda: self.desk.open_count == 1)

    def task(self) -> dict[str, object]:
        (task,) = self.desk.snapshot()
        return dict(task)

    def rings(self) -> str:
        """The channel that rings, if there is one."""
        ringing = [x.id for x in self.asterisk.channels.values() if x.state == "Ringing"]
        return ringing[0] if ringing else ""

    async def rung(self, prefix: str) -> str:
        await self.eventually(lambda: self.rings().startswith(prefix))
        return self.rings()

    def automatic(self) -> None:
        self.desk.configure(CallbackSettings(automatic=True, attempts_max=3, retry_after_s=60))
        self.aftermath.line_up_next()


@pytest.fixture
async def world(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[World]:  # noqa: F811
    path = tmp_path / "test.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}", request_timeout_s=REQUEST_TIMEOUT_S)
    world = World(database)
    await world.centre.start()
    running = asyncio.ensure_future(world.desk.run())
    await world.gave_up()
    yield world
    world.centre.check()
    world.centre.kill()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()


async def test_one_click_rings_the_seat_then_the_citizen_and_closes_the_task(world: World) -> None:
    task_id = str(world.task()["task_id"])
    contact_id = await world.desk.call(task_id, FIRST)  # type: ignore[arg-type]
    world.asterisk.answer(await world.rung("leg-"))
    world.asterisk.answer(await world.rung("call-"))
    await world.eventually(lambda: world.centre.journal.tags(contact_id)[-1:] == ["connected"])
    world.asterisk.hang_up(f"call-{contact_id}")
    await world.eventually(lambda: world.desk.open_count == 0)


async def test_one_click_is_told_on_the_card_of_who_gave_up(world: World) -> None:
    task_id = str(world.task()["task_id"])
    contact_id = await world.desk.call(task_id, FIRST)  # type: ignore[arg-type]
    world.asterisk.answer(await world.rung("leg-"))
    world.asterisk.hang_up(await world.rung("call-"), 17)
    await world.eventually(lambda: world.task()["state"] == "open")
    world.aftermath.citizen_called(CITIZEN, ContactId("c2"))
    await world.eventually(lambda: world.desk.open_count == 0)
    told = [x for x in world.centre.journal.items if isinstance(x, TimelineEntry)]
    of_first = [x for x in told if x.contact_id == "c1"]
    assert [x.tag for x in of_first] == [
        TimelineTag.CALLBACK_OPENED,
        TimelineTag.CALLBACK_TAKEN,
        TimelineTag.CALLBACK_ENDED,
        TimelineTag.CALLBACK_CLOSED,
    ]
    assert of_first[1].agent_id == FIRST
    assert of_first[2].data == {"attempt": "no_answer", "reason": "busy"}
    assert of_first[3].data == {"outcome": "called_again", "by_contact": "c2"}
    assert [x.tag for x in told if x.contact_id == "c2"] == [TimelineTag.CALLBACK_CLOSED]
    assert TimelineTag.OUTBOUND_FAILED in world.centre.journal.tags(contact_id)


async def test_one_click_of_a_seat_that_does_not_exist_leaves_the_task_open(world: World) -> None:
    task_id = str(world.task()["task_id"])
    with pytest.raises(ControlRefused):
        await world.desk.call(task_id, AgentId("agent-999"))  # type: ignore[arg-type]
    await world.eventually(lambda: world.task()["state"] == "open")
    assert world.centre.live.contacts() == []


async def test_automatic_a_citizen_who_answers_is_done(world: World) -> None:
    world.automatic()
    world.aftermath.line_up_next()
    assert len(world.centre.live.contacts()) == 1, "one at a time"
    world.asterisk.answer(await world.rung("leg-"))
    citizen = await world.rung("call-")
    world.asterisk.answer(citizen)
    contact_id = citizen.removeprefix("call-")
    await world.eventually(lambda: world.centre.journal.tags(contact_id)[-1:] == ["connected"])
    world.asterisk.hang_up(citizen)
    await world.eventually(lambda: world.desk.open_count == 0)


@pytest.mark.parametrize("who", ["citizen", "call_taker"])
async def test_automatic_nobody_answers_and_the_task_stays_open(world: World, who: str) -> None:
    world.automatic()
    rung = await world.rung("leg-")
    if who == "citizen":
        world.asterisk.answer(rung)
        rung = await world.rung("call-")
    world.asterisk.hang_up(rung, 17)
    await world.eventually(lambda: world.task()["state"] == "open")
    attempts = world.task()["attempts"]
    assert isinstance(attempts, list)
    assert attempts[-1]["outcome"] == ("no_answer" if who == "citizen" else "failed")
    assert world.centre.live.contacts() == []
    world.aftermath.line_up_next()
    assert world.centre.live.contacts() == [], "not at once again"


async def test_automatic_a_citizen_who_calls_again_is_not_called(world: World) -> None:
    world.automatic()
    await world.rung("leg-")
    world.aftermath.citizen_called(CITIZEN, ContactId("c2"))
    await world.eventually(lambda: world.desk.open_count == 0)
    await world.eventually(lambda: not world.centre.live.contacts())
    await world.eventually(lambda: not world.asterisk.channels)


async def test_automatic_goes_on_while_the_database_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = True
    write = CallbackStore._write

    async def moody(self: CallbackStore, work: Callable[..., object]) -> object:
        if away:
            raise DatabaseUnavailable("away")
        return await write(self, work)

    monkeypatch.setattr(CallbackStore, "_write", moody)
    world.automatic()
    world.asterisk.answer(await world.rung("leg-"))
    world.asterisk.hang_up(await world.rung("call-"), 17)
    await world.eventually(lambda: world.task()["state"] == "open")
    away = False
    assert await world.desk.drain(DEADLINE_S)
