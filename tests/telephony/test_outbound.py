"""Calls that we make: whatever fails on the way is told once, and whoever answers is guarded."""

from datetime import UTC, datetime

import pytest

from ccserver.acd.commands import OfferKind
from ccserver.telephony.call import CallFacts, CallPhase
from ccserver.telephony.wishes import CallRefused
from ccserver.types import ContactId, OfferId
from tests.telephony.centre import Bench, passed
from tests.telephony.fakes import BROKEN, LOST_AFTER, LOST_BEFORE, NO_ANSWER, NORMAL, Outcome
from tests.telephony.test_calls import AGENT, phase_of, run

P = CallPhase
CONTACT = ContactId("c1")
FACTS = CallFacts(CONTACT, datetime(2026, 1, 1, tzinfo=UTC), "+37126123456", False, "112", True)
CITIZEN, LEG = "call-c1", "leg-o1"


async def rung(bench: Bench) -> None:
    """The call taker's phone rings."""
    bench.calls.open_outbound(FACTS)
    bench.calls.offer(OfferId("o1"), CONTACT, AGENT, 15.0, OfferKind.OUTBOUND)
    await passed(0.1)


async def dialled(bench: Bench) -> None:
    """The citizen's phone rings."""
    await rung(bench)
    bench.asterisk.answer(LEG)
    await passed(0.1)
    bench.calls.connect(OfferId("o1"), CONTACT)
    await passed(0.1)


async def talks(bench: Bench) -> None:
    await dialled(bench)
    bench.asterisk.answer(CITIZEN)
    await passed(0.3)


def test_the_call_taker_comes_first_then_the_citizen_then_both() -> None:
    async def test(bench: Bench) -> None:
        await rung(bench)
        assert CITIZEN not in bench.asterisk.channels
        bench.asterisk.answer(LEG)
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), CONTACT)
        await passed(0.1)
        assert bench.asterisk.phones_rung["PJSIP/+37126123456@trunk"] == 1
        assert "ring_back" in bench.asterisk.commands
        bench.asterisk.answer(CITIZEN)
        await passed(0.3)
        assert phase_of(bench, CONTACT) is P.TALKING
        assert bench.ledger.kinds() == ["answered", "outbound_answered", "connected"]
        assert bench.asterisk.bridges["bridge-c1"] == [CITIZEN, LEG]
        citizen = bench.asterisk.channels[CITIZEN]
        assert bench.asterisk.guard(citizen) is not None
        await bench.wishes.hold(CONTACT, AGENT)
        await bench.wishes.resume(CONTACT, AGENT)
        bench.asterisk.hang_up(LEG, NORMAL)
        await passed(1)
        assert not bench.asterisk.channels
        assert bench.ledger.kinds()[-1] == "recorded"

    run(test)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [(17, "busy"), (19, "no_answer"), (21, "rejected"), (1, "unreachable"), (0, "failed")],
)
def test_a_citizen_who_does_not_answer(cause: int, reason: str) -> None:
    async def test(bench: Bench) -> None:
        await dialled(bench)
        bench.asterisk.hang_up(CITIZEN, cause)
        await passed(1)
        assert bench.ledger.told[-1] == ("outbound_failed", f"c1 {reason}")
        assert bench.ledger.count("outbound_failed") == 1
        assert bench.ledger.count("recorded") == 0
        assert not bench.asterisk.channels
        assert not bench.calls.table.all()

    run(test)


@pytest.mark.parametrize("by", ["phone", "panel"])
@pytest.mark.parametrize("step", ["rung", "dialled"])
def test_a_call_taker_who_gives_up_calls_nobody(by: str, step: str) -> None:
    async def test(bench: Bench) -> None:
        await (rung if step == "rung" else dialled)(bench)
        if by == "phone":
            bench.asterisk.hang_up(LEG, NORMAL)
        elif step == "rung":
            bench.wishes.reject(CONTACT, AGENT)
        else:
            await bench.wishes.hang_up(CONTACT, AGENT)
        await passed(1)
        assert not bench.asterisk.channels
        assert not bench.calls.table.all()
        assert bench.ledger.told.count(("outbound_failed", "c1 cancelled")) == 1
        assert bench.ledger.count("failed") == (1 if step == "rung" else 0)

    run(test)


@pytest.mark.parametrize("fate", [LOST_BEFORE, BROKEN])
def test_a_dial_that_fails_is_told_and_frees_the_call_taker(fate: Outcome) -> None:
    async def test(bench: Bench) -> None:
        await rung(bench)
        bench.asterisk.plan("dial", fate)
        bench.asterisk.answer(LEG)
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), CONTACT)
        await passed(5)
        assert bench.ledger.told[-1] == ("outbound_failed", "c1 failed")
        assert not bench.asterisk.channels

    run(test)


