"""Hold, consult, conference and transfer over the fake Asterisk: what each wish does, and for whom.

`test_conversation_under_faults` breaks them.
"""

import pytest

from ccserver.acd.commands import OfferKind
from ccserver.telephony.call import CallPhase, Segment
from ccserver.telephony.party import (
    AgentTarget,
    NumberTarget,
    PartyState,
    QueueTarget,
    Target,
)
from ccserver.telephony.transfer import OWNED_PHASES
from ccserver.telephony.wishes import CallRefused
from ccserver.types import AgentId, ContactId, OfferId
from tests.telephony.centre import Bench, passed
from tests.telephony.fakes import NO_ANSWER, NORMAL
from tests.telephony.talks import (
    COLLEAGUE,
    INTERPRETER,
    SECOND,
    SERVICE,
    answered,
    caller_of,
    conference,
    everything_ends,
    into,
    kept,
    other_leg,
    told_wrong,
)
from tests.telephony.test_calls import AGENT, phase_of, run

P = CallPhase
TARGETS = [SERVICE, COLLEAGUE]
WITH_TARGET = ("consult", "invite", "transfer")


async def ask(bench: Bench, wish: str, target: Target = SERVICE) -> None:
    contact = ContactId("c1")
    arguments = (contact, AGENT, target) if wish in WITH_TARGET else (contact, AGENT)
    await getattr(bench.wishes, wish)(*arguments)


# -- what each wish does --------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_consult_holds_the_caller_and_lets_the_two_talk(target: NumberTarget | AgentTarget) -> None:
    async def test(bench: Bench) -> None:
        await into(bench, P.CONSULTING, target)
        other = other_leg(bench)
        assert caller_of(bench).music == "hold"
        assert bench.asterisk.bridges["bridge-c1"] == ["leg-o1", other]
        states = {party.party_id: party.state for party in bench.calls.parties(ContactId("c1"))}
        assert states == {"leg-o1": PartyState.TALKING, other: PartyState.TALKING}
        assert bench.ledger.segments[-2:] == [Segment.HOLD, Segment.CONSULT]
        await everything_ends(bench)

    run(test)


@pytest.mark.parametrize("target", TARGETS)
def test_swap_changes_who_talks_and_who_hears_music(target: NumberTarget | AgentTarget) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, P.SWAPPED, target)
        other = bench.asterisk.channels[other_leg(bench)]
        assert (caller_of(bench).bridge, other.bridge) == ("bridge-c1", None)
        assert (caller_of(bench).music, other.music) == (None, "hold")
        await bench.wishes.swap(contact, AGENT)
        assert (caller_of(bench).bridge, other.bridge) == (None, "bridge-c1")
        assert (caller_of(bench).music, other.music) == ("hold", None)
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("phase", [P.CONSULTING, P.SWAPPED, P.BOTH_HELD])
@pytest.mark.parametrize("target", [*TARGETS, INTERPRETER])
def test_merge_makes_a_conference(phase: CallPhase, target: NumberTarget | AgentTarget) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, phase, target)
        other = other_leg(bench)
        await bench.wishes.merge(contact, AGENT)
        assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", "leg-o1", other}
        assert phase_of(bench, contact) is P.TALKING
        assert bench.ledger.segments[-1] is Segment.CONFERENCE
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("phase", [P.CONSULTING, P.SWAPPED, P.BOTH_HELD])
def test_complete_leaves_the_caller_with_the_service_and_frees_the_call_taker(
    phase: CallPhase,
) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, phase)
        other = other_leg(bench)
        await bench.wishes.complete(contact, AGENT)
        await passed(0.1)
        assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", other}
        assert phase_of(bench, contact) is P.HANDED_OVER
        assert "leg-o1" not in bench.asterisk.channels
        assert bench.ledger.told[-1] == ("handed_over", "c1 agent-101 None")
        with pytest.raises(CallRefused, match="not_your_contact"):
            await bench.wishes.complete(contact, AGENT)
        bench.asterisk.hang_up(other, NORMAL)
        await passed(1)
        assert bench.ledger.kinds()[-2:] in (["ended", "recorded"], ["gone", "recorded"])
        assert not bench.asterisk.channels

    run(test)


