"""Several phones that ring for one caller, and a colleague's phone beside a conversation."""

import pytest

from ccserver.acd.commands import OfferKind
from ccserver.telephony.call import CallPhase
from ccserver.telephony.wishes import CallRefused
from ccserver.types import AgentId, ContactId, OfferId
from tests.telephony.centre import Bench, passed
from tests.telephony.fakes import BROKEN, LOST_BEFORE, NO_ANSWER
from tests.telephony.talks import COLLEAGUE, SECOND, distribute, told_wrong
from tests.telephony.test_calls import AGENT, phase_of, run

P = CallPhase
THIRD = AgentId("agent-103")
RING_ALL = {OfferId("o1"): AGENT, OfferId("o2"): SECOND, OfferId("o3"): THIRD}


async def ring_all(bench: Bench) -> ContactId:
    contact = await bench.waiting()
    for offer_id, agent_id in RING_ALL.items():
        bench.calls.offer(offer_id, contact, agent_id, 15.0)
    await passed(0.1)
    return contact


def test_the_first_answer_wins_and_the_other_phones_stop() -> None:
    async def test(bench: Bench) -> None:
        contact = await ring_all(bench)
        assert {leg.id for leg in bench.asterisk.legs()} == {"leg-o1", "leg-o2", "leg-o3"}
        assert bench.calls.parties(contact) == ()
        bench.asterisk.answer("leg-o2")
        await passed(0.01)
        bench.calls.connect(OfferId("o2"), contact)
        for offer_id in ("o1", "o3"):
            bench.calls.rescind(OfferId(offer_id), contact)
        await passed(0.1)
        assert [leg.id for leg in bench.asterisk.legs()] == ["leg-o2"]
        assert bench.ledger.kinds() == ["waits", "answered", "connected"]
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("rescinded", [True, False])
def test_the_second_answer_is_dropped_also_if_it_comes_in_the_same_instant(
    rescinded: bool,
) -> None:
    async def test(bench: Bench) -> None:
        contact = await ring_all(bench)
        for leg in ("leg-o3", "leg-o1"):
            bench.asterisk.answer(leg)
        await passed(0.001)
        bench.calls.connect(OfferId("o3"), contact)
        if rescinded:
            bench.calls.rescind(OfferId("o1"), contact)
        bench.calls.connect(OfferId("o1"), contact)  # nobody asks for it, and it does no harm
        await passed(0.5)
        assert [leg.id for leg in bench.asterisk.legs()] == ["leg-o3"]
        assert bench.asterisk.bridges["bridge-c1"] == ["caller-c1", "leg-o3"]
        assert bench.ledger.told[-1] == ("connected", "c1 agent-103")
        assert not told_wrong(bench)

    run(test)


def test_each_failure_is_told_of_its_own_offer_and_the_others_ring_on() -> None:
    async def test(bench: Bench) -> None:
        contact = await ring_all(bench)
        bench.asterisk.hang_up("leg-o1", 17)
        bench.wishes.reject(contact, SECOND)
        await passed(0.1)
        assert [told for told in bench.ledger.told if told[0] == "failed"] == [
            ("failed", "o2"),
            ("failed", "o1"),
        ]
        assert [leg.id for leg in bench.asterisk.legs()] == ["leg-o3"]

    run(test)


def test_a_winner_who_cannot_be_joined_gives_the_caller_back_to_the_line() -> None:
    async def test(bench: Bench) -> None:
        contact = await ring_all(bench)
        bench.asterisk.plan("join", BROKEN)
        bench.asterisk.answer("leg-o1")
        await passed(0.1)
        bench.calls.connect(OfferId("o1"), contact)
        await passed(1)
        assert bench.ledger.kinds()[-1] == "connect_failed"
        assert not bench.asterisk.legs()
        assert not told_wrong(bench)

    run(test)


def test_all_phones_stop_when_the_caller_hangs_up_or_the_process_is_new() -> None:
    async def test(bench: Bench) -> None:
        contact = await ring_all(bench)
        bench.restart()
        await bench.keeper.connected()
        await passed(0.5)
        assert not bench.asterisk.legs()
        assert bench.ledger.told == [("waits", "c1")]
        assert phase_of(bench, contact) is P.CLAIMED

    run(test)


def test_an_offer_to_assist_needs_a_conversation_and_nobody_else_on_the_way() -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.waiting()
        bench.calls.offer(OfferId("a1"), contact, SECOND, 15.0, OfferKind.ASSIST)
        await passed(0.1)
        assert bench.ledger.told[-1] == ("failed", "a1")
        assert not bench.asterisk.legs()

    run(test)


@pytest.mark.parametrize("end", ["rescind", "reject", "busy", "originate"])
@pytest.mark.parametrize("wish", ["consult", "invite"])
def test_a_colleague_who_does_not_come_changes_nothing_for_the_caller(wish: str, end: str) -> None:
    async def test(bench: Bench) -> None:
        contact = await bench.talking()
        distribute(bench)
        if end == "originate":
            bench.asterisk.plan("originate", LOST_BEFORE)
        from_ = getattr(bench.wishes, wish)
        await from_(contact, AGENT, COLLEAGUE)
        await passed(0.1)
        if end == "rescind":
            bench.calls.rescind(OfferId("a1"), contact)
        elif end == "reject":
            bench.wishes.reject(contact, SECOND)
        elif end == "busy":
            bench.asterisk.hang_up("leg-a1", NO_ANSWER)
        await passed(3)
        assert phase_of(bench, contact) is (P.HELD if wish == "consult" else P.TALKING)
        assert bench.ledger.count("failed") == (0 if end == "rescind" else 1)
        assert not told_wrong(bench)
        with pytest.raises(CallRefused):
            await bench.wishes.merge(contact, AGENT)

    run(test)
