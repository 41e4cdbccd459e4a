"""What came with a call is lost by no crash, no fault and no flood."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ccserver.calldata import reading
from ccserver.calldata.items import Item, items_of
from ccserver.calldata.message import SIPMessage
from ccserver.calldata.references import Fetched
from ccserver.calldata.spool import BATCH_MAX, CallDataSpool
from ccserver.calldata.store import CallDataStore, Kept
from ccserver.calldata.views import item_json
from ccserver.card import TimelineTag
from ccserver.card.whole import CardData
from ccserver.db import Database, DatabaseUnavailable
from ccserver.ecall_desk import EmergencyData
from ccserver.ecall_desk import api as api_module
from ccserver.ecall_desk.keeping import KEPT_MAX
from ccserver.types import AgentId, ContactId
from tests.calldata.desk import WAIT_S, Room
from tests.calldata.samples import (
    CONTACT,
    at,
    car,
    ecall,
    info,
    pidf,
)

C1 = ContactId(CONTACT)
ANNA = AgentId("agent-101")
FAILED = TimelineTag.MSD_REQUEST_FAILED
REFERENCE = "https://lis.example/held/1"


def sources(card: CardData) -> list[str]:
    return sorted(one.location.source.value for one in card.locations)


async def test_two_cars_of_one_crash_are_proposed_to_be_joined(room: Room) -> None:
    near = round(56.9500 * 3_600_000)
    room.file(ecall())
    room.file(
        ecall(car(position_latitude=near)), "c2.invite", contact_id="c2", call_id="second@car"
    )
    room.file(
        ecall(car(position_latitude=round(57.9 * 3_600_000))),
        "c3.invite",
        contact_id="c3",
        call_id="third@car",
    )
    room.call(number=None)
    room.call("c2", call_id="second@car", number=None)
    room.call("c3", call_id="third@car", number=None)
    await room.settled()
    first, second = await room.card(), await room.card("c2")
    related = await room.cards.related(first.summary.incident_id)
    assert related is not None
    proposed = [one.card.incident_id for one in related.proposals]
    assert proposed == [second.summary.incident_id]


async def test_a_kill_at_any_step_loses_and_doubles_nothing(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process dies before the commit, after it, and before the card is known to have all."""
    for step in ("keep", "removed", "settle"):
        room = Room(database, tmp_path)
        died = asyncio.Event()
        _dies_at(room, step, died, monkeypatch)
        async with room:
            if step == "keep":
                room.file(ecall(headers=[f"Geolocation: <{REFERENCE}>"]))
                room.file(info(car(2)), "a1.info", kind="info", contact_id="")
            room.call()
            async with asyncio.timeout(60):
                await died.wait()
    async with Room(database, tmp_path) as last:
        last.references.answers[REFERENCE] = pidf(57.5, 22.5)
        contact = last.call()
        await last.until(lambda: last.counted("call_data_total", via="reference") == 1)
        await last.settled()
        await last.shown(contact, count=2)
        card = await last.card()
        tags = [entry.tag for entry in card.timeline]
        assert tags.count(TimelineTag.MSD_RECEIVED) == 2
        assert sources(card) == ["msd", "msd", "pidf_lo"]
        kept = [read.kept.via.value for read in await last.desk.data_of(C1)]
        assert sorted(kept) == ["info", "invite", "reference"]


