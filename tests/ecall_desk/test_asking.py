"""A car is asked for new data, and what becomes of that is told."""

import asyncio
from pathlib import Path

import pytest

from ccserver.acd.events import Direction
from ccserver.card import TimelineTag
from ccserver.config import CallDataSettings
from ccserver.db import Database
from ccserver.ecall import control
from ccserver.ecall_desk import CannotAsk
from ccserver.sipedge.client import (
    DialogNotConfirmed,
    EdgeRefused,
    EdgeUnreachable,
    NoSuchDialog,
)
from ccserver.types import AgentId, ContactId
from tests.calldata.desk import Room
from tests.calldata.samples import (
    CALL_ID,
    CONTACT,
    CONTROL_TYPE,
    car,
    ecall,
    info,
)

C1 = ContactId(CONTACT)
ANNA = AgentId("agent-101")
FAILED = TimelineTag.MSD_REQUEST_FAILED
REFERENCE = "https://lis.example/held/1"


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


async def test_data_after_a_refusal_have_come_all_the_same(room: Room) -> None:
    """The refusal of one request can overtake the answer to the next."""
    room.file(ecall())
    contact = room.call()
    await room.shown(contact, count=1)
    await room.desk.request_msd(C1, ANNA)
    answer = info(control.result_xml("x@edge", reason="unable"), CONTROL_TYPE)
    room.file(answer, "a1.info", kind="info", contact_id="")
    await room.told(TimelineTag.MSD_REFUSED)
    room.file(info(car(2)), "a2.info", kind="info", contact_id="")
    shown = await room.shown(contact, count=2)
    assert shown["request"]["state"] == "received"  # type: ignore[index]


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
    database: Database,
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
    database: Database,
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
