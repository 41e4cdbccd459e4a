"""Incidents of other systems become cards, once; and what people wrote is never overwritten."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from ccserver.card import CardData, CardStore, TimelineTag, as_json
from ccserver.card.models import IncidentTimelineRow
from ccserver.card.values import CardStatus, Outcome
from ccserver.db import Database
from ccserver.exchange.document import Document
from ccserver.exchange.values import Issuer
from ccserver.exchange_desk import ExchangeDesk
from ccserver.location import LocationKind
from ccserver.types import Medium
from ccserver.web.exchange import EIDORefused, Taken
from tests.card.test_editing import merge
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.exchange.cards import NAMES

FOREIGN = (
    Path(__file__).parent / "data" / "eido" / "transfer-from-another-centre.json"
).read_bytes()
ISSUER = Issuer("112.example.lv")
AT = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)


@pytest.fixture
def cards(database: Database) -> CardStore:  # noqa: F811
    return CardStore(database)


@pytest.fixture
def desk(cards: CardStore) -> ExchangeDesk:
    return ExchangeDesk(cards, ISSUER, lambda: NAMES)


async def take(desk: ExchangeDesk, document: bytes = FOREIGN, author: str = "psap") -> Taken:
    return await desk.take(document, author=author, at=AT)


async def card_of(cards: CardStore, taken: Taken) -> CardData:
    card = await cards.card(taken.incident_id)
    assert card is not None
    return card


def changed(**members: object) -> bytes:
    return json.dumps(json.loads(FOREIGN) | members).encode()


def with_priority(priority: int) -> bytes:
    raw = json.loads(FOREIGN)
    raw["incidentComponent"]["incidentCommonPriorityNumber"] = priority
    return json.dumps(raw).encode()


async def test_an_incident_opens_a_card(desk: ExchangeDesk, cards: CardStore) -> None:
    taken = await take(desk)
    assert taken.created
    assert taken.not_taken == []
    card = await card_of(cards, taken)
    assert card.summary.number == taken.number
    values = {name: field.value for name, field in card.fields.items()}
    assert values["type"] == "accident"
    assert values["priority"] == 8
    assert values["address"]["text"] == "Brīvības iela, 1, Rīga"  # type: ignore[index,call-overload]
    assert card.notes.text == "Two cars & a bus.\nSmoke."
    [place] = card.locations
    assert place.kind is LocationKind.INCIDENT
    assert card.place.current == place


async def test_its_contact_is_over_at_once_and_nobody_is_called_back(
    desk: ExchangeDesk, cards: CardStore
) -> None:
    card = await card_of(cards, await take(desk))
    [contact] = card.contacts
    assert contact.medium is Medium.API
    assert contact.outcome is Outcome.ENDED
    assert contact.caller_number == "+37120000001"
    assert card.summary.status is CardStatus.CLOSED
    assert await cards.open_contacts() == []
    assert await cards.abandoned_since(AT) == []
    assert await cards.handed_over_since(AT) == []


async def test_the_same_again_changes_nothing(desk: ExchangeDesk, cards: CardStore) -> None:
    first = await take(desk)
    before = await card_of(cards, first)
    second = await take(desk)
    assert not second.created
    assert second.incident_id == first.incident_id
    assert await card_of(cards, first) == before


async def test_several_at_once_are_one_card(desk: ExchangeDesk, cards: CardStore) -> None:
    taken = await asyncio.gather(*(take(desk) for _ in range(4)))
    assert len({one.incident_id for one in taken}) == 1
    assert len(await cards.search()) == 1


async def test_an_update_of_the_sender_is_taken(desk: ExchangeDesk, cards: CardStore) -> None:
    await take(desk)
    taken = await take(desk, with_priority(10))
    card = await card_of(cards, taken)
    assert (card.fields["priority"].value, card.fields["priority"].version) == (10, 2)
    received = [one for one in card.timeline if one.tag is TimelineTag.EIDO_RECEIVED]
    assert len(received) == 2


async def test_what_people_wrote_here_stays(desk: ExchangeDesk, cards: CardStore) -> None:
    taken = await take(desk)
    await cards.save_field(taken.incident_id, "priority", 3, base_version=1, author="anna", at=AT)
    await cards.save_notes(taken.incident_id, "Ours.", base_version=1, author="anna", at=AT)
    taken = await take(desk, with_priority(10))
    assert {one.field: one.reason for one in taken.not_taken} == {
        "priority": "written_here",
        "notes": "written_here",
    }
    card = await card_of(cards, taken)
    assert card.fields["priority"].value == 3
    assert card.notes.text == "Ours."


async def test_what_is_not_understood_is_kept_with_the_incident(
    desk: ExchangeDesk,
    database: Database,  # noqa: F811
) -> None:
    taken = await take(desk)
    row = select(IncidentTimelineRow.data).where(
        IncidentTimelineRow.incident_id == taken.incident_id,
        IncidentTimelineRow.tag == TimelineTag.EIDO_RECEIVED.value,
    )
    data = await database.read(lambda session: session.scalar(row))
    assert data is not None
    unknown = data["unknown"]
    assert isinstance(unknown, dict)
    assert unknown["/incidentComponent/beatOrDispatchGroupText"] == "North"
    assert "/locationComponent/2" in unknown
    assert data["services"][0]["service"] == "fire"  # type: ignore[index]


async def test_a_value_that_no_card_holds_is_told_back(
    desk: ExchangeDesk, cards: CardStore
) -> None:
    rest = {
        "$id": "rest",
        "lastUpdateTimeStamp": "2026-03-01T14:40:00+02:00",
        "updatedByAgencyReference": {"$ref": "psap.example.net"},
        "urlPurpose": "urn:ccserver:card:1",
        "additionalDataByValue": json.dumps(
            {"fields": {"hazards": "everywhere", "secret": 1, "casualties": {"dead": 2}}}
        ),
    }
    taken = await take(desk, changed(additionalDataComponent=[rest]))
    assert {one.field for one in taken.not_taken} == {"hazards", "secret"}
    card = await card_of(cards, taken)
    assert card.fields["casualties"].value["dead"] == 2  # type: ignore[index,call-overload]


async def test_an_incident_that_came_from_us_comes_back_to_its_card(
    desk: ExchangeDesk, cards: CardStore
) -> None:
    ours = await take(desk)
    raw = desk.eido(msgspec.to_builtins(as_json(await card_of(cards, ours))))
    back = json.loads(raw) | {"issuingElementIdentification": "idx.other.example"}
    taken = await take(desk, json.dumps(back).encode(), author="other")
    assert taken.incident_id == ours.incident_id
    assert len(await cards.search()) == 1


async def test_of_a_merged_incident_it_goes_to_the_whole(
    desk: ExchangeDesk,
    cards: CardStore,
    database: Database,  # noqa: F811
) -> None:
    first = await take(desk)
    other = changed(**{"$id": "urn:emergency:uid:incidentid:0001:psap.example.net"})
    second = await take(desk, other)
    assert second.incident_id != first.incident_id
    await merge(database, second.incident_id, first.incident_id)
    again = await take(desk, other)
    assert again.incident_id == first.incident_id


async def test_a_card_in_both_formats(desk: ExchangeDesk, cards: CardStore) -> None:
    card = msgspec.to_builtins(as_json(await card_of(cards, await take(desk))))
    assert Document.parse(desk.eido(card)).unknown == {}
    message = desk.cap(card, at=AT, scope="restricted", status="exercise")
    assert b"<status>Exercise</status>" in message
    assert b"Anna" not in message


async def test_what_is_no_eido_changes_nothing(desk: ExchangeDesk, cards: CardStore) -> None:
    with pytest.raises(EIDORefused) as refused:
        await take(desk, b"{}")
    assert refused.value.path == "$"
    assert await cards.search() == []