def test_complete_to_a_call_taker_makes_that_one_responsible() -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, P.CONSULTING, COLLEAGUE)
        await bench.wishes.complete(contact, AGENT)
        await passed(0.1)
        assert bench.ledger.told[-1] == ("handed_over", "c1 agent-101 agent-102")
        assert phase_of(bench, contact) is P.TALKING
        await bench.wishes.hold(contact, SECOND)
        await bench.wishes.resume(contact, SECOND)
        assert not told_wrong(bench)

    run(test)


def test_nobody_is_left_with_an_interpreter_alone() -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, P.CONSULTING, INTERPRETER)
        with pytest.raises(CallRefused, match="nobody_would_keep"):
            await bench.wishes.complete(contact, AGENT)
        assert phase_of(bench, contact) is P.CONSULTING
        await bench.wishes.merge(contact, AGENT)
        with pytest.raises(CallRefused, match="nobody_would_keep"):
            await bench.wishes.complete(contact, AGENT)
        bench.asterisk.hang_up("leg-o1", NORMAL)
        await passed(1)
        assert not bench.asterisk.channels

    run(test)


@pytest.mark.parametrize("phase", [P.INVITING, P.DIALLING, P.CONSULTING, P.SWAPPED, P.BOTH_HELD])
@pytest.mark.parametrize("target", TARGETS)
def test_cancel_goes_back_to_the_caller(
    phase: CallPhase, target: NumberTarget | AgentTarget
) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, phase, target)
        other = other_leg(bench)
        await bench.wishes.cancel(contact, AGENT)
        await passed(0.1)
        assert phase_of(bench, contact) is P.TALKING
        assert other not in bench.asterisk.channels
        assert not told_wrong(bench)
        if target is COLLEAGUE:
            assert ("participant_left", "c1 agent-102") in bench.ledger.told

    run(test)


@pytest.mark.parametrize("phase", sorted(OWNED_PHASES))
@pytest.mark.parametrize("target", [QueueTarget("medical"), AgentTarget(SECOND)])
def test_a_blind_transfer_inside_lets_the_caller_wait_and_the_call_taker_go(
    phase: CallPhase, target: Target
) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, phase)
        await bench.wishes.transfer(contact, AGENT, target)
        await passed(0.1)
        to = "medical" if isinstance(target, QueueTarget) else "agent-102"
        assert bench.ledger.told[-1] == ("transferred", f"c1 agent-101 {to}")
        assert phase_of(bench, contact) is P.CLAIMED
        assert caller_of(bench).music == "emergency"
        assert not bench.asterisk.legs()
        bench.calls.offer(OfferId("o9"), contact, SECOND, 15.0)
        await passed(0.1)
        bench.asterisk.answer("leg-o9")
        await passed(0.1)
        bench.calls.connect(OfferId("o9"), contact)
        await passed(0.1)
        assert not told_wrong(bench)
        bench.asterisk.hang_up("leg-o9", NORMAL)
        await passed(1)
        assert not bench.asterisk.channels

    run(test)


def test_a_blind_transfer_outside_frees_the_call_taker_at_once_and_joins_at_the_answer() -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, P.HANDING)
        assert bench.ledger.told[-1] == ("handed_over", "c1 agent-101 None")
        assert "leg-o1" not in bench.asterisk.channels
        assert caller_of(bench).music == "hold"
        other = other_leg(bench)
        await answered(bench, other)
        assert phase_of(bench, contact) is P.HANDED_OVER
        assert not told_wrong(bench)
        assert bench.ledger.segments[-2:] == [Segment.TRANSFER, Segment.HANDED_OVER]
        bench.asterisk.hang_up(other, NO_ANSWER)
        await passed(1)
        assert bench.ledger.kinds()[-1] == "waits"
        assert caller_of(bench).in_app

    run(test)


