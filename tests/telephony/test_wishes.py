"""What a call taker asks for: it fits the state, or is refused, or fails without harm.

Whatever a command's fate, the caller is guarded, hears something, and what the panel shows is what
Asterisk does.
"""

import asyncio

import pytest

from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import CallPhase
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.wishes import CallRefused
from ccserver.types import AgentId, ContactId
from tests.telephony.centre import Bench, passed
from tests.telephony.fakes import BROKEN, LOST_AFTER, LOST_BEFORE, NO_ANSWER, NORMAL, Outcome
from tests.telephony.test_calls import AGENT, phase_of, run

FATES = [LOST_BEFORE, LOST_AFTER, BROKEN]
FATE_NAMES = ["no", "lost", "cut"]


def test_hold_and_resume() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        caller = bench.asterisk.channels["caller-c1"]
        await bench.wishes.hold(contact, AGENT)
        assert caller.bridge is None
        assert caller.lease_at is not None
        assert caller.music == "hold"
        assert caller.variables["SHARED(HELD)"] == "1"
        await bench.wishes.resume(contact, AGENT)
        assert caller.bridge == "bridge-c1"
        assert caller.lease_at is None
        assert caller.variables["SHARED(HELD)"] == ""
        assert bench.ledger.kinds()[-2:] == ["held", "resumed"]

    run(test)


@pytest.mark.parametrize("fate", FATES, ids=FATE_NAMES)
@pytest.mark.parametrize("step", ["variable:SHARED(HELD)", "variable:lease"])
def test_a_hold_that_does_not_begin_never_cuts_the_conversation(step: str, fate: Outcome) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        keeper = asyncio.ensure_future(bench.keeper.renew_leases())
        await passed(0.1)
        bench.asterisk.plan(step, fate)
        with pytest.raises(TelephonyError):
            await bench.wishes.hold(contact, AGENT)
        await passed(20)
        caller = bench.asterisk.channels["caller-c1"]
        assert phase_of(bench, contact) is CallPhase.TALKING
        assert bench.asterisk.guard(caller) is not None
        assert caller.lease_at is None
        assert bench.ledger.kinds()[-1] == "connected"
        bench.asterisk.hang_up("leg-o1", NORMAL)
        await passed(1)
        assert bench.ledger.kinds()[-2:] in (["ended", "recorded"], ["gone", "recorded"])
        keeper.cancel()

    run(test)


@pytest.mark.parametrize("fate", FATES, ids=FATE_NAMES)
@pytest.mark.parametrize("step", ["leave", "music"])
def test_a_hold_that_begins_counts_whatever_fails_then(step: str, fate: Outcome) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        keeper = asyncio.ensure_future(bench.keeper.renew_leases())
        bench.asterisk.plan(step, fate)
        with pytest.raises(TelephonyError):
            await bench.wishes.hold(contact, AGENT)
        assert bench.ledger.kinds()[-1] == "held"
        await passed(20)
        assert phase_of(bench, contact) is CallPhase.HELD
        await bench.wishes.resume(contact, AGENT)
        caller = bench.asterisk.channels["caller-c1"]
        assert bench.asterisk.guard(caller) is not None
        assert caller.lease_at is None
        assert caller.music is None
        keeper.cancel()

    run(test)


@pytest.mark.parametrize("fate", FATES, ids=FATE_NAMES)
@pytest.mark.parametrize("step", ["join", "variable:unlease"])
def test_a_resume_that_fails_leaves_the_caller_on_hold_with_music(step: str, fate: Outcome) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        keeper = asyncio.ensure_future(bench.keeper.renew_leases())
        await bench.wishes.hold(contact, AGENT)
        bench.asterisk.plan(step, fate)
        with pytest.raises(TelephonyError):
            await bench.wishes.resume(contact, AGENT)
        caller = bench.asterisk.channels["caller-c1"]
        assert caller.music == "hold"
        assert caller.bridge is None
        await passed(20)
        assert phase_of(bench, contact) is CallPhase.HELD
        assert caller.lease_at is not None
        await bench.wishes.resume(contact, AGENT)
        assert phase_of(bench, contact) is CallPhase.TALKING
        await passed(20)
        assert bench.asterisk.guard(caller) is not None
        keeper.cancel()

    # "No lease" carried out, its answer lost: until the next renewal.
    run(test, unguarded_max_s=2.5 if fate is LOST_AFTER else 0.0)


