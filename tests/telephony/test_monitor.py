"""Supervisors at a conversation: nobody is harmed by them, and nobody is heard by accident."""

import pytest

from ccserver.telephony.call import CallPhase
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.party import PartyKind, PartyState
from ccserver.telephony.wishes import CallRefused
from ccserver.types import AgentId, ContactId, LegId
from tests.telephony.centre import SUPERVISOR, Bench, passed
from tests.telephony.fakes import BROKEN, LOST_AFTER, LOST_BEFORE, NORMAL, Outcome
from tests.telephony.talks import SERVICE, answered, kept, other_leg, told_wrong
from tests.telephony.test_calls import AGENT, phase_of, run

P = CallPhase
LEG = "monitor-i1-1"
AGENT_103 = AgentId("agent-103")


async def monitored(bench: Bench, mode: str = "listen") -> ContactId:
    contact = await bench.talking()
    await bench.wishes.monitor(contact, SUPERVISOR, mode)
    await passed(0.1)
    bench.asterisk.answer(LEG)
    await passed(0.2)
    return contact


def snoops(bench: Bench) -> list[str | None]:
    return [channel.snoops_on for channel in bench.asterisk.channels.values() if channel.snoops_on]


def test_a_listener_hears_through_the_call_takers_leg_and_is_muted() -> None:
    async def test(bench: Bench) -> None:
        contact = await monitored(bench)
        assert snoops(bench) == ["leg-o1"]
        assert bench.asterisk.channels[LEG].muted
        assert bench.asterisk.bridges["bridge-c1"] == ["caller-c1", "leg-o1"]
        commands = bench.asterisk.commands
        assert commands.index("mute") < commands.index("snoop")
        states = {party.party_id: party.state for party in bench.calls.parties(contact)}
        assert states[LegId(LEG)] is PartyState.LISTENING
        await bench.wishes.monitor(contact, SUPERVISOR, "whisper")
        assert not bench.asterisk.channels[LEG].muted
        await bench.wishes.monitor(contact, SUPERVISOR, "listen")
        assert bench.asterisk.channels[LEG].muted
        await bench.wishes.monitor(contact, SUPERVISOR, "off")
        await passed(0.2)
        assert LEG not in bench.asterisk.channels
        assert not snoops(bench)
        assert list(bench.asterisk.bridges) == ["bridge-c1"]
        told = [subject for what, subject in bench.ledger.told if what == "monitored"]
        assert told == [f"c1 {SUPERVISOR} {m}" for m in ("listen", "whisper", "listen", "off")]

    run(test)


