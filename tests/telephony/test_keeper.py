"""Leases, adoption, and the repair of what was missed.

Asterisk's state is the truth: after a restart or a lost connection everything is read from it, and
what has moved on since it was asked is left alone.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ccserver.telephony.call import CallPhase
from ccserver.telephony.errors import TelephonyError
from ccserver.types import AgentId, ContactId, OfferId
from tests.telephony.centre import Bench, passed
from tests.telephony.fakes import BROKEN, LOST_BEFORE, NO_ANSWER, NORMAL, Outcome
from tests.telephony.test_calls import AGENT, phase_of, run

RESTARTED = OfferId("o2")


async def _restart(bench: Bench) -> None:
    bench.restart()
    await bench.keeper.connected()
    await passed(0.5)


async def _serve(bench: Bench, contact: ContactId) -> None:
    """The adopted caller can be offered and connected like any other."""
    bench.calls.offer(RESTARTED, contact, AgentId("agent-102"), 15.0)
    await passed(0.1)
    bench.asterisk.answer("leg-o2")
    await passed(0.1)
    bench.calls.connect(RESTARTED, contact)
    await passed(0.5)
    assert phase_of(bench, contact) is CallPhase.TALKING


def test_a_waiting_caller_is_adopted() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        await _restart(bench)
        assert bench.ledger.told == [("waits", "c1")]
        await _serve(bench, contact)

    run(test)


def test_a_ringing_offer_of_a_former_life_is_dropped_and_its_caller_adopted() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        await _restart(bench)
        assert bench.ledger.told == [("waits", "c1")]
        assert not bench.asterisk.legs()
        await _serve(bench, contact)

    run(test)


@pytest.mark.parametrize(
    "step", ["no_music", "join", "variable:GROUP(conversation)", "variable:unlease"]
)
def test_a_death_during_the_join_keeps_the_caller(step: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.asterisk.plan(step, Outcome(done=False, before_s=100.0))
        bench.calls.connect(OfferId("o1"), contact)
        await passed(0.2)
        await _restart(bench)
        if step == "variable:unlease":
            assert bench.ledger.told == [("adopted", "c1 agent-101")]
            assert bench.asterisk.channels["caller-c1"].lease_at is None
            return
        assert bench.ledger.told == [("waits", "c1")]
        assert not bench.asterisk.legs()
        await _serve(bench, contact)

    run(test)


def test_a_conversation_is_adopted_and_ends_like_any_other() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        await _restart(bench)
        assert bench.ledger.told == [("adopted", "c1 agent-101")]
        assert phase_of(bench, contact) is CallPhase.TALKING
        bench.asterisk.hang_up("leg-o1", NORMAL)
        await passed(1)
        assert bench.ledger.kinds()[0] == "adopted"
        assert bench.ledger.kinds()[1] in ("ended", "gone")  # whichever leg's end is told first
        assert bench.ledger.kinds()[2:] == ["recorded"]
        assert not bench.asterisk.bridges

    run(test)


def test_a_held_caller_is_adopted_with_a_lease_and_can_be_resumed() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        await bench.wishes.hold(contact, AGENT)
        await _restart(bench)
        assert bench.ledger.told == [("adopted_held", "c1 agent-101")]
        assert bench.asterisk.channels["caller-c1"].lease_at is not None
        await bench.wishes.resume(contact, AGENT)
        assert bench.asterisk.guard(bench.asterisk.channels["caller-c1"]) is not None

    run(test)


def test_a_caller_in_the_parachute_is_taken_back_if_no_phone_rings() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        await passed(7)
        assert bench.asterisk.channels["caller-c1"].app == "Queue"
        await _restart(bench)
        assert bench.ledger.kinds() == ["left", "waits"]
        await _serve(bench, contact)

    run(test)


@pytest.mark.parametrize("answered", [False, True])
def test_a_caller_whose_phone_rings_or_talks_in_the_parachute_is_left_there(
    answered: bool,
) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        await passed(7)
        caller = bench.asterisk.channels["caller-c1"]
        phone = bench.asterisk.ring_parachute(caller, "ct-102")
        if answered:
            bench.asterisk.answer_parachute(caller, phone)
        await _restart(bench)
        told = f"c1 {phone.name}" if answered else "c1 None"
        assert bench.ledger.told == [("left", told)]
        assert caller.app == "Queue"
        assert phase_of(bench, contact) is CallPhase.PARACHUTE

    run(test)


def test_callers_are_adopted_in_the_order_of_their_arrival() -> None:
    async def test(bench: Bench) -> None:
        for name in ("c3", "c1", "c2"):
            await bench.waiting(name)
        await _restart(bench)
        assert bench.ledger.told == [("waits", "c3"), ("waits", "c1"), ("waits", "c2")]

    run(test)


def test_one_caller_who_moved_on_does_not_stop_the_adoption_of_the_others() -> None:
    async def test(bench: Bench) -> None:
        await bench.talking("c1", "o1")
        await bench.waiting("c2")
        gate = bench.asterisk.hold_back("variable:unlease")
        bench.restart()
        adopting = asyncio.ensure_future(bench.keeper.connected())
        await passed(0.1)
        bench.asterisk.hang_up("caller-c1")
        gate.set()
        await adopting
        assert bench.ledger.told == [("waits", "c2")]
        assert [call.contact_id for call in bench.calls.table.all()] == ["c2"]

    run(test)


def test_a_lost_connection_during_the_adoption_is_told_to_the_link() -> None:
    async def test(bench: Bench) -> None:
        await bench.waiting()
        bench.restart()
        bench.asterisk.plan("music", BROKEN)
        with pytest.raises(TelephonyError):
            await bench.keeper.connected()
        await bench.keeper.connected()
        assert bench.ledger.told == [("waits", "c1")]

    run(test)


def test_what_happened_during_an_outage_is_made_up_for() -> None:
    async def test(bench: Bench) -> None:
        await bench.ringing("c1", "o1")
        await bench.ringing("c2", "o2")
        await bench.ringing("c3", "o3")
        await bench.waiting("c4")
        told_before = len(bench.ledger.told)
        bench.asterisk.connected = False
        bench.keeper.lost()
        bench.asterisk.answer("leg-o1")
        bench.asterisk.hang_up("leg-o2", NO_ANSWER)
        bench.asterisk.hang_up("caller-c3")
        bench.asterisk.call("c5")
        await passed(0.1)
        bench.asterisk.connected = True
        await bench.keeper.connected()
        await passed(1)
        news = bench.ledger.told[told_before:]
        assert ("answered", "o1") in news
        assert ("failed", "o2") in news
        assert ("cut", "c3") in news
        assert ("recorded", "c3") in news
        assert bench.asterisk.channels["caller-c5"].app == "Queue"

    run(test)


def test_a_conversation_found_without_its_call_taker_waits_again() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        bench.asterisk.connected = False
        leg = bench.asterisk.channels["leg-o1"]
        leg.variables["RELEASED"] = "1"
        bench.asterisk.unguarded_max_s = 100.0
        bench.asterisk.hang_up("leg-o1")
        bench.asterisk.connected = True
        await bench.keeper.connected()
        await passed(0.5)
        caller = bench.asterisk.channels["caller-c1"]
        assert bench.ledger.kinds()[-1] == "connect_failed"
        assert phase_of(bench, contact) is CallPhase.CLAIMED
        assert caller.music == "emergency"
        assert caller.lease_at is not None

    run(test)


@pytest.mark.parametrize("held", [False, True])
def test_a_lost_leg_that_nobody_answered_for_is_looked_at_within_a_second(held: bool) -> None:
    """Its hang-up handler did not reach the caller, and the caller sits alone."""

    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        if held:
            await bench.wishes.hold(contact, AGENT)
        await bench.keeper.connected()
        watching = asyncio.ensure_future(bench.keeper.survey_for_ever())
        bench.asterisk.unguarded_max_s = 1.5
        bench.asterisk.channels["leg-o1"].variables["RELEASED"] = "1"
        bench.asterisk.hang_up("leg-o1", NO_ANSWER)
        await passed(2)
        assert phase_of(bench, contact) is CallPhase.CLAIMED
        assert bench.asterisk.channels["caller-c1"].music == "emergency"
        watching.cancel()

    run(test)


async def _while_asterisk_is_asked(
    bench: Bench, step: str, happens: Callable[[], Awaitable[None]]
) -> None:
    """Run ``happens`` after Asterisk has said what is there, before it is made use of."""
    bench.asterisk.plan(step, Outcome(after_s=0.5))
    looking = asyncio.ensure_future(bench.keeper.resync())
    await passed(0.1)
    await happens()
    await looking
    await passed(1)


def test_a_look_from_before_the_join_does_not_part_a_conversation() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()

        async def connect() -> None:
            bench.asterisk.answer("leg-o1")
            await passed(0.05)
            bench.calls.connect(OfferId("o1"), contact)
            await passed(0.1)

        await _while_asterisk_is_asked(bench, "channels", connect)
        assert bench.ledger.kinds() == ["waits", "answered", "connected"]
        assert bench.asterisk.guard(bench.asterisk.channels["caller-c1"]) is not None

    run(test)


def test_a_look_from_before_the_offer_does_not_fail_it() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()

        async def offer() -> None:
            bench.calls.offer(OfferId("o1"), contact, AGENT, 15.0)
            await passed(0.1)

        await _while_asterisk_is_asked(bench, "channels", offer)
        assert bench.ledger.kinds() == ["waits"]
        assert len(bench.asterisk.legs()) == 1

    run(test)


def test_a_look_from_before_the_claim_does_not_send_the_caller_back() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        await passed(7)
        caller = bench.asterisk.channels["caller-c1"]
        assert caller.app == "Queue"

        async def claimed_by_itself() -> None:
            await bench.asterisk.redirect_to_claim(caller.name)
            await passed(0.1)

        bench.asterisk.commands.clear()
        await _while_asterisk_is_asked(bench, "channels", claimed_by_itself)
        assert phase_of(bench, contact) is CallPhase.CLAIMED
        assert bench.asterisk.commands.count("redirect") == 1

    run(test)


def test_a_look_from_before_the_end_leaves_no_ghost() -> None:
    async def test(bench: Bench) -> None:
        await bench.waiting()
        await passed(7)

        async def hang_up() -> None:
            bench.asterisk.hang_up("caller-c1")
            await passed(0.1)

        await _while_asterisk_is_asked(bench, "channels", hang_up)
        assert bench.ledger.kinds() == ["waits", "left", "gone", "recorded"]
        assert not bench.calls.table.all()

    run(test)


def test_an_old_look_takes_nobody_back_from_the_parachute() -> None:
    """A phone may have rung and been answered since."""

    async def test(bench: Bench) -> None:
        await bench.waiting()
        await passed(7)
        bench.asterisk.commands.clear()
        bench.asterisk.plan("bridges", Outcome(after_s=1.0))
        await bench.keeper.resync()
        assert "redirect" not in bench.asterisk.commands
        await bench.keeper.resync()
        assert "redirect" in bench.asterisk.commands

    run(test)


def test_stray_legs_and_bridges_are_swept_and_live_ones_are_not() -> None:
    async def test(bench: Bench) -> None:
        await bench.talking("c1", "o1")
        await bench.ringing("c2", "o2")
        bench.asterisk.bridges["bridge-gone"] = []
        bench.asterisk.bridges["somebody-else"] = []
        await bench.asterisk.request(
            "POST",
            ("channels", "leg-old"),
            params={"endpoint": "PJSIP/ct-103"},
            json={"variables": {"CONTACT_ID": "c1", "CALLER_CHANNEL": "x"}},
        )
        await bench.keeper.resync()
        await passed(0.1)
        assert {leg.id for leg in bench.asterisk.legs()} == {"leg-o1", "leg-o2"}
        assert set(bench.asterisk.bridges) == {"bridge-c1", "bridge-c2", "somebody-else"}
        assert bench.ledger.count("failed") == 0

    run(test)


def test_a_second_connected_leg_is_dropped_without_touching_the_talking_caller() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        caller = bench.asterisk.channels["caller-c1"]
        await bench.asterisk.request(
            "POST",
            ("channels", "leg-0-old"),
            params={"endpoint": "PJSIP/ct-103"},
            json={"variables": {"CONTACT_ID": "c1", "CALLER_CHANNEL": caller.name}},
        )
        bench.asterisk.answer("leg-0-old")
        bench.asterisk.channels["leg-0-old"].variables["CONNECTED"] = "1"
        await passed(1)
        await bench.keeper.resync()
        await passed(1)
        assert bench.asterisk.guard(caller) is not None
        assert phase_of(bench, contact) is CallPhase.TALKING

    run(test)


def test_a_leg_whose_hang_up_is_lost_is_dropped_within_a_second() -> None:
    """It may sit in the bridge with the next conversation."""

    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        await bench.keeper.connected()
        watching = asyncio.ensure_future(bench.keeper.survey_for_ever())
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.asterisk.plan("hang_up", BROKEN)
        bench.calls.rescind(OfferId("o1"), contact)
        await passed(2)
        assert not bench.asterisk.legs()
        assert phase_of(bench, contact) is CallPhase.CLAIMED
        watching.cancel()

    run(test)


@pytest.mark.parametrize("failing", [1, 2])
def test_a_lease_survives_renewals_that_are_not_answered(failing: int) -> None:
    async def test(bench: Bench) -> None:
        await bench.waiting()
        keeper = asyncio.ensure_future(bench.keeper.renew_leases())
        await passed(2.5)
        fate = LOST_BEFORE if failing == 1 else BROKEN
        bench.asterisk.plan("variable:lease", *[fate] * failing)
        await passed(20)
        assert bench.asterisk.channels["caller-c1"].in_app
        assert bench.ledger.kinds() == ["waits"]
        keeper.cancel()

    run(test)


def test_a_caller_without_renewals_is_in_the_parachute_after_the_lease() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        await passed(6.5)
        assert bench.asterisk.channels["caller-c1"].app == "Queue"
        assert phase_of(bench, contact) is CallPhase.PARACHUTE
        assert bench.ledger.kinds() == ["waits", "left"]

    run(test)


def test_no_survey_is_made_while_the_connection_is_lost() -> None:
    async def test(bench: Bench) -> None:
        await bench.keeper.connected()
        watching = asyncio.ensure_future(bench.keeper.survey_for_ever())
        bench.keeper.lost()
        bench.asterisk.commands.clear()
        await passed(60)
        assert bench.asterisk.commands == []
        watching.cancel()

    run(test)
