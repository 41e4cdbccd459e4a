"""Every piece of telephony's news becomes an event, an entry on the card and a message, once.

The real core, runtime and call control over the fake Asterisk, in virtual time."""

from collections.abc import Callable

import pytest

from ccserver.acd.events import PresenceKind
from ccserver.card import ContactOpened
from ccserver.outbound import Outbound
from ccserver.telephony.call import CallFacts, Segment
from ccserver.texting.line import TextsOfCaller
from ccserver.types import AgentId, ContactId, IncidentId
from tests.newsroom import (
    C1,
    CITIZEN,
    FIRST,
    SECOND,
    TAG,
    UNKNOWN,
    answered,
    entries,
    facts,
    replaced,
    run,
    shown,
    state,
    talking,
)
from tests.telephony.centre import Centre, passed

# -- calls that we place --------------------------------------------------------------------------


async def placed(centre: Centre) -> ContactId:
    """agent-101 calls a citizen, whose phone rings."""
    contact_id = Outbound(centre.runtime, centre.clock).place(FIRST, CITIZEN, None)
    await passed(0.2)
    assert shown(centre, contact_id)["offers"][0]["kind"] == "outbound"
    await answered(centre, FIRST)
    assert shown(centre, contact_id)["state"] == "dialling"
    return contact_id


def test_a_placed_call_is_dialled_answered_and_ended() -> None:
    async def test(centre: Centre) -> None:
        contact_id = await placed(centre)
        centre.asterisk.answer(f"call-{contact_id}")
        await passed(0.3)
        assert shown(centre, contact_id)["state"] == "talking"
        centre.asterisk.hang_up(f"call-{contact_id}")
        await passed(0.3)
        tags = centre.journal.tags(contact_id)
        assert tags == [
            TAG.OFFERED,
            TAG.OFFER_ACCEPTED,
            TAG.OUTBOUND_DIALLED,
            TAG.OUTBOUND_ANSWERED,
            TAG.CONNECTED,
            TAG.ENDED,
        ]
        assert centre.follow_up.told[-2:] == [
            ("accepted", contact_id, FIRST),
            ("finished", contact_id, True, True),
        ]

    run(test)


def test_a_citizen_who_does_not_answer_leaves_the_call_taker_in_wrap_up() -> None:
    async def test(centre: Centre) -> None:
        contact_id = await placed(centre)
        centre.asterisk.hang_up(f"call-{contact_id}", 17)
        await passed(0.3)
        (failed,) = entries(centre, TAG.OUTBOUND_FAILED)
        assert failed.data["reason"] == "busy"
        assert centre.journal.tags(contact_id)[-2:] == [TAG.OUTBOUND_FAILED, TAG.ENDED]
        assert centre.follow_up.told[-1] == ("finished", contact_id, False, True)
        assert centre.live.contacts() == []
        assert state(centre) == "wrap_up"
        told = len(centre.journal.items)
        centre.news.outbound_failed(contact_id, "busy")
        centre.news.outbound_answered(contact_id)
        assert len(centre.journal.items) == told

    run(test)


def test_a_citizen_whose_call_taker_was_lost_at_the_answer_goes_to_the_next() -> None:
    """The citizen is on the line: the next call taker is joined and nobody is dialled again."""

    async def test(centre: Centre) -> None:
        contact_id = await placed(centre)
        gate = centre.asterisk.hold_back("join")
        centre.asterisk.answer(f"call-{contact_id}")
        await passed(0.1)
        (leg,) = [x for x in centre.asterisk.legs() if x.id.startswith("leg-")]
        centre.asterisk.hang_up(leg.id, 38)
        gate.set()
        await passed(0.5)
        assert state(centre, SECOND) == "reserved"
        await answered(centre, SECOND)
        assert shown(centre, contact_id)["state"] == "talking"
        assert shown(centre, contact_id)["agent_id"] == SECOND
        assert centre.asterisk.phones_rung[f"PJSIP/{CITIZEN}@trunk"] == 1

    run(test)


def test_a_citizen_who_answered_while_no_process_was_there_is_not_dialled_again() -> None:
    async def test(centre: Centre) -> None:
        contact_id = await placed(centre)
        centre.kill()
        centre.asterisk.answer(f"call-{contact_id}")
        successor = await replaced(centre)
        rung = [x.variables["AGENT_ID"] for x in centre.asterisk.legs() if x.state == "Ringing"]
        assert len(rung) == 1
        await answered(successor, AgentId(rung[0]))
        assert shown(successor, contact_id)["state"] == "talking"
        assert shown(successor, contact_id)["direction"] == "outbound"
        assert centre.asterisk.phones_rung[f"PJSIP/{CITIZEN}@trunk"] == 1

    run(test)