async def test_a_kill_while_a_location_server_is_asked_loses_no_place(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = asyncio.Event()

    async def never_answers(_: str) -> Fetched:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with Room(database, tmp_path) as first:
        monkeypatch.setattr(first.references, "fetch", never_answers)
        first.file(ecall(headers=[f"Geolocation: <{REFERENCE}>"]))
        first.call()
        await first.told(TimelineTag.EMERGENCY_DATA)
        await first.stored()
        await asked.wait()
        # All else is on the card, and there is time to write that down.
        for _ in range(10):
            await first.until_news()
    async with Room(database, tmp_path) as second:
        second.references.answers[REFERENCE] = pidf(57.5, 22.5)
        await second.until(lambda: second.counted("call_data_total", via="reference") == 1)
        # The call is over; its card is looked for now and then.
        async with asyncio.timeout(WAIT_S):
            while await second.store.untold(at(-60)):
                second.clock.seconds += 1
                await second.until_news()
        assert sources(await second.card()) == ["msd", "pidf_lo"]
    async with Room(database, tmp_path) as third:
        third.call()
        await third.settled()
        assert not third.references.asked, "once is enough"


def _dies_at(room: Room, step: str, died: asyncio.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """From this step on nothing of the process goes on."""

    async def hangs(*_: object, **__: object) -> None:
        died.set()
        await asyncio.Event().wait()

    if step != "removed":
        monkeypatch.setattr(room.store, step, hangs)
        return

    async def keeps_and_dies(kept: object) -> None:
        await CallDataStore.keep(room.store, kept)  # type: ignore[arg-type]
        await hangs()

    monkeypatch.setattr(room.store, "keep", keeps_and_dies)


async def test_a_call_that_is_adopted_shows_its_car_again(
    database: Database,
    tmp_path: Path,
) -> None:
    async with Room(database, tmp_path) as before:
        before.file(ecall())
        before.call()
        await before.settled()
    async with Room(database, tmp_path) as after:
        contact = after.call()
        await after.shown(contact, count=1)
        after.file(info(car(2)), "a1.info", kind="info", contact_id="")
        await after.shown(contact, count=2)


async def test_a_file_that_cannot_be_stored_is_put_aside(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = room.store.keep

    async def some(kept: list[object]) -> None:
        if any(b"poison" in one.octets for one in kept):  # type: ignore[attr-defined]
            raise ValueError
        await keep(kept)  # type: ignore[arg-type]

    monkeypatch.setattr(room.store, "keep", some)
    room.file(b"poison", "a1.info", kind="info", contact_id="")
    room.file(ecall())
    await room.shown(room.call(), count=1)
    await room.until(
        lambda: [path.name for path in room.spool_dir.iterdir()] == ["a1.info.refused"]
    )
    await room.until(lambda: room.counted("call_data_refused_total") == 1)
    await room.until(lambda: room.desk.stuck)
    room.clock.seconds += 3_601
    assert not room.desk.stuck


@pytest.mark.parametrize("step", ["_show", "_learn", "contact_over"])
async def test_a_fault_of_the_desk_stops_no_call(
    room: Room, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(room.desk, step, breaks)
    contact = room.call(has_data=False)
    room.live.changed(contact)
    assert room.live.get(C1) is contact
    room.hang_up(C1)
    assert [one["type"] for one in room.messages] == ["contact", "contact", "contact_gone"]


async def test_a_message_that_breaks_the_reader_stops_no_other_car(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(message: SIPMessage) -> tuple[Item, ...]:
        if b"poison" in message.body:
            raise RuntimeError
        return items_of(message)

    monkeypatch.setattr(reading, "items_of", breaks)
    room.file(ecall(b"poison"), "c0.invite", contact_id="c0", call_id="poison@car", seconds=-60)
    room.call("c0", call_id="poison@car", number=None)
    room.file(ecall())
    await room.shown(room.call(), count=1)
    await room.settled()
    (read,) = await room.desk.data_of(ContactId("c0"))
    (item,) = read.items
    assert (b"poison" in item.octets, item.error) == (True, reading.READER_FAILED)
    assert not room.desk.stuck


async def test_what_is_shown_of_very_many_messages_is_made_beside_the_loop(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()

    def noted(*told: Any, **more: Any) -> dict[str, object]:
        threads.add(threading.current_thread())
        return item_json(*told, **more)

    monkeypatch.setattr(api_module, "item_json", noted)
    room.file(ecall())
    await room.shown(room.call(), count=1)

    async def nobody(*_: object) -> None:
        raise AssertionError

    shown = EmergencyData(
        room.desk,
        room.live,
        room.chronicle,
        card_of=nobody,
        hang_up=nobody,
        clock=room.clock,
    )
    told = await shown.data(C1)
    assert len(told["items"]) == 2  # type: ignore[arg-type]
    assert threads
    assert threading.main_thread() not in threads


async def test_after_an_outage_messages_are_kept_in_bounded_pieces(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cards are written by the same thread, and wait for no more than one of them."""
    keep, pieces = room.store.keep, []

    async def away(_: object) -> None:
        raise DatabaseUnavailable("away")

    async def back(kept: Sequence[Kept]) -> None:
        pieces.append(len(kept))
        await keep(kept)

    monkeypatch.setattr(room.store, "keep", away)
    for number in range(KEPT_MAX * 2 + 1):
        room.file(info(car(2)), f"a{number}.info", kind="info", contact_id="c1", seconds=number)
    await room.until(lambda: room.counted("call_data_total", via="info") == KEPT_MAX * 2 + 1)
    monkeypatch.setattr(room.store, "keep", back)
    await room.stored()
    assert (sum(pieces), max(pieces)) == (KEPT_MAX * 2 + 1, KEPT_MAX)


async def test_files_that_cannot_be_deleted_hide_no_others_and_are_told_of(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where Asterisk was set up by hand, and its directory lets nobody else write."""
    remove = CallDataSpool.remove
    monkeypatch.setattr(CallDataSpool, "remove", lambda *_: False)
    for number in range(BATCH_MAX):
        room.file(info(car(2)), f"a{number}.info", kind="info", contact_id="c1", seconds=number)
    await room.until(lambda: room.counted("call_data_total", via="info") == BATCH_MAX)
    room.file(info(car(2)), "b.info", kind="info", contact_id="c1", seconds=100)
    await room.until(lambda: room.counted("call_data_total", via="info") == BATCH_MAX + 1)
    await room.until(lambda: room.desk.stuck)
    monkeypatch.setattr(CallDataSpool, "remove", remove)
    room.file(info(car(2)), "c.info", kind="info", contact_id="c1", seconds=101)
    await room.stored()
    await room.until(lambda: not room.desk.stuck)


async def test_a_storm_of_cars_is_shown_whole(room: Room) -> None:
    contacts = []
    for number in range(60):
        name = f"car-{number}"
        room.file(ecall(), f"{name}.invite", contact_id=name, call_id=f"{name}@car")
        contacts.append(room.call(name, call_id=f"{name}@car", number=None))
    for contact in contacts:
        await room.shown(contact, count=1)
    await room.settled()
    assert room.counted("msds_total", result="received") == 60
