"""Conversations on the real Asterisk: who hears whom, and who is never left alone.

The same ways as over the fake, with the rendered dialplan and real phones; each is also left by a
death of call control, after which the dialplan has to do by itself.
"""

import asyncio
import time
from pathlib import Path

import pytest

from ccserver.telephony.party import AgentTarget, NumberTarget, PartyKind
from ccserver.types import AgentId, ContactId
from sim.phones import Behaviour
from tests.telephony.exchange import (
    CALLER,
    EVENTUALLY_S,
    OUTSIDE,
    Controller,
    Exchange,
    eventually,
    exchange,
)

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]

TAKER, COLLEAGUE, THIRD = AgentId("agent-101"), AgentId("agent-102"), AgentId("agent-103")
SERVICE = NumberTarget("113", PartyKind.SERVICE, "NMPD")


async def phase(controller: Controller, contact: ContactId, wanted: str) -> None:
    await eventually(
        lambda: controller.phase(contact) == wanted,
        f"{wanted}, not {controller.phase(contact)}",
    )


async def in_parachute(lines: Exchange) -> None:
    """The caller is in Queue(), or on the way there."""
    give_up_at = time.monotonic() + EVENTUALLY_S
    while "Queue" not in (await lines.channels()).values():
        assert time.monotonic() < give_up_at, await lines.channels()
        await asyncio.sleep(0.1)


async def test_consult_swap_merge_and_complete_are_heard_by_whom_they_should(
    tmp_path: Path,
) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        began = time.monotonic()
        await lines.hears("citizen", 0, after=0)
        await controller.wishes.consult(contact, TAKER, SERVICE)
        await phase(controller, contact, "consulting")
        await lines.hears("113", 0, after=began)
        await lines.bank.wait_for("unheard", phone="citizen", party=0, after=began)
        assert not lines.bank.history("heard", phone="113", party=CALLER)

        swapped = time.monotonic()
        await controller.wishes.swap(contact, TAKER)
        await lines.hears("citizen", 0, after=swapped)
        await lines.bank.wait_for("unheard", phone="113", party=0, after=swapped)

        merged = time.monotonic()
        await controller.wishes.merge(contact, TAKER)
        await phase(controller, contact, "talking")
        await lines.hears("citizen", OUTSIDE, after=merged)
        await lines.hears("113", CALLER, after=merged)

        await controller.wishes.complete(contact, TAKER)
        await phase(controller, contact, "handed_over")
        taker = await lines.last_call("taker101")
        await lines.bank.wait_for("disconnected", call=taker)
        assert not lines.bank.history("disconnected", call=call)
        await lines.hang_up("113")
        await lines.bank.wait_for("disconnected", call=call)
        await eventually(lambda: not controller.calls.table.all(), "it is over")
        assert not await lines.channels()


async def test_a_conference_of_four_counts_its_keepers_without_us(tmp_path: Path) -> None:
    """Caller, two call takers and a service; the last of the three who leaves decides."""
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        await controller.wishes.invite(contact, TAKER, AgentTarget(COLLEAGUE))
        await eventually(lambda: len(controller.calls.parties(contact)) == 2, "two")
        await phase(controller, contact, "talking")
        await controller.wishes.invite(contact, TAKER, SERVICE)
        await eventually(lambda: len(controller.calls.parties(contact)) == 3, "three")
        await phase(controller, contact, "talking")
        await controller.kill()
        await lines.hang_up("taker101")
        await asyncio.sleep(1)
        assert len(await lines.channels()) == 3
        await lines.hang_up("113")
        await asyncio.sleep(1)
        assert not lines.bank.history("disconnected", call=call)
        await lines.hang_up("taker102")
        ended = await lines.bank.wait_for("disconnected", call=call)
        assert ended["by"] == "remote"
        assert not await lines.channels()


async def test_two_keepers_lost_at_the_same_instant_leave_the_caller_to_the_queue(
    tmp_path: Path,
) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        await controller.wishes.invite(contact, TAKER, AgentTarget(COLLEAGUE))
        await eventually(lambda: len(controller.calls.parties(contact)) == 2, "two")
        await phase(controller, contact, "talking")
        legs = [party.party_id for party in controller.calls.parties(contact)]
        await controller.kill()
        await asyncio.gather(
            *(lines.stack.ari("DELETE", f"channels/{leg}", reason="congestion") for leg in legs)
        )
        await in_parachute(lines)
        assert not lines.bank.history("disconnected", call=call)


@pytest.mark.parametrize(
    "state", ["held", "dialling", "consulting", "swapped", "both_held", "inviting", "handing"]
)
async def test_call_control_dies_in_any_phase_and_the_next_one_takes_it_on(
    tmp_path: Path, state: str
) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        if state in ("dialling", "inviting", "handing"):
            await lines.bank.set_behaviour("113", _rings())
        await _into(controller, contact, state)
        await controller.kill()
        second = await lines.controller()
        expected = {"dialling": "held", "inviting": "talking", "handing": "claimed"}
        await phase(second, contact, expected.get(state, state))
        await asyncio.sleep(4.5)  # more than a lease
        assert second.phase(contact) == expected.get(state, state)
        assert not lines.bank.history("disconnected", call=call)
        after = time.monotonic()
        if state == "handing":
            second.offer(contact, COLLEAGUE)
            await phase(second, contact, "talking")
            await lines.hears("citizen", 1, after=after)
        else:
            wish = {"held": "resume", "dialling": "resume"}.get(state, "merge")
            if state != "inviting":
                await getattr(second.wishes, wish)(contact, TAKER)
                await phase(second, contact, "talking")
                await lines.hears("citizen", 0, after=0)
        await lines.bank.hangup(call)
        await eventually(lambda: not second.calls.table.all(), "it is over")
        await eventually_gone(lines)


