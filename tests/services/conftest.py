"""A services store over each kind of database, with real cards to send services to."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from ccserver.card import CardStore, ContactOpened
from ccserver.db import Database
from ccserver.services import InvolvementId, Reported, ServiceStore, Source
from ccserver.services_on_cards import CardIncidents
from ccserver.types import ContactId, IncidentId, Medium, ServiceCode, UnitId
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRE, AMBULANCE, POLICE = ServiceCode("vugd"), ServiceCode("nmpd"), ServiceCode("vp")
ALL = {FIRE: 30.0, AMBULANCE: 30.0, POLICE: 30.0}


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


def told(state: str, key: str | None = None, **changes: object) -> Reported:
    values: dict[str, object] = {
        "state": state,
        "key": key or uuid.uuid4().hex,
        "by": "dispatcher",
        "source": Source.DESK,
    }
    return Reported(**(values | changes))  # type: ignore[arg-type]


def unit_id() -> UnitId:
    return UnitId(str(uuid.uuid4()))


@pytest.fixture
def cards(database: Database) -> CardStore:  # noqa: F811
    return CardStore(database)


@pytest.fixture
def store(database: Database) -> ServiceStore:  # noqa: F811
    return ServiceStore(database, CardIncidents())


async def open_card(cards: CardStore, at: datetime = START) -> IncidentId:
    head = await cards.open_contact(
        ContactOpened(
            contact_id=ContactId(str(uuid.uuid4())),
            medium=Medium.VOICE,
            queue="emergency",
            priority=5,
            caller_number="+37129123456",
            caller_number_hidden=True,
            called_number="112",
            arrived_at=at,
        )
    )
    return head.incident_id


@pytest.fixture
async def incident_id(cards: CardStore) -> IncidentId:
    return await open_card(cards)


@pytest.fixture
async def sent(store: ServiceStore, incident_id: IncidentId) -> InvolvementId:
    """The fire service, sent to the incident 20 s after the call."""
    (change,) = await store.involve(incident_id, {FIRE: 30.0}, by="anna", at=second(20))
    return change.involvement.involvement_id