@pytest.mark.parametrize("wish", ["hold", "resume"])
@pytest.mark.parametrize("lost", ["leg", "caller"])
def test_a_leg_that_ends_during_the_wish_is_not_overwritten(wish: str, lost: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        step = "variable:SHARED(HELD)"
        if wish == "resume":
            await bench.wishes.hold(contact, AGENT)
            step = "no_music"
        gate = bench.asterisk.hold_back(step)
        asked = asyncio.ensure_future(getattr(bench.wishes, wish)(contact, AGENT))
        await passed(0.1)
        bench.asterisk.hang_up("leg-o1" if lost == "leg" else "caller-c1", NO_ANSWER)
        await passed(0.3)
        gate.set()
        with pytest.raises((CallRefused, TelephonyError)):
            await asked
        await passed(1)
        assert phase_of(bench, contact) is (CallPhase.CLAIMED if lost == "leg" else None)
        assert bench.ledger.kinds()[-1] == ("waits" if lost == "leg" else "recorded")

    run(test)


@pytest.mark.parametrize("held", [False, True])
def test_hang_up_ends_both_legs_and_is_told_as_the_call_takers(held: bool) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        if held:
            await bench.wishes.hold(contact, AGENT)
        await bench.wishes.hang_up(contact, AGENT)
        await passed(1)
        assert bench.ledger.kinds()[-2:] == ["ended", "recorded"]
        assert bench.ledger.count("gone") == 0
        assert not bench.asterisk.channels

    run(test)


@pytest.mark.parametrize("fate", FATES, ids=FATE_NAMES)
def test_a_hang_up_that_fails_leaves_the_guard_in_place(fate: Outcome) -> None:
    """Not done: the conversation goes on, guarded, and the wish can be repeated."""

    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        bench.asterisk.plan("hang_up", fate)
        with pytest.raises(TelephonyError):
            await bench.wishes.hang_up(contact, AGENT)
        await passed(0.5)
        if fate is LOST_AFTER:
            assert not bench.asterisk.channels
        else:
            assert bench.asterisk.guard(bench.asterisk.channels["caller-c1"]) is not None
            assert bench.ledger.count("ended") == 0
            await bench.wishes.hang_up(contact, AGENT)
            await passed(0.5)
        assert bench.ledger.count("ended") == 1
        assert not bench.asterisk.channels

    run(test)


def test_a_conversation_that_is_over_is_ended_again_by_the_survey() -> None:
    """The call taker has hung up, but the caller's channel is still there."""

    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        call = bench.calls.table.get(contact)
        assert call is not None
        bench.calls.ends.conversation_ended(call)
        assert "caller-c1" in bench.asterisk.channels
        await bench.keeper.resync()
        await passed(0.1)
        assert not bench.asterisk.channels
        assert bench.ledger.kinds()[-2:] == ["ended", "recorded"]

    run(test)


def test_a_hang_up_overtaken_by_the_lost_phone_leaves_no_ghost() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        await bench.wishes.hold(contact, AGENT)
        bench.asterisk.event_delay = lambda channel_id: 0.05
        bench.asterisk.hang_up("leg-o1", NO_ANSWER)
        await bench.wishes.hang_up(contact, AGENT)
        await passed(1)
        assert bench.ledger.kinds()[-2:] == ["ended", "recorded"]
        assert bench.ledger.count("left") == 0

    run(test)


def test_reject_is_told_once_and_stops_the_ringing() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        bench.wishes.reject(contact, AGENT)
        await passed(1)
        assert not bench.asterisk.legs()
        assert bench.ledger.failures == [OfferFailure.REJECTED]
        with pytest.raises(CallRefused, match="not_your_contact"):
            bench.wishes.reject(contact, AGENT)

    run(test)


def test_only_the_ringing_leg_can_be_answered_or_rejected() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        assert bench.wishes.ringing_leg(contact, AGENT) == "leg-o1"
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        with pytest.raises(CallRefused, match="already_answered"):
            bench.wishes.ringing_leg(contact, AGENT)
        with pytest.raises(CallRefused, match="already_answered"):
            bench.wishes.reject(contact, AGENT)

    run(test)


@pytest.mark.parametrize("wish", ["hold", "resume", "hang_up"])
def test_a_wish_for_another_seats_contact_is_refused(wish: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        before = list(bench.asterisk.commands)
        for contact_id, agent_id in (
            (contact, AgentId("agent-102")),
            (ContactId("unknown"), AGENT),
        ):
            with pytest.raises(CallRefused, match="not_your_contact"):
                await getattr(bench.wishes, wish)(contact_id, agent_id)
        assert bench.asterisk.commands == before

    run(test)


@pytest.mark.parametrize(
    ("wish", "code"),
    [("hold", "not_talking"), ("resume", "not_held"), ("hang_up", "not_talking")],
)
def test_a_wish_that_does_not_fit_is_refused(wish: str, code: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.ringing()
        with pytest.raises(CallRefused, match=code):
            await getattr(bench.wishes, wish)(contact, AGENT)

    run(test)