@pytest.mark.parametrize("state", ["held", "consulting", "both_held", "handing"])
async def test_a_leased_caller_reaches_the_queue_when_call_control_stays_dead(
    tmp_path: Path, state: str
) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        if state == "handing":
            await lines.bank.set_behaviour("113", _rings())
        await _into(controller, contact, state)
        await controller.kill()
        await in_parachute(lines)
        assert not lines.bank.history("disconnected", call=call)
        if state != "handing":
            # The old call taker's leg is of a conversation that is over: its end reaches nobody.
            await lines.hang_up("taker101")
            await asyncio.sleep(1)
            assert not lines.bank.history("disconnected", call=call)
            assert "Queue" in (await lines.channels()).values()


@pytest.mark.parametrize("state", ["talking", "swapped", "held", "consulting"])
async def test_a_lost_phone_gives_the_caller_back_without_us(tmp_path: Path, state: str) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        await _into(controller, contact, state)
        own = controller.calls.table.get(contact)
        assert own is not None
        assert own.owner is not None
        leg = own.owner.leg_id
        await controller.kill()
        await lines.stack.ari("DELETE", f"channels/{leg}", reason="congestion")
        await in_parachute(lines)
        assert not lines.bank.history("disconnected", call=call)


@pytest.mark.parametrize("state", ["talking", "consulting", "swapped"])
async def test_a_caller_who_hangs_up_frees_every_phone_without_us(
    tmp_path: Path, state: str
) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        await _into(controller, contact, state)
        await controller.kill()
        await lines.bank.hangup(call)
        await eventually_gone(lines)


async def test_ring_all_takes_one_answer(tmp_path: Path) -> None:
    """Three phones that answer at once."""
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        _, contact = await lines.waiting(controller)
        for agent in (TAKER, COLLEAGUE, THIRD):
            controller.offer(contact, agent)
        await phase(controller, contact, "talking")
        await eventually(lambda: len(controller.calls.parties(contact)) == 1, "one")
        give_up_at = time.monotonic() + EVENTUALLY_S
        while len(await lines.channels()) != 2:
            assert time.monotonic() < give_up_at, await lines.channels()
            await asyncio.sleep(0.1)
        assert controller.ledger.count("connected") == 1


async def test_supervisor_listens_whispers_comes_in_and_takes_over(tmp_path: Path) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        await controller.wishes.monitor(contact, THIRD, "listen")
        await lines.hears("taker103", CALLER, after=0)
        await lines.hears("taker103", 0, after=0)
        await asyncio.sleep(1)
        assert not lines.bank.history("heard", phone="taker101", party=2)
        await controller.wishes.monitor(contact, THIRD, "whisper")
        await lines.hears("taker101", 2, after=0)
        assert not lines.bank.history("heard", phone="citizen", party=2)
        await controller.wishes.monitor(contact, THIRD, "barge")
        await lines.hears("citizen", 2, after=0)
        await controller.wishes.take_over(contact, THIRD)
        taker = await lines.last_call("taker101")
        await lines.bank.wait_for("disconnected", call=taker)
        assert not lines.bank.history("disconnected", call=call)
        await lines.hang_up("taker103")
        await lines.bank.wait_for("disconnected", call=call)
        await eventually_gone(lines)


async def eventually_gone(lines: Exchange) -> None:
    give_up_at = time.monotonic() + EVENTUALLY_S
    while await lines.channels():
        assert time.monotonic() < give_up_at, await lines.channels()
        await asyncio.sleep(0.1)


def _rings() -> Behaviour:
    return Behaviour(on_call="ring")


async def _into(controller: Controller, contact: ContactId, state: str) -> None:
    """From a conversation of taker101 into another phase, with the service as the other."""
    wishes, own = controller.wishes, (contact, TAKER)
    if state in ("dialling", "consulting", "swapped", "both_held"):
        await wishes.consult(*own, SERVICE)
    elif state == "inviting":
        await wishes.invite(*own, SERVICE)
    elif state == "handing":
        await wishes.transfer(*own, SERVICE)
        taker = await controller.exchange.last_call("taker101")
        await controller.exchange.bank.wait_for("disconnected", call=taker)
    elif state == "held":
        await wishes.hold(*own)
    if state in ("consulting", "swapped", "both_held"):
        await phase(controller, contact, "consulting")
    if state in ("swapped", "both_held"):
        await wishes.swap(*own)
    if state == "both_held":
        await wishes.hold(*own)
    await phase(controller, contact, state)
