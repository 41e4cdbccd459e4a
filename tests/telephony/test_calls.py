"""Call control against lost, late, repeated and reordered events and failing commands.

Each test is one race on the path of a live call. `tests/telephony/test_calls_under_faults.py`
searches for those that nobody thought of; what it found is here by name.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import CallPhase
from ccserver.types import AgentId, ContactId, OfferId
from tests.telephony.centre import Bench, passed
from tests.telephony.fakes import (
    BROKEN,
    LOST_AFTER,
    LOST_BEFORE,
    NO_ANSWER,
    NORMAL,
    Outcome,
)
from tests.telephony.virtual_time import in_virtual_time

AGENT = AgentId("agent-101")
JOIN_STEPS = (
    "variable:SHARED(CONVERSATION)",
    "no_music",
    "bridge",
    "join",
    "variable:GROUP(conversation)",
    "variable:unlease",
)


def run(test: Callable[[Bench], Awaitable[None]], *, unguarded_max_s: float = 0.0) -> None:
    """The test in virtual time; nobody is unguarded at any step of it."""

    async def whole() -> None:
        bench = Bench()
        bench.asterisk.unguarded_max_s = unguarded_max_s
        await test(bench)
        assert not bench.asterisk.unguarded, bench.asterisk.unguarded
        assert bench.calls.table.broken is None

    in_virtual_time(whole())


def phase_of(bench: Bench, contact_id: ContactId) -> CallPhase | None:
    call = bench.calls.table.get(contact_id)
    return None if call is None else call.phase


def test_lease_is_cleared_after_both_are_bridged_and_before_connected_is_told() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.asterisk.commands.clear()
        gate = bench.asterisk.hold_back("variable:unlease")
        bench.asterisk.answer("leg-o1")
        await passed(0.01)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(1)
        assert bench.ledger.count("connected") == 0
        gate.set()
        await passed(0.1)
        commands = bench.asterisk.commands
        assert commands.index("join") < commands.index("variable:GROUP(conversation)")
        assert commands.index("variable:GROUP(conversation)") < commands.index("variable:unlease")
        assert bench.ledger.told[-1] == ("connected", "c1 agent-101")
        assert bench.asterisk.channels["caller-c1"].lease_at is None

    run(test)


@pytest.mark.parametrize("kind", ["StasisStart", "ChannelDestroyed"])
def test_an_offers_repeated_event_is_told_once(kind: str) -> None:
    async def test(bench: Bench) -> None:
        bench.asterisk.event_repeats = lambda event: 3 if event["type"] == kind else 1
        await bench.ringing()
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        assert bench.ledger.count("answered") == 1
        await bench.ringing("c2", "o2")
        bench.asterisk.hang_up("leg-o2", 17)
        await passed(0.1)
        assert bench.ledger.count("failed") == 1
        assert bench.ledger.failures == [OfferFailure.BUSY]

    run(test)


@pytest.mark.parametrize(
    ("cause", "failure"),
    [
        (17, OfferFailure.BUSY),
        (21, OfferFailure.REJECTED),
        (20, OfferFailure.UNREACHABLE),
        (38, OfferFailure.FAILED),
        (0, OfferFailure.FAILED),
    ],
)
def test_a_phones_cause_becomes_a_failure(cause: int, failure: OfferFailure) -> None:
    async def test(bench: Bench) -> None:
        await bench.ringing()
        bench.asterisk.hang_up("leg-o1", cause)
        await passed(0.1)
        assert bench.ledger.failures == [failure]

    run(test)


def test_a_rescinded_offers_leg_goes_also_if_originate_answers_late() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        bench.asterisk.plan("originate", Outcome(before_s=1.5))
        bench.calls.offer(OfferId("o1"), contact, AGENT, 15.0)
        await passed(0.1)
        bench.calls.rescind(OfferId("o1"), contact)
        await passed(3)
        assert not bench.asterisk.legs()
        assert bench.asterisk.phones_rung.total() == 1
        assert bench.ledger.count("failed") == 0

    run(test)


def test_a_phone_that_rings_for_a_lost_originate_is_swept() -> None:
    """Asterisk carries the originate out after we gave up and after our hang-up found nothing."""

    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        bench.asterisk.plan("originate", Outcome(before_s=5.0))
        bench.calls.offer(OfferId("o1"), contact, AGENT, 15.0)
        await passed(6)
        assert bench.ledger.count("failed") == 1
        assert bench.asterisk.legs()
        await bench.keeper.resync()
        assert not bench.asterisk.legs()

    run(test)


def test_an_offer_answered_before_its_lost_originate_is_connected() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        bench.asterisk.plan("originate", LOST_AFTER)
        bench.calls.offer(OfferId("o1"), contact, AGENT, 15.0)
        await passed(0.5)
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(5)
        assert bench.ledger.kinds() == ["waits", "answered", "connected"]
        assert phase_of(bench, contact) is CallPhase.TALKING

    run(test)


def test_an_offer_that_ended_before_its_lost_originate_is_told_once() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        bench.asterisk.plan("originate", LOST_AFTER)
        bench.calls.offer(OfferId("o1"), contact, AGENT, 15.0)
        await passed(0.5)
        bench.asterisk.hang_up("leg-o1", 17)
        await passed(5)
        assert bench.ledger.kinds() == ["waits", "failed"]

    run(test)


def test_a_missing_bridge_is_no_reason_to_fail_an_offer() -> None:
    async def test(bench: Bench) -> None:
        bench.asterisk.plan("bridge", BROKEN)
        contact = await bench.talking()
        assert bench.ledger.kinds() == ["waits", "answered", "connected"]
        assert phase_of(bench, contact) is CallPhase.TALKING

    run(test)


def test_a_bridge_whose_making_was_not_answered_is_used() -> None:
    """Asterisk refuses to make it again; that must not fail every offer of this caller."""

    async def test(bench: Bench) -> None:
        bench.asterisk.plan("bridge", LOST_AFTER)
        contact = await bench.ringing()
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(5)
        assert bench.ledger.kinds() == ["waits", "answered", "connected"]

    run(test)


def test_an_answer_after_the_rescind_hangs_the_phone_up() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        gate = bench.asterisk.hold_back("hang_up")
        bench.calls.rescind(OfferId("o1"), contact)
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        assert bench.ledger.count("answered") == 0
        gate.set()
        await passed(0.1)
        assert not bench.asterisk.legs()
        assert phase_of(bench, contact) is CallPhase.CLAIMED

    run(test)


@pytest.mark.parametrize("step", JOIN_STEPS)
@pytest.mark.parametrize("outcome", [LOST_BEFORE, LOST_AFTER, BROKEN], ids=["no", "lost", "cut"])
def test_a_join_that_fails_at_any_step_leaves_the_caller_waiting(
    step: str, outcome: Outcome
) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        call = bench.calls.table.get(contact)
        assert call is not None
        if step == "bridge":
            call.bridge_made = False
        bench.asterisk.plan(step, outcome)
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(4.9)
        assert bench.ledger.kinds() == ["waits", "answered", "connect_failed"]
        caller = bench.asterisk.channels["caller-c1"]
        assert not bench.asterisk.legs()
        assert phase_of(bench, contact) is CallPhase.CLAIMED
        assert caller.in_app
        assert caller.lease_at is not None
        assert caller.music == "emergency"
        assert caller.bridge is None

    run(test)


@pytest.mark.parametrize("step", JOIN_STEPS)
@pytest.mark.parametrize("cause", [NORMAL, NO_ANSWER])
def test_a_call_taker_who_leaves_during_the_join_takes_no_caller_along(
    step: str, cause: int
) -> None:
    """Not even by hanging up: nobody has spoken yet. Once the leg is armed, it is a hang-up."""

    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        call = bench.calls.table.get(contact)
        assert call is not None
        call.bridge_made = call.bridge_made and step != "bridge"
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        gate = bench.asterisk.hold_back(step)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(0.1)
        bench.asterisk.hang_up("leg-o1", cause)
        await passed(0.5)
        gate.set()
        await passed(3)
        assert bench.ledger.count("connected") == 0
        if step == "variable:unlease" and cause == NORMAL:
            assert "caller-c1" not in bench.asterisk.channels
            return
        caller = bench.asterisk.channels["caller-c1"]
        assert caller.in_app
        assert caller.lease_at is not None
        assert caller.music == "emergency"
        assert caller.bridge is None
        assert phase_of(bench, contact) is CallPhase.CLAIMED

    # "No lease", carried out when the caller is back with us: mended with the next command.
    late = step == "variable:unlease" and cause == NO_ANSWER
    run(test, unguarded_max_s=0.1 if late else 0.0)


@pytest.mark.parametrize("step", JOIN_STEPS)
def test_a_caller_who_leaves_during_the_join_is_told_once_and_frees_the_call_taker(
    step: str,
) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        call = bench.calls.table.get(contact)
        assert call is not None
        if step == "bridge":
            call.bridge_made = False
        gate = bench.asterisk.hold_back(step)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(0.1)
        bench.asterisk.hang_up("caller-c1")
        await passed(0.5)
        gate.set()
        await passed(5)
        assert bench.ledger.kinds() == ["waits", "answered", "gone", "recorded"]
        assert not bench.asterisk.channels
        assert not bench.asterisk.bridges
        assert not bench.calls.table.all()

    run(test)


def test_a_new_offer_is_not_harmed_by_the_late_end_of_a_failed_join() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        gate = bench.asterisk.hold_back("join")
        bench.calls.connect(OfferId("o1"), contact)
        await passed(0.1)
        bench.asterisk.hang_up("leg-o1", NO_ANSWER)
        await passed(0.1)
        bench.calls.offer(OfferId("o2"), contact, AgentId("agent-102"), 15.0)
        await passed(0.1)
        gate.set()
        await passed(0.1)
        bench.asterisk.answer("leg-o2")
        await passed(0.1)
        bench.calls.connect(OfferId("o2"), contact)
        await passed(1)
        assert bench.ledger.kinds()[-2:] == ["answered", "connected"]
        assert bench.ledger.count("connect_failed") == 1
        assert phase_of(bench, contact) is CallPhase.TALKING

    run(test)


def test_a_renewal_under_way_never_leaves_a_lease_on_a_talking_call() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.asterisk.plan("variable:lease", Outcome(before_s=1.0))
        renewal = asyncio.ensure_future(bench.keeper.renew_once(deadline_s=2.0))
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), contact)
        await renewal
        await passed(1)
        assert phase_of(bench, contact) is CallPhase.TALKING
        assert bench.asterisk.channels["caller-c1"].lease_at is None
        await passed(20)
        assert bench.asterisk.guard(bench.asterisk.channels["caller-c1"]) is not None

    run(test)


def test_a_renewal_carried_out_after_its_deadline_does_not_cut_a_talking_call() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        keeper = asyncio.ensure_future(bench.keeper.renew_leases())
        await passed(1.0)
        bench.asterisk.plan("variable:lease", Outcome(before_s=4.5))
        await passed(3.2)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(30)
        assert phase_of(bench, contact) is CallPhase.TALKING
        assert bench.asterisk.channels["caller-c1"].lease_at is None
        assert bench.asterisk.guard(bench.asterisk.channels["caller-c1"]) is not None
        keeper.cancel()

    run(test)


def test_a_repeated_claim_does_not_part_a_conversation() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        caller = bench.asterisk.channels["caller-c1"]
        bench.calls.handle({"type": "StasisStart", "channel": caller.as_json()})
        await passed(0.1)
        assert phase_of(bench, contact) is CallPhase.TALKING
        assert bench.ledger.count("waits") == 1
        await bench.keeper.resync()
        assert phase_of(bench, contact) is CallPhase.TALKING
        assert bench.asterisk.guard(caller) is not None

    run(test)


def test_a_claim_overtaken_by_the_callers_end_leaves_no_ghost() -> None:
    async def test(bench: Bench) -> None:
        await bench.waiting()
        caller = bench.asterisk.channels["caller-c1"].as_json()
        bench.asterisk.hang_up("caller-c1")
        await passed(0.1)
        bench.calls.handle({"type": "StasisStart", "channel": caller})
        assert not bench.calls.table.all()
        assert bench.ledger.kinds() == ["waits", "gone", "recorded"]

    run(test)


def test_a_call_taker_who_hangs_up_on_a_held_caller_does_not_end_the_call() -> None:
    """The caller's way back can be told before the end of the call taker's leg."""

    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        await bench.wishes.hold(contact, AGENT)
        bench.asterisk.event_delay = lambda channel_id: 0.3 if "leg" in channel_id else 0.001
        bench.asterisk.hang_up("leg-o1", NORMAL)
        await passed(2)
        assert "caller-c1" in bench.asterisk.channels
        assert phase_of(bench, contact) is CallPhase.CLAIMED
        assert bench.ledger.count("ended") == 0
        assert bench.ledger.kinds()[-2:] == ["left", "waits"]

    run(test)


def test_a_call_taker_left_behind_does_not_take_the_caller_out_of_the_parachute() -> None:
    """The lease runs out during the join: the leg is hung up, its handler finds it released."""

    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        await passed(3)
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.asterisk.plan("join", Outcome(before_s=1.9), LOST_BEFORE)
        bench.asterisk.plan("variable:GROUP(conversation)", Outcome(before_s=1.5))
        bench.asterisk.plan("variable:unlease", Outcome(before_s=1.9))
        bench.calls.connect(OfferId("o1"), contact)
        await passed(8)
        assert bench.ledger.kinds() == ["waits", "answered", "left"]
        assert not bench.asterisk.legs()
        caller = bench.asterisk.channels["caller-c1"]
        assert caller.app in ("Queue", "StasisBroadcast")
        assert phase_of(bench, contact) is CallPhase.PARACHUTE

    run(test)


def test_a_lost_call_taker_gives_the_caller_back() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        bench.asterisk.hang_up("leg-o1", NO_ANSWER)
        await passed(1)
        assert bench.ledger.kinds()[-1] == "waits"
        assert phase_of(bench, contact) is CallPhase.CLAIMED
        assert bench.asterisk.channels["caller-c1"].lease_at is not None

    run(test)


def test_a_hang_up_ends_the_conversation_once() -> None:
    async def test(bench: Bench) -> None:
        await bench.talking()
        bench.asterisk.event_repeats = lambda event: 2
        bench.asterisk.hang_up("leg-o1", NORMAL)
        await passed(1)
        assert bench.ledger.count("ended") + bench.ledger.count("gone") == 1
        assert bench.ledger.count("recorded") == 1
        assert not bench.asterisk.channels
        assert not bench.asterisk.bridges

    run(test)


def test_an_impossible_offer_is_told_after_the_step_that_made_it() -> None:
    async def test(bench: Bench) -> None:
        bench.calls.offer(OfferId("o1"), ContactId("unknown"), AGENT, 15.0)
        assert bench.ledger.told == []
        await passed(0.1)
        assert bench.ledger.told == [("failed", "o1")]

    run(test)


def test_a_connect_for_nobody_drops_the_leg() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.asterisk.hang_up("caller-c1")
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(1)
        assert not bench.asterisk.legs()
        assert bench.ledger.kinds() == ["waits", "answered", "gone", "recorded"]

    run(test)


@pytest.mark.parametrize("refusal", ["gone", "claimed by another"])
def test_a_claim_that_comes_too_late_changes_nothing(refusal: str) -> None:
    async def test(bench: Bench) -> None:
        gate = bench.asterisk.hold_back("claim")
        caller = bench.asterisk.call("c1")
        await passed(0.1)
        if refusal == "gone":
            bench.asterisk.hang_up(caller.id)
        else:
            caller.app = "Queue"
        gate.set()
        await passed(0.2)
        assert bench.ledger.kinds() == []
        assert not bench.calls.table.all()

    run(test)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "StasisStart"},
        {"type": "StasisStart", "channel": "x"},
        {"type": "StasisStart", "channel": {"id": 7}},
        {"type": "StasisStart", "channel": {"id": "x"}},
        {"type": "StasisStart", "channel": {"id": "leg-unknown"}},
        {"type": "ChannelDestroyed", "cause": "x", "channel": {"id": "leg-o1"}},
        {"type": "ChannelDestroyed", "channel": {"id": "unknown"}},
        {"type": 3, "channel": {"id": "caller-c1"}},
        {"type": "StasisEnd", "channel": {"id": "leg-o1"}},
    ],
)
def test_an_event_without_sense_is_harmless(event: dict[str, object]) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.calls.handle(event)
        await passed(0.1)
        assert phase_of(bench, contact) is CallPhase.CLAIMED

    run(test)
