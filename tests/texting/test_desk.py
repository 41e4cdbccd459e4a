"""Texts in the live centre: who gets them, on which card, and that none is lost or had twice.

Over both databases, with the real distributor, cards and conversations; time is the test's.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ccserver.acd.events import PresenceKind
from ccserver.card import TimelineTag
from ccserver.db import Database
from ccserver.messaging import Conversation, ConversationState, FoundFields, Message, writing
from ccserver.texting.threads import Thread
from ccserver.texts import Channel, Delivery, DeliveryState
from ccserver.types import ContactId
from ccserver.web.ports import ControlRefused
from tests.texting.centre import ANNA, AUTHOR, BORIS, CITIZEN, OFF, READY, TextCentre

TAG = TimelineTag


async def test_a_text_waits_is_offered_accepted_answered_and_closed(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    contact = centre.text()
    assert contact.contact_id == landed.conversation.contact_id
    assert contact.medium == "sms"
    (offer,) = centre.of_type("offer")
    assert offer["offer"]["contact_id"] == contact.contact_id  # type: ignore[index]
    await centre.accepted()
    assert (centre.state(), centre.agent()) == ("talking", ANNA)
    reply = await centre.replied(landed)
    (sent,) = centre.way.texts
    assert (sent.text, sent.citizen, sent.via) == ("Kur Jūs esat?", CITIZEN, "lmt-1")
    assert (sent.message_id, centre.way.woken) == (reply.message_id, 1)
    closed = await centre.closed(landed)
    assert (closed.state, closed.disposition) == (ConversationState.CLOSED, "helped")
    assert centre.texts() == []
    tags = await centre.tags(contact.contact_id)
    assert sorted(tags) == sorted(
        (
            *(TAG.CONTACT_ARRIVED, TAG.TEXT_RECEIVED, TAG.QUEUED, TAG.OFFERED, TAG.OFFER_ACCEPTED),
            *(TAG.CONNECTED, TAG.TEXT_SENT, TAG.CONVERSATION_CLOSED, TAG.ENDED),
        )
    )


async def test_a_key_stands_for_one_reply(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    await centre.accepted()
    first = await centre.replied(landed, "Kur Jūs esat?")
    assert (await centre.replied(landed, "Kur Jūs esat?")).message_id == first.message_id
    with pytest.raises(ControlRefused) as refusal:
        await centre.replied(landed, "Ejiet ārā!")
    assert refusal.value.code == "key_reused"
    assert [one.text for one in centre.way.texts] == ["Kur Jūs esat?"]


async def test_what_the_panels_see_of_a_text(centre: TextCentre) -> None:
    await centre.start()
    landed = await centre.texted()
    shown = centre.of_type("contact")[-1]["contact"]
    assert isinstance(shown, dict)
    assert shown["medium"] == "sms"
    assert shown["caller_number"] == CITIZEN
    assert shown["conversation"] == {
        "conversation_id": landed.conversation.conversation_id,
        "channel": "sms",
        "unanswered_since": "2026-03-01T12:16:40.000Z",
        "last_text_at": "2026-03-01T12:16:40.000Z",
        "messages": 1,
    }
    told = centre.of_type("conversation")[-1]
    assert told["conversation_id"] == landed.conversation.conversation_id
    assert told["contact_id"] == landed.conversation.contact_id


async def test_more_texts_of_one_citizen_open_nothing(centre: TextCentre) -> None:
    await centre.start(ANNA, BORIS)
    first = await centre.texted()
    await centre.texted("sms:2", text="Ātrāk!")
    contact = await centre.accepted()
    await centre.texted("sms:3", text="Lūdzu!")
    assert centre.text() is contact
    assert contact.texts is not None
    assert contact.texts.messages == 3
    assert contact.texts.unanswered_since == first.message.at
    tags = await centre.tags(contact.contact_id)
    assert tags.count(TAG.TEXT_RECEIVED) == 3
    assert tags.count(TAG.OFFERED) == 1


async def test_a_later_part_changes_nothing_but_the_text(centre: TextCentre) -> None:
    await centre.start(ANNA)
    await centre.texted(text="Deg […]", parts_total=2, complete=False)
    before = len(centre.of_type("conversation"))
    await centre.texted(text="Deg māja", parts_have=2, parts_total=2)
    tags = await centre.tags(centre.text().contact_id)
    assert tags.count(TAG.TEXT_RECEIVED) == 1
    assert len(centre.of_type("conversation")) == before + 1


async def test_a_rejected_text_goes_to_the_next_call_taker(centre: TextCentre) -> None:
    await centre.start(ANNA, BORIS)
    await centre.texted()
    contact = centre.text()
    first = centre.agent()
    assert first is not None
    centre.control.reject(contact.contact_id, first)
    assert centre.agent() == ({ANNA, BORIS} - {first}).pop()
    with pytest.raises(ControlRefused, match="not_your_contact"):
        centre.control.accept(contact.contact_id, first)
    (gone,) = centre.of_type("offer_gone")
    assert gone["reason"] == "rejected"


async def test_the_language_of_the_text_is_a_skill(centre: TextCentre) -> None:
    await centre.start()
    await centre.texted(text="ok")
    assert centre.text().language is None
    centre.language = "ru"
    landed = await centre.texted("sms:2", text="Помогите, пожар")
    contact = centre.text()
    assert contact.language == "ru"
    assert contact.view is not None
    assert [one.skill for one in contact.view.skills] == ["language:ru"]
    assert (await centre.conversation(landed)).language == "ru"


# -- passing on, going on ----------------------------------------------------------------------


async def test_a_conversation_is_passed_on_to_another_call_taker(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    contact = await centre.accepted()
    centre.present(BORIS, READY)
    centre.control.transfer(contact.contact_id, ANNA, to_agent=BORIS)
    await centre.caught_up()
    assert (centre.state(), centre.agent()) == ("offered", BORIS)
    assert (await centre.conversation(landed)).state is ConversationState.WAITING
    await centre.accepted(BORIS)
    assert (await centre.conversation(landed)).agent_id == BORIS
    with pytest.raises(ControlRefused, match="not_your_contact"):
        await centre.replied(landed)


async def test_who_signs_off_leaves_the_texts_to_others(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    contact = await centre.accepted()
    centre.present(ANNA, PresenceKind.NOT_READY)
    assert centre.state(contact) == "talking", "a break is too short to lose the citizen"
    centre.present(ANNA, OFF)
    await centre.caught_up()
    assert centre.state(contact) == "waiting"
    assert (await centre.conversation(landed)).agent_id is None
    assert TAG.RETURNED in await centre.tags(contact.contact_id)
    centre.present(BORIS, READY)
    await centre.accepted(BORIS)
    assert (await centre.conversation(landed)).agent_id == BORIS


async def test_a_text_soon_after_the_end_goes_on_with_the_same_call_taker_and_card(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    before = await centre.accepted()
    await centre.closed(landed)
    centre.present(BORIS, READY)
    centre.clock.seconds += 3_600
    again = await centre.texted("sms:2")
    contact = centre.text()
    assert again.reopened
    assert contact.contact_id != before.contact_id
    assert centre.agent() == ANNA, "who had it is asked first, not who is idle for longest"
    assert await centre.card_of(contact.contact_id) == await centre.card_of(before.contact_id)
    assert TAG.CONVERSATION_REOPENED in await centre.tags(contact.contact_id)


async def test_a_call_taker_goes_on_with_what_was_closed(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    before = await centre.accepted()
    await centre.closed(landed)
    conversation_id = landed.conversation.conversation_id
    with pytest.raises(ControlRefused, match="conversation_closed"):
        await centre.replied(landed)
    await centre.control.reopen(conversation_id, author=AUTHOR, agent_id=ANNA)
    await centre.caught_up()
    contact = centre.text()
    assert (centre.state(), centre.agent()) == ("talking", ANNA)
    assert await centre.card_of(contact.contact_id) == await centre.card_of(before.contact_id)
    await centre.replied(landed)
    await centre.closed(landed)
    centre.clock.seconds += 5 * 3_600
    with pytest.raises(ControlRefused, match="too_old"):
        await centre.control.reopen(conversation_id, author=AUTHOR, agent_id=ANNA)


async def test_a_conversation_that_nobody_closes_is_closed_when_nobody_has_written_for_long(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    contact = await centre.accepted()
    await centre.replied(landed)
    centre.clock.seconds += 4 * 3_600
    await centre.swept()
    assert centre.state() == "talking"
    centre.clock.seconds += 1
    await centre.swept()
    assert centre.texts() == []
    kept = await centre.conversation(landed)
    assert (kept.state, kept.closed_by) == (ConversationState.CLOSED, None)
    seat = centre.live.seat(ANNA)
    assert seat is not None
    assert not seat.contacts, "the seat takes another text"
    card = await centre.cards.card_of_contact(contact.contact_id)
    assert card is not None
    told = {
        one.tag: one for one in card.timeline if one.tag in (TAG.CONVERSATION_CLOSED, TAG.ENDED)
    }
    assert [one.data["by"] for one in told.values()] == ["time", "time"]
    assert told[TAG.CONVERSATION_CLOSED].author is None
    assert centre.of_type("conversation")[-1]["contact_id"] == contact.contact_id


async def test_a_conversation_is_not_closed_while_the_citizen_waits_or_another_is_on_its_card(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    centre.clock.seconds += 5 * 3_600
    await centre.swept()
    assert (await centre.conversation(landed)).state is ConversationState.WAITING
    await centre.accepted()
    await centre.replied(landed)
    call_id = await centre.call()
    centre.clock.seconds += 5 * 3_600
    await centre.swept()
    assert centre.state() == "talking", "the call may need its texts"
    await centre.hang_up(call_id)
    await centre.swept()
    assert (await centre.conversation(landed)).state is ConversationState.CLOSED


async def test_one_that_waits_in_the_database_alone_is_closed_there(
    database: Database, tmp_path: Path
) -> None:
    centre = TextCentre(database, tmp_path, live_max=1)
    await centre.start()
    await centre.texted("sms:0", citizen="+37120000000")
    left_out = await centre.texted()
    await centre.control.write(
        left_out.conversation.conversation_id,
        "Labdien",
        key="k",
        author=AUTHOR,
        agent_id=None,
        supervises=True,
    )
    centre.clock.seconds += 5 * 3_600
    await centre.swept()
    assert (await centre.conversation(left_out)).state is ConversationState.CLOSED
    tags = await centre.tags(left_out.conversation.contact_id)
    assert {TAG.CONTACT_ARRIVED, TAG.CONVERSATION_CLOSED, TAG.ENDED} <= set(tags)


async def test_a_reply_is_for_whoever_has_the_conversation_and_for_a_supervisor(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    conversation_id = landed.conversation.conversation_id
    await centre.accepted()
    for words, code in ((" ", "text_empty"), ("Labdien", "not_your_contact")):
        with pytest.raises(ControlRefused, match=code):
            await centre.control.write(
                conversation_id, words, key="k", author=AUTHOR, agent_id=BORIS
            )
    for _ in range(2):  # the same key: the same text
        await centre.control.write(
            conversation_id, "Labdien", key="k", author=AUTHOR, agent_id=None, supervises=True
        )
    assert len(centre.way.texts) == 1


async def test_a_sender_without_an_address_cannot_be_answered(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted(citizen="VUGD", replyable=False)
    await centre.accepted()
    with pytest.raises(ControlRefused, match="no_way_back"):
        await centre.replied(landed)


# -- what supervisors and cards are told ---------------------------------------------------------


async def test_a_citizen_who_waits_for_an_answer_is_raised_once_for_each_wait(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    centre.clock.seconds += 25  # in line, of which the distributor itself would tell
    await centre.accepted()
    centre.clock.seconds += 29
    centre.line.look()
    assert not centre.alarms()
    centre.clock.seconds += 1
    centre.line.look()
    centre.line.look()
    assert list(centre.alarms()) == [("text_unanswered", True)]
    assert [alarm["code"] for alarm in centre.live.alarms()] == ["text_unanswered"]
    await centre.replied(landed)
    assert list(centre.alarms()) == [("text_unanswered", True), ("text_unanswered", False)]
    assert centre.live.alarms() == []
    centre.clock.seconds += 100
    centre.line.look()
    assert len(centre.alarms()) == 2, "nobody waits for an answer"
    await centre.texted("sms:2")
    centre.clock.seconds += 30
    centre.line.look()
    assert len(centre.alarms()) == 3


async def test_an_automatic_acknowledgement_leaves_once_and_answers_nobody(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    centre.acknowledgement = "Jūsu ziņa ir saņemta."
    landed = await centre.texted()
    await centre.texted("sms:2")
    (sent,) = centre.way.texts
    assert sent.text == centre.acknowledgement
    kept = await centre.conversation(landed)
    assert kept.unanswered_since == landed.message.at
    assert kept.acknowledged_at is not None


async def test_a_text_that_does_not_arrive_is_told_on_the_card(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    contact = await centre.accepted()
    reply = await centre.replied(landed)
    failed = Delivery(reply.message_id, DeliveryState.FAILED, centre.clock.now(), "absent")
    await centre.database.write(lambda session: writing.set_delivery(session, failed))
    await centre.caught_up()
    assert TAG.TEXT_FAILED in await centre.tags(contact.contact_id)


async def test_the_place_in_an_app_made_text_is_on_the_card(centre: TextCentre) -> None:
    await centre.start()
    found = FoundFields("112lv", (), latitude=56.95, longitude=24.1, radius_m=20.0)
    text = centre.incoming(channel=Channel.APP)
    landed = await centre.database.write(
        lambda session: writing.add_incoming(session, text, structured=found)
    )
    await centre.caught_up()
    card = await centre.cards.card_of_contact(landed.conversation.contact_id)
    assert card is not None
    (location,) = card.locations
    assert location.location.shape.as_json()["radius_m"] == 20.0


# -- floods, faults and ends -----------------------------------------------------------------------


async def test_beyond_the_bound_conversations_wait_in_the_database(
    database: Database, tmp_path: Path
) -> None:
    centre = TextCentre(database, tmp_path, live_max=2)
    await centre.start(ANNA)
    landed = []
    for number in range(4):
        centre.clock.seconds += 1
        landed.append(await centre.texted(f"sms:{number}", citizen=f"+3712000000{number}"))
    assert len(centre.texts()) == 2
    assert await centre.desk.store.unhandled() == []
    await centre.accepted()
    await centre.closed(landed[0])
    assert [one.caller_number for one in centre.texts()] == ["+37120000001", "+37120000002"]
    tags = await centre.tags(landed[2].conversation.contact_id)
    assert TAG.TEXT_RECEIVED in tags


async def test_a_conversation_that_is_closed_while_it_waits_for_room_has_a_card(
    database: Database, tmp_path: Path
) -> None:
    centre = TextCentre(database, tmp_path, live_max=1)
    await centre.start()
    await centre.texted("sms:1", citizen="+37120000001")
    landed = await centre.texted("sms:2", citizen="+37120000002")
    await centre.control.close(
        landed.conversation.conversation_id, "spam", author=AUTHOR, agent_id=None, supervises=True
    )
    await centre.caught_up()
    tags = await centre.tags(landed.conversation.contact_id)
    assert {TAG.CONTACT_ARRIVED, TAG.CONVERSATION_CLOSED, TAG.ENDED} <= set(tags)


async def test_one_conversation_that_cannot_be_digested_stops_no_other(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.start()
    arrivals = centre.desk._arrivals
    real = arrivals.begin

    async def begin(conversation: Conversation, messages: Sequence[Message]) -> Thread | None:
        if conversation.citizen == "+37120000001":
            raise RuntimeError("a defect of ours")
        return await real(conversation, messages)

    monkeypatch.setattr(arrivals, "begin", begin)
    await centre.land("sms:1", citizen="+37120000001")
    await centre.texted("sms:2", citizen="+37120000002")
    assert [one.caller_number for one in centre.texts()] == ["+37120000002"]
    monkeypatch.undo()
    await centre.caught_up()
    assert len(centre.texts()) == 2, "it is taken up as soon as that can be done"


async def test_what_was_lost_of_a_contact_of_texts_calls_nobody_back(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    await centre.control.close(
        landed.conversation.conversation_id, None, author=AUTHOR, agent_id=None, supervises=True
    )
    await centre.caught_up()
    assert centre.texts() == []
    card = await centre.cards.card_of_contact(ContactId(landed.conversation.contact_id))
    assert card is not None
    assert [one.outcome for one in card.contacts] == ["ended"]
    assert await centre.cards.abandoned_since(landed.message.at) == []
