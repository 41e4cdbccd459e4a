"""What came with a call is on the map at once and on its card for good.

Everything is real but Asterisk, the edge and the location server: the desk, the card journal, the
cards in both databases.
"""

import asyncio

import pytest

from ccserver.card import TimelineTag
from ccserver.card.whole import CardData
from ccserver.db import DatabaseUnavailable
from ccserver.ecall_desk import desk as desk_module
from ccserver.telephony.call import CallFacts
from ccserver.types import AgentId, ContactId
from tests.calldata.desk import Room
from tests.calldata.samples import (
    CONTACT,
    PIDF_TYPE,
    car,
    ecall,
    info,
    part,
    pidf,
)

C1 = ContactId(CONTACT)
ANNA = AgentId("agent-101")
FAILED = TimelineTag.MSD_REQUEST_FAILED
REFERENCE = "https://lis.example/held/1"


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
    assert entry.data == {"via": "invite", "reason": "msd_version"}
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
