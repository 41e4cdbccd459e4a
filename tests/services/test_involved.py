"""Proves which services hear of an incident: all that were ever sent to it, and no others."""

from ccserver.card import CardStore
from ccserver.db import Database
from ccserver.services import ServiceStore, involved_services
from ccserver.types import IncidentId
from tests.services.conftest import AMBULANCE, FIRE, open_card, second, told


async def test_those_that_were_sent_are_involved_whatever_became_of_it(
    database: Database, store: ServiceStore, cards: CardStore, incident_id: IncidentId
) -> None:
    other, alone = await open_card(cards), await open_card(cards)
    both = {FIRE: 30.0, AMBULANCE: 30.0}
    changes = await store.involve(incident_id, both, by="anna", at=second(1))
    await store.involve(other, {FIRE: 30.0}, by="anna", at=second(1))
    withdrawn = changes[0].involvement.involvement_id
    await store.report(withdrawn, told("withdrawn"), at=second(2))
    asked = {incident_id, other, alone}
    found = await database.read(lambda session: involved_services(session, asked))
    assert found == {incident_id: {FIRE, AMBULANCE}, other: {FIRE}}
