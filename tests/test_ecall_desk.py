"""What came with a call is on the map at once, on its card for good, and lost by no crash.

Everything is real but Asterisk, the edge and the location server: the desk, the card journal, the
cards in both databases.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ccserver.acd.events import Direction
from ccserver.calldata import reading
from ccserver.calldata.items import Item, items_of
from ccserver.calldata.message import SIPMessage
from ccserver.calldata.references import Fetched
from ccserver.calldata.spool import BATCH_MAX, CallDataSpool
from ccserver.calldata.store import CallDataStore, Kept
from ccserver.calldata.views import item_json
from ccserver.card import TimelineTag
from ccserver.card.whole import CardData
from ccserver.config import CallDataSettings
from ccserver.db import Database, DatabaseUnavailable
from ccserver.ecall import control
from ccserver.ecall_desk import CannotAsk, EmergencyData
from ccserver.ecall_desk import api as api_module
from ccserver.ecall_desk import desk as desk_module
from ccserver.ecall_desk.keeping import KEPT_MAX
from ccserver.sipedge.client import (
    DialogNotConfirmed,
    EdgeRefused,
    EdgeUnreachable,
    NoSuchDialog,
)
from ccserver.telephony.call import CallFacts
from ccserver.types import AgentId, ContactId
from tests.calldata.desk import WAIT_S, Room
from tests.calldata.samples import (
    CALL_ID,
    CONTACT,
    CONTROL_TYPE,
    PIDF_TYPE,
    at,
    car,
    ecall,
    info,
    part,
    pidf,
)
from tests.databases import (  # noqa: F401
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

C1 = ContactId(CONTACT)
ANNA = AgentId("agent-101")
FAILED = TimelineTag.MSD_REQUEST_FAILED
REFERENCE = "https://lis.example/held/1"


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:  # noqa: F811
    async with Room(database, tmp_path) as room:
        yield room


def sources(card: CardData) -> list[str]:
    return sorted(one.location.source.value for one in card.locations)


# -- what comes with the call -------------------------------------------------------------------


async def test_a_car_is_shown_and_on_its_card(room: Room) -> None:
    room.file(
        ecall(None, part(PIDF_TYPE, pidf(), "loc@car"), headers=["Geolocation: <cid:loc@car>"])
    )
    contact = room.call()
    shown = await room.shown(contact, data="received")
    assert (shown["kind"], shown["count"], shown["can_request"]) == ("automatic", 1, True)
    assert shown["msd"]["vin"] == "WVWZZZ1JZXW000001"  # type: ignore[index]
    pushed = [one["contact"] for one in room.messages if one["type"] == "contact"]
    assert pushed[-1]["vehicle"] == shown  # type: ignore[index]
    await room.settled()
    card = await room.card()
    assert sources(card) == ["msd", "pidf_lo"]
    told = {entry.tag: entry.data for entry in card.timeline}
    assert told[TimelineTag.MSD_RECEIVED] == {
        "n": 1,
        "version": 3,
        "kind": "automatic",
        "trusted": True,
        "via": "invite",
    }
    assert told[TimelineTag.EMERGENCY_DATA] == {"via": "invite", "items": "control, location"}
    (read,) = await room.desk.data_of(C1)
    assert read.kept.octets.startswith(b"INVITE urn:service:sos.ecall.automatic")
    assert room.counted("msds_total", result="received") == 1
    assert room.counted("call_data_total", via="invite") == 1


async def test_a_car_is_shown_while_the_database_is_away(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patch:
        for name in ("keep", "of_contact", "contact_of_call", "settle", "untold", "has"):
            patch.setattr(room.store, name, away)
        room.file(ecall())
        await room.shown(room.call(), data="received")
        await room.until(lambda: room.desk.stuck)
        assert any(room.spool_dir.iterdir()), "nothing is deleted that is not kept"
    await room.settled()
    assert not room.desk.stuck


async def test_data_that_are_read_before_their_call_is_ours_are_shown_with_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_yet(_: ContactId) -> list[object]:
        return []

    monkeypatch.setattr(room.store, "of_contact", not_yet)
    room.file(ecall())
    await room.stored()
    contact = room.call()
    assert contact.vehicle is not None
    assert contact.vehicle["count"] == 1
    first = next(one["contact"] for one in room.messages if one["type"] == "contact")
    assert first["vehicle"]["data"] == "received"  # type: ignore[index]


async def test_an_ecall_without_data_says_so_at_once(room: Room) -> None:
    contact = room.call(has_data=False)
    shown = await room.shown(contact, data="none")
    assert (shown["msd"], shown["count"]) == (None, 0)
    first = next(one["contact"] for one in room.messages if one["type"] == "contact")
    assert first["vehicle"]["data"] == "none"  # type: ignore[index]


async def test_an_ecall_of_a_marked_trunk_is_one_without_data(room: Room) -> None:
    contact = room.call(service="urn:service:sos.ecall", has_data=False, call_id=None)
    shown = await room.shown(contact, data="none")
    assert (shown["kind"], shown["can_request"]) == ("unknown", False)


async def test_data_that_were_said_to_be_there_and_are_not_are_told(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "LATE_S", 0.01)
    await room.shown(room.call(has_data=True), data="none")


async def test_an_ordinary_call_has_no_car(room: Room) -> None:
    contact = room.call(service=None, has_data=False)
    await room.stored()
    assert contact.vehicle is None


async def test_an_ordinary_call_with_an_msd_has_one(room: Room) -> None:
    room.file(ecall(car(automatic_activation=False)), service="")
    shown = await room.shown(room.call(service=None), data="received")
    assert shown["kind"] == "manual"


async def test_data_that_cannot_be_read_are_plainly_so(room: Room) -> None:
    room.file(ecall(b"\x09nonsense"), ack="unreadable")
    shown = await room.shown(room.call(), data="unreadable")
    assert (shown["count"], shown["msd"], shown["request"]) == (0, None, None)
    (entry,) = await room.told(TimelineTag.MSD_UNREADABLE)
    assert entry.data["via"] == "invite"
    await room.stored()
    assert room.counted("msds_total", result="unreadable") == 1


@pytest.mark.parametrize("octets", [b"", b"rubbish", b"\0" * 48_000, ecall()[:300]])
async def test_whatever_the_edge_hands_over_the_call_goes_on(room: Room, octets: bytes) -> None:
    room.file(octets, cut="90000")
    contact = room.call()
    await room.settled()
    assert contact.vehicle is not None
    assert (await room.desk.data_of(C1))[0].kept.octets == octets


# -- more of the same car -----------------------------------------------------------------------


async def test_a_later_msd_replaces_the_first_and_both_are_kept(room: Room) -> None:
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    room.clock.seconds = 9
    room.file(
        info(car(2, position_latitude=round(56.96 * 3_600_000))),
        "a1.info",
        kind="info",
        contact_id="",
    )
    shown = await room.shown(contact, count=2)
    assert shown["msd"]["message_identifier"] == 2  # type: ignore[index]
    await room.settled()
    card = await room.card()
    assert sources(card) == ["msd", "msd"]
    assert len(await room.desk.data_of(C1)) == 2
    assert card.place.current is not None
    assert card.place.current.location.shape.centre.latitude == pytest.approx(56.96)


async def test_info_that_overtakes_its_call_waits_for_it(room: Room) -> None:
    room.file(info(car(2)), "a1.info", kind="info", contact_id="")
    await room.stored()
    await room.until(lambda: room.counted("call_data_waiting") == 1)
    contact = room.call(has_data=False)
    await room.shown(contact, count=1)
    await room.settled()
    await room.until(lambda: room.counted("call_data_waiting") == 0)
    assert sources(await room.card()) == ["msd"]


async def test_data_of_a_call_that_nobody_ever_knows_stay_in_the_database(room: Room) -> None:
    room.file(info(car(2)), "a1.info", kind="info", contact_id="")
    await room.stored()
    await room.until(lambda: room.counted("call_data_waiting") == 1)
    room.clock.seconds = 3_601
    await room.until(lambda: room.counted("call_data_unknown_total") == 1)
    ((_, kept),) = await room.store.untold(room.clock.now().replace(year=2025))
    assert kept.contact_id is None


async def test_data_of_the_parachute_s_call_come_to_its_card_later(room: Room) -> None:
    """Asterisk's own journal tells of the call; it never is in our hands."""
    room.file(ecall())
    await room.stored()
    room.clock.seconds += 1
    assert not room.items, "it has no card yet"
    facts = CallFacts(C1, room.clock.now(), None, True, "112")
    room.chronicle.open_card(facts, queue="ecall", priority=5)
    await room.until(lambda: bool(room.items))
    room.clock.seconds += 1
    await room.settled()
    assert sources(await room.card()) == ["msd"]


