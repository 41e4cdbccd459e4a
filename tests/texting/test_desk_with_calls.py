"""A citizen who both writes and calls: one place in the line, one card, one call taker.

Over both databases, with the real distributor, cards and conversations; time is the test's.
"""

from typing import Any

import pytest

from ccserver.card import TimelineTag
from ccserver.messaging import Conversation, ConversationState
from tests.texting.centre import ANNA, BORIS, READY, TextCentre

TAG = TimelineTag


async def test_a_text_rides_with_a_waiting_call_and_goes_to_whoever_answers_it(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    call_id = await centre.call()
    landed = await centre.texted(citizen="29123456")  # another way to write the number
    assert centre.texts() == []
    assert (await centre.conversation(landed)).riding == call_id
    assert TAG.TEXT_RODE_ALONG in await centre.tags(call_id)
    assert await centre.answer(call_id) == ANNA
    contact = centre.text()
    assert (centre.state(contact), centre.agent(contact)) == ("talking", ANNA)
    assert await centre.card_of(contact.contact_id) == await centre.card_of(call_id)
    kept = await centre.conversation(landed)
    assert (kept.state, kept.agent_id) == (ConversationState.OPEN, ANNA)
    await centre.hang_up(call_id)
    assert centre.state(contact) == "talking", "the call is over, the texts go on"


async def test_a_text_during_a_conversation_goes_to_whoever_has_the_call(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    call_id = await centre.call()
    await centre.answer(call_id)
    centre.language = "ru"
    landed = await centre.texted()
    assert (centre.state(), centre.agent()) == ("talking", ANNA)
    assert (await centre.conversation(landed)).language == "ru"
    assert await centre.card_of(centre.text().contact_id) == await centre.card_of(call_id)
    assert not [m for m in centre.of_type("offer") if m["offer"]["medium"] == "sms"]  # type: ignore[index]


async def test_a_citizen_who_calls_while_the_text_waits_has_one_place_and_one_card(
    centre: TextCentre,
) -> None:
    await centre.start()
    landed = await centre.texted()
    waited = centre.text()
    call_id = await centre.call(number="29123456")
    await centre.caught_up()
    assert centre.texts() == []
    kept = await centre.conversation(landed)
    assert (kept.state, kept.riding) == (ConversationState.RIDING, call_id)
    card = await centre.cards.card_of_contact(call_id)
    assert card is not None
    outcomes = {one.contact_id: one.outcome.value for one in card.contacts}
    assert outcomes == {waited.contact_id: "ended", call_id: "waiting"}, "nobody gave up"


async def test_a_text_that_is_offered_when_the_citizen_calls_is_offered_no_more(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    await centre.texted()
    text_id = centre.text().contact_id
    call_id = await centre.call()
    await centre.caught_up()
    (gone,) = centre.of_type("offer_gone")
    assert (gone["contact_id"], gone["reason"]) == (text_id, "ended")
    assert await centre.answer(call_id) == ANNA
    contact = centre.text()
    assert (centre.state(), centre.agent()) == ("talking", ANNA)
    assert await centre.card_of(contact.contact_id) == await centre.card_of(text_id)


async def test_a_text_keeps_its_place_when_the_citizen_calls_and_gives_up(
    centre: TextCentre,
) -> None:
    await centre.start()
    landed = await centre.texted()
    centre.clock.seconds += 60
    call_id = await centre.call()
    await centre.caught_up()
    await centre.hang_up(call_id)
    contact = centre.text()
    assert (centre.state(), contact.arrived_at) == ("waiting", landed.message.at)
    assert await centre.card_of(contact.contact_id) == await centre.card_of(call_id)


async def test_a_call_of_a_citizen_whose_text_is_in_hand_is_on_its_card_and_asks_its_seat_first(
    centre: TextCentre,
) -> None:
    await centre.start(BORIS)
    landed = await centre.texted()
    await centre.accepted(BORIS)
    centre.present(ANNA, READY)
    call_id = await centre.call(number="0037129123456")
    await centre.caught_up()
    assert (await centre.conversation(landed)).agent_id == BORIS
    assert centre.agent(centre.text()) == BORIS
    assert await centre.card_of(call_id) == await centre.card_of(centre.text().contact_id)
    assert await centre.answer(call_id) == BORIS


async def test_a_text_that_is_accepted_as_the_citizen_calls_stays_with_who_accepted_it(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    contact = centre.text()
    real = centre.desk.store.set_contact

    async def accepted_meanwhile(*arguments: Any, **named: Any) -> Conversation:
        kept = await real(*arguments, **named)
        centre.control.accept(contact.contact_id, ANNA)
        return kept

    monkeypatch.setattr(centre.desk.store, "set_contact", accepted_meanwhile)
    await centre.call()
    await centre.caught_up()
    assert (centre.text(), centre.agent()) == (contact, ANNA)
    kept = await centre.conversation(landed)
    assert (kept.contact_id, kept.agent_id, kept.riding) == (contact.contact_id, ANNA, None)


async def test_a_call_of_somebody_else_changes_nothing(centre: TextCentre) -> None:
    await centre.start()
    await centre.texted()
    contact = centre.text()
    call_id = await centre.call(number="+37120000000")
    await centre.caught_up()
    assert centre.text() is contact
    assert await centre.card_of(call_id) != await centre.card_of(contact.contact_id)


async def test_a_text_whose_call_is_given_up_stands_in_line_on_the_card_of_the_call(
    centre: TextCentre,
) -> None:
    await centre.start()
    call_id = await centre.call()
    landed = await centre.texted()
    await centre.hang_up(call_id)
    contact = centre.text()
    assert centre.state() == "waiting"
    assert await centre.card_of(contact.contact_id) == await centre.card_of(call_id)
    kept = await centre.conversation(landed)
    assert (kept.state, kept.contact_id) == (ConversationState.WAITING, contact.contact_id)


async def test_a_text_after_a_call_is_on_the_card_of_the_call(centre: TextCentre) -> None:
    await centre.start()
    call_id = await centre.call()
    await centre.hang_up(call_id)
    centre.clock.seconds += 3_600
    await centre.texted()
    assert await centre.card_of(centre.text().contact_id) == await centre.card_of(call_id)


async def test_a_text_long_after_a_call_or_of_another_number_has_a_card_of_its_own(
    centre: TextCentre,
) -> None:
    await centre.start()
    call_id = await centre.call()
    await centre.hang_up(call_id)
    other = await centre.texted("sms:2", citizen="+37120000000")
    centre.clock.seconds += 5 * 3_600
    landed = await centre.texted()
    cards = {
        await centre.card_of(contact_id)
        for contact_id in (call_id, other.conversation.contact_id, landed.conversation.contact_id)
    }
    assert len(cards) == 3


async def test_a_sender_that_is_a_name_is_compared_with_no_number(centre: TextCentre) -> None:
    await centre.start()
    call_id = await centre.call(number="24")
    landed = await centre.texted(citizen="BANK24", replyable=False)
    contact_id = landed.conversation.contact_id
    assert await centre.card_of(contact_id) != await centre.card_of(call_id)
