"""What a contact asked for is on its card; a test of the service is on a card and nowhere else."""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from ccserver.card import CardStore, ContactOpened, LocationTold, TimelineEntry, TimelineTag
from ccserver.card.spill import SpillLine, encoded
from ccserver.location import Location, LocationKind, LocationSource, Point, Position
from ccserver.types import AgentId, ContactId, IncidentId
from tests.card.conftest import ARRIVED

Arrived = Callable[..., ContactOpened]
SERVICE, TEST = "urn:service:sos.ecall.manual", "urn:service:test.sos.ecall"
NUMBER = "+37129123456"
LOOK_BACK = ARRIVED - timedelta(hours=1)


async def ended(
    store: CardStore, arrived: Arrived, tag: TimelineTag, *, answered: bool = False, **more: object
) -> tuple[ContactId, IncidentId]:
    """A contact that is over, at a place in Riga."""
    opened = arrived(**more)
    await store.open_contact(opened)
    at = ARRIVED + timedelta(seconds=5)
    if answered:
        connected = TimelineTag.CONNECTED
        await store.record(
            TimelineEntry(opened.contact_id, connected, at, "up", agent_id=AgentId("agent-20"))
        )
    await store.record(TimelineEntry(opened.contact_id, tag, at, "ended"))
    place = Location(Point(Position(56.95, 24.1)), LocationSource.MSD, ARRIVED)
    await store.write(
        [LocationTold.of(opened.contact_id, "place", place, kind=LocationKind.CALLER)]
    )
    head = await store.head_of_contact(opened.contact_id)
    assert head is not None
    return opened.contact_id, head.incident_id


async def test_a_card_says_what_was_asked_for(store: CardStore, arrived: Arrived) -> None:
    opened = arrived(service=SERVICE)
    await store.open_contact(opened)
    card = await store.card_of_contact(opened.contact_id)
    assert card is not None
    (contact,) = card.contacts
    assert (contact.service, contact.test) == (SERVICE, False)
    assert (card.summary.service, card.summary.test) == (SERVICE, False)
    (said,) = [one for one in card.timeline if one.tag is TimelineTag.CONTACT_ARRIVED]
    assert said.data is not None
    assert said.data["service"] == SERVICE
    plain = arrived()
    await store.open_contact(plain)
    card = await store.card_of_contact(plain.contact_id)
    assert card is not None
    assert (card.contacts[0].service, card.contacts[0].test) == (None, False)
    assert "service" not in (card.timeline[0].data or {})


async def test_who_gave_up_a_test_is_not_called_back_and_its_number_says_nothing(
    store: CardStore, arrived: Arrived
) -> None:
    await ended(store, arrived, TimelineTag.ABANDONED, service=TEST, test=True)
    await ended(store, arrived, TimelineTag.CUT_OFF, answered=True, service=TEST, test=True)
    assert await store.abandoned_since(LOOK_BACK) == []
    assert await store.spoken_since(LOOK_BACK, limit=10) == []
    assert await store.last_of_number(NUMBER, LOOK_BACK) is None
    real, _ = await ended(store, arrived, TimelineTag.ABANDONED, service=SERVICE)
    assert [past.contact_id for past in await store.abandoned_since(LOOK_BACK)] == [real]
    last = await store.last_of_number(NUMBER, LOOK_BACK)
    assert last is not None
    assert last.contact_id == real


async def test_no_incident_is_thought_to_be_a_test(store: CardStore, arrived: Arrived) -> None:
    _, test = await ended(store, arrived, TimelineTag.ENDED, service=TEST, test=True)
    _, one = await ended(store, arrived, TimelineTag.ENDED, service=SERVICE)
    _, other = await ended(store, arrived, TimelineTag.ENDED)
    related = await store.related(one)
    assert related is not None
    assert [each.card.incident_id for each in related.proposals] == [other]
    of_test = await store.related(test)
    assert of_test is not None
    assert of_test.proposals == ()


async def test_a_contact_put_aside_on_disk_keeps_it_and_an_older_line_is_read(
    arrived: Arrived,
) -> None:

    opened = arrived(service=TEST, test=True)
    line = encoded(SpillLine.of(opened))
    assert msgspec.json.decode(line, type=SpillLine).opened == opened
    old = msgspec.json.decode(line)
    del old["opened"]["service"], old["opened"]["test"]
    read = msgspec.convert(old, SpillLine).opened
    assert read is not None
    assert (read.service, read.test) == (None, False)