async def test_data_that_come_after_their_call_come_to_its_card(room: Room) -> None:
    room.file(ecall())
    await room.shown(room.call(), count=1)
    await room.settled()
    room.hang_up(C1)
    room.file(info(car(2)), "a1.info", kind="info", contact_id="")
    await room.stored()
    room.clock.seconds += 1
    await room.settled()
    assert sources(await room.card()) == ["msd", "msd"]


async def test_a_database_that_hangs_keeps_no_car_from_the_map(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    for name in ("keep", "of_contact", "contact_of_call", "settle", "untold", "has"):
        monkeypatch.setattr(room.store, name, hangs)
    monkeypatch.setattr(room.cards, "head_of_contact", hangs)
    room.file(ecall(), "c2.invite", contact_id="c2", call_id="second@car")
    await room.until(lambda: room.counted("call_data_total", via="invite") == 1)
    for number in range(3):
        room.clock.seconds += 1
        name = f"car-{number}"
        room.file(ecall(), f"{name}.invite", contact_id=name, call_id=name)
        await room.shown(room.call(name, call_id=name), count=1)


# -- by reference -------------------------------------------------------------------------------


async def test_a_place_by_reference_is_fetched_and_told(room: Room) -> None:
    room.references.answers[REFERENCE] = pidf(57.5, 22.5)
    room.file(ecall(headers=[f"Geolocation: <{REFERENCE}>"]))
    room.call()
    await room.until(lambda: room.counted("call_data_total", via="reference") == 1)
    await room.settled()
    assert sources(await room.card()) == ["msd", "pidf_lo"]
    fetched = (await room.desk.data_of(C1))[1]
    assert (fetched.kept.source, fetched.kept.via.value) == (REFERENCE, "reference")


async def test_an_address_that_gives_no_place_is_told(room: Room) -> None:
    other = "https://lis.example/rubbish"
    room.references.answers[other] = b"<html/>"
    room.file(ecall(headers=[f"Geolocation: <{REFERENCE}>, <{other}>"]))
    room.call()
    told = await room.told(TimelineTag.LOCATION_UNREACHABLE, 2)
    assert sorted(str(entry.data["reason"]) for entry in told) == ["timeout", "unreadable"]
    assert room.counted("location_references_total", result="failed") == 2


# -- asking for a new MSD -----------------------------------------------------------------------


async def test_a_car_that_is_asked_sends_a_new_msd(room: Room) -> None:
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    request = await room.desk.request_msd(C1, ANNA)
    assert request.state.value == "asked"
    ((call_id, package, content_type, body),) = room.edge.sent
    assert (call_id, package) == (CALL_ID, "EmergencyCallData.eCall.MSD")
    assert content_type == control.CONTENT_TYPE
    (asked,) = control.parse(body).requests
    assert (asked.action, asked.datatype) == ("send-data", "eCall.MSD")
    with pytest.raises(CannotAsk):
        await room.desk.request_msd(C1, ANNA)
    room.file(info(car(2)), "a1.info", kind="info", contact_id="")
    shown = await room.shown(contact, count=2)
    assert shown["request"]["state"] == "received"  # type: ignore[index]
    (entry,) = await room.told(TimelineTag.MSD_REQUESTED)
    assert entry.agent_id == ANNA
    room.clock.seconds = 60
    await room.desk.request_msd(C1, ANNA)


async def test_a_refusal_of_the_car_is_shown(room: Room) -> None:
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    await room.desk.request_msd(C1, ANNA)
    answer = info(control.result_xml("x@edge", reason="unable"), CONTROL_TYPE)
    room.file(answer, "a1.info", kind="info", contact_id="")
    (entry,) = await room.told(TimelineTag.MSD_REFUSED)
    assert entry.data == {"reason": "unable"}
    assert contact.vehicle is not None
    assert contact.vehicle["request"]["state"] == "refused"  # type: ignore[index]


async def test_an_answer_that_is_no_yes_is_a_refusal(room: Room) -> None:
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    await room.desk.request_msd(C1, ANNA)
    answer = b"SIP/2.0 469 Bad Info Package\r\nCall-ID: x\r\n\r\n"
    room.file(answer, "a1.info", kind="answer", status="469", contact_id="")
    (entry,) = await room.told(TimelineTag.MSD_REFUSED)
    assert entry.data == {"reason": "sip_469"}
    assert contact.vehicle is not None
    assert contact.vehicle["request"]["reason"] == "sip_469"  # type: ignore[index]


async def test_a_car_that_keeps_silent_is_given_up_and_may_still_answer(room: Room) -> None:
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    await room.desk.request_msd(C1, ANNA)
    room.clock.seconds = 11
    (entry,) = await room.told(TimelineTag.MSD_REQUEST_FAILED)
    assert entry.data == {"reason": "no_answer"}
    assert contact.vehicle is not None
    assert contact.vehicle["request"]["state"] == "no_answer"  # type: ignore[index]
    room.file(info(car(2)), "a1.info", kind="info", contact_id="")
    shown = await room.shown(contact, count=2)
    assert shown["request"]["state"] == "received"  # type: ignore[index]


async def test_a_car_that_hangs_up_while_it_is_asked_is_not_told_of_as_silent(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending, sent = asyncio.Event(), asyncio.Event()

    async def slowly(*_: object, **__: object) -> None:
        sending.set()
        await sent.wait()

    monkeypatch.setattr(room.edge, "send_info", slowly)
    room.file(ecall())
    await room.shown(room.call(), count=1)
    asking = asyncio.create_task(room.desk.request_msd(C1, ANNA))
    await sending.wait()
    room.hang_up(C1)
    sent.set()
    await asking
    await room.told(TimelineTag.MSD_REQUESTED)
    room.clock.seconds = 60
    await room.desk.poll()
    assert room.counted("msd_requests_total", state="no_answer") == 0


async def test_a_car_that_sends_what_cannot_be_read_is_not_one_that_keeps_silent(
    room: Room,
) -> None:
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    await room.desk.request_msd(C1, ANNA)
    room.file(info(b"\x09nonsense"), "a1.info", kind="info", contact_id="", ack="")
    await room.told(TimelineTag.MSD_UNREADABLE)
    room.clock.seconds = 60
    room.file(info(car(2)), "a2.info", kind="info", contact_id="")
    shown = await room.shown(contact, count=2)
    request = shown["request"]
    assert isinstance(request, dict)
    assert (request["state"], request["reason"]) == ("received", "unreadable")
    assert not [one for one in room.items if getattr(one, "tag", None) is FAILED]


async def test_a_car_that_was_asked_although_the_edge_did_not_say_so_has_answered(
    room: Room,
) -> None:
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    room.edge.refuse = [EdgeUnreachable()]
    with pytest.raises(EdgeUnreachable):
        await room.desk.request_msd(C1, ANNA)
    room.file(info(car(2)), "a1.info", kind="info", contact_id="")
    shown = await room.shown(contact, count=2)
    assert shown["request"]["state"] == "received"  # type: ignore[index]


@pytest.mark.parametrize(
    ("error", "raised", "reason"),
    [
        (NoSuchDialog(), CannotAsk, "no_dialog"),
        (DialogNotConfirmed(), CannotAsk, "not_confirmed"),
        (EdgeUnreachable(), EdgeUnreachable, "edge_unreachable"),
        (EdgeRefused(), EdgeUnreachable, "edge_unreachable"),
    ],
)
async def test_a_request_that_does_not_reach_the_car_is_told(
    room: Room, error: Exception, raised: type[Exception], reason: str
) -> None:
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    room.edge.refuse.append(error)
    with pytest.raises(raised):
        await room.desk.request_msd(C1, ANNA)
    (entry,) = await room.told(TimelineTag.MSD_REQUEST_FAILED)
    assert entry.data == {"reason": reason}
    assert contact.vehicle is not None
    assert contact.vehicle["request"]["reason"] == reason  # type: ignore[index]
    await room.desk.request_msd(C1, ANNA)


async def test_nobody_is_asked_without_a_call_or_an_edge(
    database: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with Room(database, tmp_path, edge=False) as room:
        with pytest.raises(CannotAsk):
            await room.desk.request_msd(C1, ANNA)
        shown = await room.shown(room.call(has_data=False))
        assert shown["can_request"] is False
        with pytest.raises(CannotAsk):
            await room.desk.request_msd(C1, ANNA)


async def test_data_that_the_edge_took_and_we_cannot_read_are_asked_for_once(room: Room) -> None:
    room.edge.refuse = [DialogNotConfirmed(), DialogNotConfirmed()]
    room.file(ecall(b"\x09nonsense"))
    contact = room.call()
    (entry,) = await room.told(TimelineTag.MSD_REQUESTED)
    assert entry.data == {"by_itself": True}
    room.file(info(b"\x09again"), "a1.info", kind="info", contact_id="")
    await room.told(TimelineTag.MSD_UNREADABLE, 2)
    room.file(info(car(3)), "a2.info", kind="info", contact_id="")
    await room.shown(contact, count=1, data="received")
    assert len(room.edge.sent) == 1


async def test_the_setting_lets_people_ask_alone(
    database: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with Room(database, tmp_path, settings=CallDataSettings(ask_again=False)) as room:
        room.file(ecall(b"\x09nonsense"))
        room.call()
        await room.told(TimelineTag.MSD_UNREADABLE)
        await room.stored()
        assert room.edge.sent == []


async def test_a_car_that_we_call_back_can_be_asked(room: Room) -> None:
    room.file(ecall())
    room.call()
    await room.settled()
    card = await room.card()
    room.hang_up(C1)
    back = room.call(
        "c2",
        service=None,
        has_data=False,
        call_id=None,
        direction=Direction.OUTBOUND,
        incident_id=card.summary.incident_id,
    )
    assert back.vehicle is None
    # At once: a car answers by itself, sooner than a busy journal has written the call down.
    room.answer(back, "back@asterisk")
    shown = await room.shown(back, can_request=True)
    assert (shown["data"], shown["kind"]) == ("none", "automatic")
    await room.desk.request_msd(back.contact_id, ANNA)
    assert room.edge.sent[0][0] == "back@asterisk"
    room.file(info(car(5)), "a1.info", kind="info", contact_id="", call_id="back@asterisk")
    await room.shown(back, count=1)


# -- two cars, and crashes of ours ----------------------------------------------------------------


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
    database: Database,  # noqa: F811
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
            async with asyncio.timeout(20):
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
    database: Database,  # noqa: F811
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
    database: Database,  # noqa: F811
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