@pytest.mark.parametrize("first", ["listen", "barge"])
def test_whoever_comes_in_is_a_party_and_keeps_the_caller(first: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await monitored(bench, first)
        if first == "listen":
            await bench.wishes.monitor(contact, SUPERVISOR, "barge")
        assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", "leg-o1", LEG}
        assert not bench.asterisk.channels[LEG].muted
        assert not snoops(bench)
        (view,) = [v for v in bench.calls.parties(contact) if v.party_id == LEG]
        assert (view.kind, view.state) == (PartyKind.SUPERVISOR, PartyState.TALKING)
        bench.asterisk.hang_up("leg-o1", NORMAL)
        await passed(1)
        assert bench.ledger.told[-1] == ("handed_over", f"c1 agent-101 {SUPERVISOR}")
        assert not told_wrong(bench)
        bench.asterisk.hang_up(LEG, NORMAL)
        await passed(1)
        assert not bench.asterisk.channels

    run(test)


@pytest.mark.parametrize("before", ["nothing", "listen", "barge"])
def test_take_over_lets_the_call_taker_go(before: str) -> None:
    async def test(bench: Bench) -> None:
        if before == "nothing":
            contact = await bench.talking()
        else:
            contact = await monitored(bench, before)
        await bench.wishes.take_over(contact, SUPERVISOR)
        await passed(0.1)
        bench.asterisk.answer(LEG)
        await passed(0.5)
        assert ("handed_over", f"c1 agent-101 {SUPERVISOR}") in bench.ledger.told
        assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", LEG}
        assert [leg.id for leg in bench.asterisk.legs()] == [LEG]
        assert not told_wrong(bench)
        await bench.wishes.hold(contact, SUPERVISOR)
        assert phase_of(bench, contact) is P.HELD

    run(test)


def test_a_supervisor_takes_a_caller_back_from_outside() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        await bench.wishes.transfer(contact, AGENT, SERVICE)
        await passed(0.1)
        service = other_leg(bench)
        await answered(bench, service)
        await bench.wishes.take_over(contact, SUPERVISOR)
        await passed(0.1)
        bench.asterisk.answer(LEG)
        await passed(0.5)
        assert phase_of(bench, contact) is P.TALKING
        assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", service, LEG}
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("end", ["caller", "taker", "supervisor"])
def test_every_end_leaves_no_supervisor_behind(end: str) -> None:
    async def test(bench: Bench) -> None:
        await monitored(bench)
        bench.asterisk.hang_up({"caller": "caller-c1", "taker": "leg-o1"}.get(end, LEG), NORMAL)
        await passed(1)
        assert not snoops(bench)
        assert LEG not in bench.asterisk.channels
        assert ("caller-c1" in bench.asterisk.channels) is (end == "supervisor")
        assert ("monitored", f"c1 {SUPERVISOR} off") in bench.ledger.told

    run(test)


def test_a_listener_follows_the_caller_to_the_next_call_taker() -> None:
    async def test(bench: Bench) -> None:
        contact = await monitored(bench, "barge")
        listener = "monitor-i1-2"
        await bench.wishes.monitor(contact, AGENT_103, "listen")
        await passed(0.1)
        bench.asterisk.answer(listener)
        await passed(0.2)
        assert snoops(bench) == ["leg-o1"]
        await bench.wishes.take_over(contact, SUPERVISOR)
        await passed(0.5)
        assert snoops(bench) == [LEG]

    run(test)


@pytest.mark.parametrize("step", ["mute", "snoop", "bridge", "join"])
@pytest.mark.parametrize("fate", [LOST_BEFORE, LOST_AFTER, BROKEN])
def test_a_monitor_that_fails_is_over_and_the_conversation_is_not(step: str, fate: Outcome) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        async with kept(bench):
            await bench.wishes.monitor(contact, SUPERVISOR, "listen")
            await passed(0.1)
            bench.asterisk.plan(step, fate)
            bench.asterisk.answer(LEG)
            await passed(20)
            assert LEG not in bench.asterisk.channels
            assert not snoops(bench)
            assert list(bench.asterisk.bridges) == ["bridge-c1"]
            assert bench.ledger.told[-1] == ("monitored", f"c1 {SUPERVISOR} off")
            assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize(
    "step", ["variable:LEGS", "unmute", "join", "variable:GROUP(conversation)"]
)
def test_a_barge_that_fails_harms_nobody(step: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await monitored(bench)
        async with kept(bench):
            bench.asterisk.plan(step, LOST_BEFORE)
            with pytest.raises(TelephonyError):
                await bench.wishes.monitor(contact, SUPERVISOR, "barge")
            await passed(20)
            assert [leg.id for leg in bench.asterisk.legs()] == ["leg-o1"]
            assert not told_wrong(bench)

    run(test)


def test_after_a_restart_a_listener_is_swept_and_one_who_came_in_is_not() -> None:
    async def test(bench: Bench) -> None:
        contact = await monitored(bench)
        bench.restart()
        await bench.keeper.connected()
        await passed(0.5)
        assert not snoops(bench)
        assert list(bench.asterisk.bridges) == ["bridge-c1"]
        assert not told_wrong(bench)
        await bench.wishes.monitor(contact, SUPERVISOR, "barge")
        await passed(0.1)
        bench.asterisk.answer("monitor-i2-1")
        await passed(0.2)
        bench.restart()
        await bench.keeper.connected()
        await passed(0.5)
        assert bench.ledger.told[0] == ("adopted", f"c1 agent-101 {SUPERVISOR}")
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("mode", ["", "shout"])
def test_unknown_modes_and_waiting_callers_are_refused(mode: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        with pytest.raises(CallRefused, match="bad_mode"):
            await bench.wishes.monitor(contact, SUPERVISOR, mode)
        with pytest.raises(CallRefused, match="not_talking"):
            await bench.wishes.monitor(contact, SUPERVISOR, "listen")

    run(test)