@pytest.mark.parametrize("cause", [17, NORMAL, NO_ANSWER])
def test_a_blind_transfer_that_is_not_answered_brings_the_caller_back_into_line(
    cause: int,
) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, P.HANDING)
        bench.asterisk.hang_up(other_leg(bench), cause)
        await passed(0.1)
        assert bench.ledger.told[-1] == ("connect_failed", "c1")
        assert phase_of(bench, contact) is P.CLAIMED
        assert caller_of(bench).music == "emergency"
        assert not told_wrong(bench)

    run(test)


def test_a_party_of_a_conference_is_dropped_alone() -> None:
    async def test(bench: Bench) -> None:
        contact, third = await conference(bench)
        with pytest.raises(CallRefused, match="no_such_party"):
            await bench.wishes.drop(contact, AGENT, "leg-o1")
        await bench.wishes.drop(contact, AGENT, third)
        await passed(0.1)
        assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", "leg-o1"}
        assert not told_wrong(bench)

    run(test)


def test_four_in_a_conference_and_each_may_leave() -> None:
    async def test(bench: Bench) -> None:
        contact, service = await conference(bench)
        await bench.wishes.consult(contact, AGENT, INTERPRETER)
        await passed(0.1)
        interpreter = other_leg(bench)
        await answered(bench, interpreter)
        await bench.wishes.merge(contact, AGENT)
        assert len(bench.asterisk.bridges["bridge-c1"]) == 4
        assert not told_wrong(bench)
        await bench.wishes.complete(contact, AGENT)
        await passed(0.1)
        assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", service, interpreter}
        assert phase_of(bench, contact) is P.HANDED_OVER
        bench.asterisk.hang_up(service, NORMAL)
        await passed(1)
        assert not bench.asterisk.channels

    run(test)


def test_a_participant_leaves_and_the_conversation_goes_on() -> None:
    async def test(bench: Bench) -> None:
        contact, _ = await conference(bench, COLLEAGUE)
        await bench.wishes.hang_up(contact, SECOND)
        await passed(0.1)
        assert bench.ledger.told[-1] == ("participant_left", "c1 agent-102")
        assert phase_of(bench, contact) is P.TALKING
        assert not told_wrong(bench)

    run(test)


def test_mute_is_shown_and_survives_a_restart() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        await bench.wishes.mute(contact, AGENT)
        assert bench.asterisk.channels["leg-o1"].muted
        bench.restart()
        await bench.keeper.connected()
        assert bench.calls.muted(contact, AGENT)
        await bench.wishes.unmute(contact, AGENT)
        assert not bench.asterisk.channels["leg-o1"].muted
        assert bench.ledger.kinds()[-1] == "unmuted"

    run(test)


@pytest.mark.parametrize("wish", ["cancel", "resume"])
def test_the_call_taker_hears_a_consulted_phone_ring_until_something_else_happens(
    wish: str,
) -> None:
    async def test(bench: Bench) -> None:
        await into(bench, P.DIALLING)
        assert bench.asterisk.commands.count("ring_back") == 1
        await ask(bench, wish)
        await passed(0.1)
        assert bench.asterisk.commands.count("no_ring_back") == 1
        assert bench.asterisk.commands.count("ring_back") == 1
        if wish == "resume":
            await ask(bench, "hold")
            await passed(0.1)
            assert bench.asterisk.commands.count("ring_back") == 2

    run(test)


