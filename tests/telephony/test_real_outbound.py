"""Calls that we make, on the real Asterisk: recorded from the answer, guarded, in the journal."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccserver.acd.commands import OfferKind
from ccserver.telephony.call import CallFacts
from ccserver.telephony.queue_log import JournalKind, QueueLogReader
from ccserver.types import AgentId, ContactId
from sim.phones import Behaviour
from tests.telephony.exchange import OUTSIDE, Controller, Exchange, eventually, exchange
from tests.telephony.test_real_talks import eventually_gone, in_parachute, phase

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]

TAKER = AgentId("agent-101")
CONTACT = ContactId("0b0e3f9e-8d6c-4b44-9d4c-0f2f6f5f9a11")


async def placed(
    lines: Exchange, controller: Controller, *, calls_back: bool = False
) -> dict[str, list[str]]:
    """The call taker is at the phone, and the citizen's rings; the headers that it got."""
    number = "113"  # the phone outside answers to every number that goes over the trunk
    facts = CallFacts(
        CONTACT, datetime.now(UTC), number, False, "112", outbound=True, calls_back=calls_back
    )
    controller.calls.open_outbound(facts)
    controller.offer(CONTACT, TAKER, OfferKind.OUTBOUND)
    event = await lines.bank.wait_for("incoming", phone="113")
    headers = event["headers"]
    assert isinstance(headers, dict)
    return headers


async def test_a_citizen_is_called_recorded_and_guarded(tmp_path: Path) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        await placed(lines, controller)
        await phase(controller, CONTACT, "talking")
        await lines.hears("113", 0, after=0)
        await lines.hears("taker101", OUTSIDE, after=0)
        assert controller.ledger.kinds() == ["answered", "outbound_answered", "connected"]
        own = (CONTACT, TAKER)
        await controller.wishes.hold(*own)
        await controller.wishes.resume(*own)
        await controller.kill()
        await lines.hang_up("taker101")
        await lines.bank.wait_for("disconnected", phone="113")
        await eventually_gone(lines)
        config = lines.stack.config
        raw = Path(config.recording.spool_dir) / f"{CONTACT}.raw"
        assert raw.stat().st_size > 16_000
        reader = QueueLogReader(Path(config.asterisk.log_dir) / "queue_log", tmp_path / "position")
        entries = [entry for entry in reader.read() if entry.contact_id == CONTACT]
        assert [entry.kind for entry in entries] == [JournalKind.ARRIVED, JournalKind.ENDED]
        assert entries[0].facts is not None
        assert entries[0].facts.outbound
        assert entries[0].facts.caller_number == "113"


async def test_a_busy_citizen_is_told_and_the_call_taker_let_go(tmp_path: Path) -> None:
    async with exchange(tmp_path) as lines:
        await lines.bank.set_behaviour("113", Behaviour(on_call="reject", reject_code=486))
        controller = await lines.controller()
        await placed(lines, controller)
        await eventually(lambda: bool(controller.ledger.count("outbound_failed")), "it is told")
        assert controller.ledger.told[-1] == ("outbound_failed", f"{CONTACT} busy")
        await eventually_gone(lines)


async def test_a_citizen_who_answers_a_dead_controller_reaches_the_queue(tmp_path: Path) -> None:
    async with exchange(tmp_path) as lines:
        await lines.bank.set_behaviour("113", Behaviour(on_call="ring"))
        controller = await lines.controller()
        await placed(lines, controller)
        await asyncio.sleep(0.3)
        await controller.kill()
        await lines.bank.answer(await lines.last_call("113"))
        await in_parachute(lines)
        second = await lines.controller()
        await eventually(lambda: second.calls.table.get(CONTACT) is not None, "it is known")
        call = second.calls.table.get(CONTACT)
        assert call is not None
        assert call.facts.outbound


@pytest.mark.parametrize("calls_back", [True, False])
async def test_a_call_back_says_that_it_is_one_and_has_a_dialog_of_its_own(
    tmp_path: Path, calls_back: bool
) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        headers = await placed(lines, controller, calls_back=calls_back)
        assert headers.get("priority") == (["psap-callback"] if calls_back else None)
        await phase(controller, CONTACT, "talking")
        call = controller.calls.table.get(CONTACT)
        assert call is not None
        assert [call.facts.sip_call_id] == headers["call-id"]
        # The process after this one knows the dialog from Asterisk, and so does the journal.
        await controller.kill()
        second = await lines.controller()
        await phase(second, CONTACT, "talking")
        call = second.calls.table.get(CONTACT)
        assert call is not None
        assert [call.facts.sip_call_id] == headers["call-id"]
        log = Path(lines.stack.config.asterisk.log_dir) / "queue_log"
        (entry, *_) = QueueLogReader(log, tmp_path / "position").read()
        assert entry.facts is not None
        assert [entry.facts.sip_call_id] == headers["call-id"]
