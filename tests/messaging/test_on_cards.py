"""Texts and cards: found by what was written, and carried along when cards are joined.

Over both databases, with the real store of the cards.
"""

from datetime import timedelta

import pytest

from ccserver.card import CardHead, CardStore, ContactOpened, TimelineEntry, TimelineTag
from ccserver.db import Database
from ccserver.messaging import Landed, MessagingStore
from ccserver.messaging.reading import texts_of
from ccserver.types import Medium
from tests.messaging.conftest import START, Hand, second, text


@pytest.fixture
def cards(database: Database) -> CardStore:
    return CardStore(database, texts_of=texts_of)


async def told(cards: CardStore, landed: Landed) -> CardHead:
    """What the desk writes of a text."""
    contact_id = landed.conversation.contact_id
    if landed.new_conversation:
        opened = ContactOpened(
            contact_id=contact_id,
            medium=Medium.SMS,
            queue="emergency",
            priority=5,
            caller_number=landed.conversation.citizen,
            caller_number_hidden=False,
            called_number="112",
            arrived_at=landed.message.at,
        )
        await cards.open_contact(opened)
    return await cards.record(
        TimelineEntry(
            contact_id,
            TimelineTag.TEXT_RECEIVED,
            landed.message.at,
            key=f"text-{landed.message.message_id}-{landed.message.revision}",
        )
    )


async def found(cards: CardStore, words: str) -> list[str]:
    return [one.number for one in await cards.search(words)]


async def test_a_card_is_found_by_what_the_citizen_wrote_also_later_and_in_a_mended_text(
    hand: Hand, cards: CardStore
) -> None:
    head = await told(cards, await hand.lands(text(text="Deg šķūnis Ozolkalnā")))
    assert await found(cards, "skunis ozolk") == [head.number]
    await told(cards, await hand.lands(text("sms:2", 60, text="Divi cilvēki […]", parts_total=2)))
    assert await found(cards, "cilveki") == [head.number]
    mended = await hand.lands(
        text("sms:2", 60, text="Divi cilvēki bezsamaņā", parts_have=2, parts_total=2)
    )
    await told(cards, mended)
    assert await found(cards, "skunis bezsamana") == [head.number]
    assert await found(cards, "lauksaimnieks") == []


async def test_a_merged_card_has_the_conversations_of_both_and_is_found_by_all_their_words(
    hand: Hand, cards: CardStore, store: MessagingStore
) -> None:
    first = await hand.lands(text(text="Avārija uz šosejas"))
    other = await hand.lands(text("sms:2", 5, citizen="+37120000000", text="Mašīna grāvī"))
    kept, absorbed = await told(cards, first), await told(cards, other)
    assert kept.incident_id != absorbed.incident_id
    await cards.merge(
        absorbed.incident_id, kept.incident_id, author="anna", at=START + timedelta(minutes=1)
    )
    card = await cards.card(kept.incident_id)
    assert card is not None
    conversations = await store.conversations_of([one.contact_id for one in card.contacts])
    assert [one.citizen for one in conversations] == [
        first.conversation.citizen, other.conversation.citizen,
    ]  # fmt: skip
    assert await found(cards, "avarija gravi") == [kept.number]
    assert (await hand.lands(text("sms:3", 90))).conversation.contact_id in {
        one.contact_id for one in card.contacts
    }
    assert conversations[0].opened_at == second(0)