def test_the_consulted_call_taker_is_the_heir_also_in_a_conference() -> None:
    """A third call taker who was there before stays a participant."""

    async def test(bench: Bench) -> None:
        contact, _ = await conference(bench, COLLEAGUE)
        third = AgentId("agent-103")
        bench.ledger.on_wanted = lambda contact_id, agent_id: bench.calls.offer(
            OfferId("a3"), contact_id, agent_id, 15.0, OfferKind.ASSIST
        )
        await bench.wishes.consult(contact, AGENT, AgentTarget(third))
        await passed(0.1)
        bench.asterisk.answer("leg-a3")
        await passed(0.1)
        bench.calls.connect(OfferId("a3"), contact)
        await passed(0.1)
        await bench.wishes.complete(contact, AGENT)
        await passed(0.1)
        assert bench.ledger.told[-1] == ("handed_over", "c1 agent-101 agent-103")
        assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", "leg-a1", "leg-a3"}
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("dead", [False, True])
def test_whoever_gets_the_caller_and_is_lost_in_that_very_moment_loses_nobody(dead: bool) -> None:
    """The leg that leaves stays in the group to its end, and so finds the caller alone."""

    async def test(bench: Bench) -> None:
        contact, third = await conference(bench)
        gate = bench.asterisk.hold_back("hang_up")
        await bench.wishes.complete(contact, AGENT)
        await passed(0.1)
        if dead:
            bench.asterisk.deliver = lambda event: None
        bench.asterisk.hang_up(third, NO_ANSWER)
        gate.set()
        await passed(8 if dead else 2)
        assert caller_of(bench).bridge is None
        assert caller_of(bench).app == ("Queue" if dead else "StasisBroadcast")

    run(test)


# -- what does not fit ----------------------------------------------------------------------------


def test_calls_out_are_refused_without_a_trunk_or_a_number() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        for number in ("", "abc", "112@evil", "1,2", "${X}", "+", "1" * 21, "113&PJSIP/ct-101"):
            with pytest.raises(CallRefused, match="bad_number"):
                await bench.wishes.consult(contact, AGENT, NumberTarget(number))
        bench.calls.outside._trunk = False
        with pytest.raises(CallRefused, match="no_trunk"):
            await bench.wishes.transfer(contact, AGENT, SERVICE)
        assert phase_of(bench, contact) is P.TALKING
        assert not told_wrong(bench)

    run(test)


def test_a_consultation_with_nobody_available_gives_the_caller_back() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        with pytest.raises(CallRefused, match="agent_not_available"):
            await bench.wishes.consult(contact, AGENT, COLLEAGUE)
        assert phase_of(bench, contact) is P.TALKING
        assert bench.ledger.kinds()[-3:] == ["held", "wanted", "resumed"]
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("wish", ["merge", "swap", "complete", "cancel"])
def test_without_a_consultation_there_is_nothing_to_end(wish: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        code = "nobody_would_keep" if wish == "complete" else "no_consultation"
        with pytest.raises(CallRefused, match=code):
            await ask(bench, wish)
        with pytest.raises(CallRefused, match="not_your_contact"):
            await getattr(bench.wishes, wish)(contact, SECOND)

    run(test)


@pytest.mark.parametrize("target", [*TARGETS, INTERPRETER])
@pytest.mark.parametrize("ends", ["drop", "hang_up", "caller"])
def test_the_end_of_a_consulted_partys_recording_is_told_once_and_of_the_first_leg_never(
    target: NumberTarget | AgentTarget, ends: str
) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, P.CONSULTING, target)
        other = other_leg(bench)
        if ends == "drop":
            await bench.wishes.cancel(contact, AGENT)
        elif ends == "hang_up":
            bench.asterisk.hang_up(other)
        await passed(0.1)
        assert bench.ledger.parties_recorded == ([] if ends == "caller" else [f"c1.{other}"])
        bench.asterisk.hang_up("caller-c1")
        await passed(20)
        assert bench.ledger.parties_recorded == [f"c1.{other}"]
        assert bench.ledger.count("recorded") == 1

    run(test)


def test_a_phone_that_rang_and_was_not_answered_has_no_recording() -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, P.DIALLING)
        await bench.wishes.cancel(contact, AGENT)
        await everything_ends(bench)
        assert not bench.ledger.parties_recorded

    run(test)


@pytest.mark.parametrize("target", TARGETS)
def test_the_end_of_a_recording_is_told_by_the_process_that_took_the_leg_on(
    target: NumberTarget | AgentTarget,
) -> None:
    async def test(bench: Bench) -> None:
        await into(bench, P.CONSULTING, target)
        other = other_leg(bench)
        bench.restart()
        async with kept(bench):
            await passed(1)
            bench.asterisk.hang_up(other)
            await passed(0.1)
            assert bench.ledger.parties_recorded == [f"c1.{other}"]

    run(test)