@pytest.mark.parametrize("cut", [False, True])
def test_a_citizen_who_is_cut_off_in_a_conversation_is_called_back(cut: bool) -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        centre.news.caller_gone(C1, cut=cut)
        assert centre.journal.tags("c1")[-1] is (TAG.CUT_OFF if cut else TAG.ENDED)
        assert (("lost", "c1") in centre.follow_up.told) is cut

    run(test)


# -- redials, repetition, lateness ----------------------------------------------------------------


def test_a_caller_who_is_back_has_the_old_place_and_the_panels_sort_by_it() -> None:
    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.news.caller_waits(facts("first"))
        await passed(10)
        centre.news.caller_gone(ContactId("first"))
        await passed(10)
        again = CallFacts(C1, centre.clock.now(), CITIZEN, False, "112")
        centre.news.caller_waits(again)
        assert shown(centre)["redial"]
        assert TAG.REDIALLED in centre.journal.tags("c1")
        assert shown(centre)["arrived_at"].startswith("2026-01-01T00:00:20")
        assert shown(centre)["sort_at"] == "2025-12-31T23:55:00.000Z", "arrival less five minutes"
        told = ("called", CITIZEN, "c1")
        assert told in centre.follow_up.told

    run(test)


LATE: list[Callable[[Centre, ContactId], None]] = [
    lambda c, x: c.news.transferred(x, FIRST, "office", None),
    lambda c, x: c.news.transferred(x, FIRST, None, SECOND),
    lambda c, x: c.news.handed_over(x, FIRST, SECOND),
    lambda c, x: c.news.handed_over(x, FIRST, None),
    lambda c, x: c.news.handed_over(x, None, SECOND),
    lambda c, x: c.news.participant_wanted(x, FIRST, SECOND),
    lambda c, x: c.news.participant_left(x, SECOND),
    lambda c, x: c.news.party_changed(x),
    lambda c, x: c.news.segment_changed(x, Segment.CONFERENCE),
    lambda c, x: c.news.mute_changed(x, FIRST, muted=True),
    lambda c, x: c.news.hold_changed(x, held=True),
    lambda c, x: c.news.outbound_answered(x),
    lambda c, x: c.news.outbound_failed(x, "busy"),
    lambda c, x: c.callers.language_chosen(x, "ru"),
    lambda c, x: c.callers.cannot_speak(x),
    lambda c, x: c.callers.silence_changed(x, silent=True),
    lambda c, x: c.news.connected(x, FIRST),
    lambda c, x: c.news.connect_failed(x),
    lambda c, x: c.news.caller_gone(x, True),
    lambda c, x: c.news.conversation_ended(x),
]


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("contact_id", [C1, UNKNOWN])
def test_news_of_a_contact_that_is_over_or_unknown_changes_nothing(
    late: Callable[[Centre, ContactId], None], contact_id: ContactId
) -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        await centre.wishes.hang_up(C1, FIRST)
        await passed(5)
        items, messages = len(centre.journal.items), len(centre.messages)
        late(centre, contact_id)
        await passed(1)
        assert len(centre.journal.items) == items
        assert len(centre.messages) == messages
        assert centre.core.contact_views() == []
        assert not centre.asterisk.channels

    run(test)


def test_a_conversation_whose_contact_is_moved_shows_its_new_card() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        centre.chronicle.card_written(C1, IncidentId("i1"), "2026-000001")
        centre.chronicle.moved([C1], IncidentId("i2"), "2026-000002")
        assert (shown(centre)["incident_id"], shown(centre)["card_number"]) == (
            "i2",
            "2026-000002",
        )
        assert shown(centre)["state"] == "talking"

    run(test)


def test_a_citizen_who_wrote_and_calls_is_on_the_card_of_the_texts() -> None:
    async def test(centre: Centre) -> None:
        texts = TextsOfCaller(IncidentId("i1"), SECOND)
        asked: list[str | None] = []

        def texts_of(number: str | None) -> TextsOfCaller:
            asked.append(number)
            return texts

        centre.news.texts_of_caller = texts_of
        centre.news.caller_waits(facts("c1"))
        (opened,) = (one for one in centre.journal.items if isinstance(one, ContactOpened))
        assert opened.incident_id == "i1"
        assert set(asked) == {CITIZEN}

    run(test)