def test_a_citizen_whose_phone_rings_for_a_dial_that_was_given_up_is_not_left_alone() -> None:
    """The answer to the dial was lost, and so it was given up; the sweep stops the ringing."""

    async def test(bench: Bench) -> None:
        await rung(bench)
        bench.asterisk.plan("dial", Outcome(before_s=5.0))
        bench.asterisk.answer(LEG)
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), CONTACT)
        await passed(6)
        assert bench.asterisk.channels[CITIZEN].state == "Ringing"
        await bench.keeper.resync()
        assert not bench.asterisk.channels

    run(test)


def test_a_citizen_who_answers_as_the_call_taker_is_lost_waits_for_another() -> None:
    async def test(bench: Bench) -> None:
        await dialled(bench)
        gate = bench.asterisk.hold_back("join")
        bench.asterisk.answer(CITIZEN)
        await passed(0.1)
        bench.asterisk.hang_up(LEG, NO_ANSWER)
        gate.set()
        await passed(1)
        assert bench.ledger.kinds()[-1] == "connect_failed"
        assert phase_of(bench, CONTACT) is P.CLAIMED
        assert bench.asterisk.channels[CITIZEN].music == "emergency"

    run(test)


@pytest.mark.parametrize("answers", [False, True])
def test_a_process_that_dies_while_it_rings(answers: bool) -> None:
    """An answered citizen is taken on; one who has not answered is called by nobody any more."""

    async def test(bench: Bench) -> None:
        await dialled(bench)
        bench.asterisk.deliver = lambda event: None
        if answers:
            bench.asterisk.answer(CITIZEN)
            await passed(2)
            assert bench.asterisk.channels[CITIZEN].app == "Queue"
        bench.restart()
        await bench.keeper.connected()
        await passed(2)
        if answers:
            assert bench.ledger.kinds() == ["left", "waits"]
            assert not told_wrong_of(bench)
        else:
            assert not bench.asterisk.channels
        assert not bench.asterisk.legs()

    run(test)


def told_wrong_of(bench: Bench) -> bool:
    citizen = bench.asterisk.channels[CITIZEN]
    return citizen.lease_at is None or citizen.music is None


@pytest.mark.parametrize("event", ["StasisStart", "ChannelDestroyed"])
def test_news_of_the_citizen_that_nobody_told_is_found(event: str) -> None:
    async def test(bench: Bench) -> None:
        await dialled(bench)
        bench.asterisk.event_repeats = lambda told: (
            0 if told["type"] == event and told["channel"]["id"] == CITIZEN else 1
        )
        if event == "StasisStart":
            bench.asterisk.answer(CITIZEN)
        else:
            bench.asterisk.hang_up(CITIZEN, 17)
        await passed(0.1)
        bench.asterisk.event_repeats = lambda told: 1
        await bench.keeper.resync()
        await passed(0.5)
        if event == "StasisStart":
            assert phase_of(bench, CONTACT) is P.TALKING
        else:
            assert bench.ledger.told[-1] == ("outbound_failed", "c1 failed")
            assert not bench.asterisk.channels

    run(test)


def test_a_talking_call_of_ours_is_adopted_like_any_other() -> None:
    async def test(bench: Bench) -> None:
        await talks(bench)
        bench.restart()
        await bench.keeper.connected()
        assert bench.ledger.told[0] == ("adopted", "c1 agent-101")
        call = bench.calls.table.get(CONTACT)
        assert call is not None
        assert call.facts.outbound
        bench.asterisk.hang_up(CITIZEN)
        await passed(1)
        assert not bench.asterisk.channels

    run(test)


def test_a_repeated_answer_of_the_citizen_joins_once() -> None:
    async def test(bench: Bench) -> None:
        await dialled(bench)
        bench.asterisk.event_repeats = lambda told: 3
        bench.asterisk.answer(CITIZEN)
        await passed(0.5)
        assert bench.ledger.count("outbound_answered") == 1
        assert bench.asterisk.commands.count("join") == 1

    run(test)


@pytest.mark.parametrize("number", [None, "", "12;34", "1" * 21])
def test_a_number_that_is_none_is_refused(number: str | None) -> None:
    async def test(bench: Bench) -> None:
        facts = CallFacts(CONTACT, FACTS.arrived_at, number, False, "112", True)
        with pytest.raises(CallRefused, match="bad_number"):
            bench.calls.open_outbound(facts)
        assert not bench.calls.table.all()

    run(test)


def test_the_dial_whose_answer_is_lost_goes_on_if_the_citizen_answers() -> None:
    async def test(bench: Bench) -> None:
        await rung(bench)
        bench.asterisk.plan("dial", LOST_AFTER)
        bench.asterisk.answer(LEG)
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), CONTACT)
        await passed(0.5)
        bench.asterisk.answer(CITIZEN)
        await passed(5)
        assert phase_of(bench, CONTACT) is P.TALKING
        assert not told_wrong_of_talk(bench)

    run(test)


def told_wrong_of_talk(bench: Bench) -> bool:
    citizen = bench.asterisk.channels[CITIZEN]
    return citizen.lease_at is not None or bench.asterisk.guard(citizen) is None
