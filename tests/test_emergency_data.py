"""What the API tells of a contact's data, clear-down, and cars that makers' centres hand over.

Over the real desk, cards and databases.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from ccserver.acd.commands import ContactState, ContactView
from ccserver.adapters import CardContacts
from ccserver.callbacks import CallbackKind
from ccserver.calldata.third_party import HandOverInvalid
from ccserver.card import CardHead, TimelineTag
from ccserver.db import Database
from ccserver.ecall import json_form, msd
from ccserver.ecall_desk import EmergencyData, HandOverDesk
from ccserver.live import LiveContact
from ccserver.location import LocationSource
from ccserver.types import AgentId, ContactId, IncidentId, Medium
from ccserver.web.ecalls import HandedOver, KeyReused
from ccserver.web.ports import ControlRefused
from ccserver.web.shapes import emergency_data as shapes
from tests.calldata.desk import Room
from tests.calldata.samples import CONTACT, PIDF_TYPE, at, car, ecall, info, part, pidf
from tests.databases import (  # noqa: F401
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

C1 = ContactId(CONTACT)
ANNA, BORIS = AgentId("agent-101"), AgentId("agent-102")
JSON = "application/json"


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:  # noqa: F811
    async with Room(database, tmp_path) as room:
        yield room


class Api:
    """The API's side of a room, and who was hung up on."""

    def __init__(self, room: Room) -> None:
        self.hung_up: list[tuple[AgentId, ContactId]] = []
        self.refuses: ControlRefused | None = None
        self.port = EmergencyData(
            room.desk,
            room.live,
            room.chronicle,
            card_of=self._card_of,
            hang_up=self._hang_up,
            clock=room.clock,
        )
        self._room = room

    async def _card_of(self, contact_id: ContactId) -> CardHead | None:
        return await self._room.cards.head_of_contact(contact_id)

    async def _hang_up(self, agent_id: AgentId, contact_id: ContactId) -> None:
        if self.refuses:
            raise self.refuses
        self.hung_up.append((agent_id, contact_id))

    async def told(self, contact_id: ContactId = C1) -> shapes.EmergencyData:
        """What is answered, held against its own description."""
        raw = msgspec.json.encode(await self.port.data(contact_id))
        return msgspec.json.decode(raw, type=shapes.EmergencyData)


async def test_everything_that_came_is_told_oldest_first(room: Room) -> None:
    api = Api(room)
    room.file(
        ecall(
            None,
            part(PIDF_TYPE, pidf(), "loc@car"),
            part("image/png", b"\x89PNG\r\n"),
            headers=[
                "Geolocation: <cid:loc@car>",
                "Call-Info: <urn:emergency:uid:callid:1:x>;purpose=emergency-CallId",
            ],
        )
    )
    contact = room.call()
    await room.shown(contact, count=1)
    room.clock.seconds = 20
    room.file(info(car(2, test_call=True)), "a1.info", kind="info", contact_id="")
    await room.shown(contact, count=2)
    await room.settled()
    told = await api.told()
    assert (told.service, told.trunk, told.test) == (contact.service, "operator", False)
    assert [(item.kind, item.via) for item in told.items] == [
        ("msd", "invite"),
        ("control", "invite"),
        ("location", "invite"),
        ("other", "invite"),
        ("identifier", "invite"),
        ("msd", "info"),
    ]
    first, _, place, picture, identifier, last = told.items
    assert first.msd is not None
    assert (first.hex, first.text, first.msd.age_s) == (car().hex(), None, 4.0)
    assert place.text is not None
    assert place.detail is not None
    assert picture.hex == b"\x89PNG\r\n".hex()
    assert identifier.detail == {"value": "urn:emergency:uid:callid:1:x"}
    assert [one.code for one in last.oddities] == ["test_call"]
    assert told.vehicle is not None
    assert told.vehicle.msd is not None
    assert (told.vehicle.count, told.vehicle.msd.message_identifier) == (2, 2)
    assert told.vehicle.can_request
    assert len({item.item_id for item in told.items}) == 6


async def test_of_a_call_that_is_over_the_same_is_told(room: Room) -> None:
    api = Api(room)
    room.file(ecall(b"\x09nonsense"))
    contact = room.call()
    await room.shown(contact, data="unreadable")
    await room.settled()
    room.hang_up(C1)
    told = await api.told()
    assert told.vehicle is not None
    assert (told.vehicle.data, told.vehicle.can_request) == ("unreadable", False)
    assert told.items[0].error
    assert told.service == "urn:service:sos.ecall.automatic"
    card = await room.card()
    assert await api.port.card_of(C1) == card.summary.incident_id
    assert await api.port.card_of(ContactId("unknown")) is None


async def test_a_contact_without_data_has_none(room: Room) -> None:
    told = await Api(room).told(ContactId("unknown"))
    assert (told.vehicle, told.items, told.service) == (None, [], None)


def talking(room: Room, agent_id: AgentId | None) -> LiveContact:
    contact = room.call(has_data=False)
    state = ContactState.WAITING if agent_id is None else ContactState.TALKING
    contact.view = ContactView(C1, Medium.VOICE, "ecall", 5, 0.0, state, agent_id, None, None)
    return contact


@pytest.mark.parametrize(("who", "supervises"), [(ANNA, False), (BORIS, True), (None, True)])
async def test_a_car_is_let_go_by_who_has_it_or_supervises(
    room: Room, who: AgentId | None, supervises: bool
) -> None:
    api = Api(room)
    talking(room, ANNA)
    await api.port.clear_down(C1, who, supervises=supervises, author="anna")
    assert api.hung_up == [(ANNA, C1)]
    (entry,) = await room.told(TimelineTag.CLEARED_DOWN)
    assert (entry.agent_id, entry.author) == (who, "anna")


@pytest.mark.parametrize(
    ("owner", "who", "code"),
    [
        (ANNA, BORIS, "not_your_contact"),
        (ANNA, None, "not_your_contact"),
        (None, ANNA, "not_talking"),
    ],
)
async def test_nobody_else_lets_it_go(
    room: Room, owner: AgentId | None, who: AgentId | None, code: str
) -> None:
    api = Api(room)
    talking(room, owner)
    with pytest.raises(ControlRefused) as refused:
        await api.port.clear_down(C1, who, supervises=False, author="x")
    assert refused.value.code == code
    with pytest.raises(ControlRefused):
        await api.port.clear_down(ContactId("gone"), who, supervises=True, author="x")
    assert api.hung_up == []


async def test_an_exchange_that_refuses_leaves_no_trace(room: Room) -> None:
    api = Api(room)
    talking(room, ANNA)
    api.refuses = ControlRefused("telephony_unavailable", "It does not answer.")
    with pytest.raises(ControlRefused):
        await api.port.clear_down(C1, ANNA, supervises=False, author="anna")
    api.refuses = None
    await api.port.clear_down(C1, ANNA, supervises=False, author="anna")
    assert len(await room.told(TimelineTag.CLEARED_DOWN)) == 1


# -- a maker's centre hands over ------------------------------------------------------------------


def hand_over(**told: object) -> bytes:
    return json.dumps({"msd_hex": car().hex(), **told}).encode()


class Makers:
    """The hand-overs of a room; ``changed`` are the cards of which the panels were told."""

    def __init__(self, room: Room) -> None:
        self.changed: list[IncidentId] = []
        self.looks = 0
        self.desk = HandOverDesk(
            room.cards,
            room.store,
            self.changed.append,
            look=self._look,
            priority_of=lambda service, _: 6 if service.endswith(".automatic") else 0,
        )

    def _look(self) -> None:
        self.looks += 1

    async def take(self, document: bytes, *, key: str = "k", seconds: float = 0.0) -> HandedOver:
        return await self.desk.take(document, JSON, key=key, author="key:1", at=at(seconds))


async def test_a_car_that_is_handed_over_has_a_card(room: Room) -> None:
    makers = Makers(room)
    body = hand_over(
        caller_number="20000001",
        callback_number="+4930123456",
        provider="Maker AG",
        reference="CASE-7",
        text="The driver says that he is hurt.",
    )
    taken = await makers.take(body)
    assert (taken.created, taken.oddities) == (True, ())
    card = await room.card(taken.contact_id)
    (contact,) = card.contacts
    assert (contact.caller_number, contact.medium.value) == ("+37120000001", "api")
    assert contact.ended_at is not None
    assert contact.service == "urn:service:sos.ecall.automatic"
    assert card.notes.text == "The driver says that he is hurt."
    (place,) = card.locations
    assert place.location.source is LocationSource.MSD
    told = {entry.tag: entry.data for entry in card.timeline}
    assert told[TimelineTag.MSD_RECEIVED]["via"] == "api"
    assert told[TimelineTag.EMERGENCY_DATA] == {
        "via": "api",
        "items": "HandOver",
        "provider": "Maker AG",
        "reference": "CASE-7",
        "callback_number": "+4930123456",
    }
    assert makers.changed[-1] == taken.incident_id
    data = await Api(room).told(taken.contact_id)
    assert [item.kind for item in data.items] == ["msd", "additional"]
    assert data.items[1].text == body.decode()
    assert data.vehicle is not None
    assert (data.vehicle.kind, data.vehicle.can_request) == ("automatic", False)
    await room.settled()


@pytest.mark.parametrize("form", ["msd_hex", "msd_base64", "msd"])
async def test_a_test_that_is_handed_over_is_marked_as_one(room: Room, form: str) -> None:
    octets = car(test_call=True)
    values = json_form.to_json(msd.decode(octets), octets)
    forms = {"msd_hex": octets.hex(), "msd_base64": b64encode(octets).decode(), "msd": values}
    taken = await Makers(room).take(json.dumps({form: forms[form]}).encode())
    assert taken.oddities == ()
    card = await room.card(taken.contact_id)
    assert (card.summary.test, card.contacts[0].test) == (True, True)
    assert card.contacts[0].service == "urn:service:test.sos.ecall"
    told = await Api(room).told(taken.contact_id)
    assert (told.test, told.service) == (True, "urn:service:test.sos.ecall")
    assert told.vehicle is not None
    assert told.vehicle.kind == "test"
    assert [one.code for one in told.items[0].oddities] == []


async def test_a_car_that_is_handed_over_is_to_be_called_and_a_test_is_not(room: Room) -> None:
    makers, cards = Makers(room), CardContacts(room.cards)
    taken = await makers.take(hand_over(callback_number="+4930123456"))
    await makers.take(hand_over(callback_number="+4930123456"), seconds=1)
    assert makers.looks == 1  # at once, and not again
    (told,) = await cards.abandoned_contacts(at(-3_600))
    assert (told.kind, told.contact_id) == (CallbackKind.HANDED_OVER, taken.contact_id)
    assert (told.incident_id, told.number) == (taken.incident_id, "+4930123456")
    assert (told.priority, told.abandoned_at) == (6, at(0))
    octets = car(test_call=True)
    await makers.take(json.dumps({"msd_hex": octets.hex()}).encode(), key="test")
    assert len(await cards.abandoned_contacts(at(-3_600))) == 1
    assert await cards.abandoned_contacts(at(1)) == []


async def test_the_same_car_again_is_the_same(room: Room) -> None:
    makers = Makers(room)
    first = await makers.take(hand_over())
    again = await makers.take(hand_over(), seconds=5)
    assert (again.created, again.contact_id) == (False, first.contact_id)
    other = await makers.take(hand_over(), key="other")
    assert other.contact_id != first.contact_id
    card = await room.card(first.contact_id)
    tags = [entry.tag for entry in card.timeline]
    assert (tags.count(TimelineTag.MSD_RECEIVED), len(card.locations)) == (1, 1)


async def test_what_people_wrote_is_not_overwritten(room: Room) -> None:
    makers = Makers(room)
    taken = await makers.take(hand_over(text="theirs"))
    await room.cards.save_notes(taken.incident_id, "ours", base_version=1, author="anna", at=at(1))
    await makers.take(hand_over(text="theirs"))
    assert (await room.card(taken.contact_id)).notes.text == "ours"


@pytest.mark.parametrize("name", ["caller_number", "callback_number"])
async def test_a_number_that_is_none_is_refused_and_nothing_is_kept(room: Room, name: str) -> None:
    makers = Makers(room)
    with pytest.raises(HandOverInvalid) as refused:
        await makers.take(hand_over(**{name: "call me"}))
    assert refused.value.path == name
    assert await room.cards.search() == []
    assert (await makers.take(hand_over())).created


async def test_a_used_key_is_not_used_for_another_car(room: Room) -> None:
    first = await Makers(room).take(hand_over())
    with pytest.raises(KeyReused):
        # The process after this one knows it, too.
        await Makers(room).take(hand_over(text="Another car."), seconds=5)
    assert (await Makers(room).take(hand_over(), seconds=9)).contact_id == first.contact_id
    card = await room.card(first.contact_id)
    tags = [entry.tag for entry in card.timeline]
    assert (tags.count(TimelineTag.MSD_RECEIVED), card.notes.text) == (1, "")
    (read,) = await room.desk.data_of(first.contact_id)
    assert read.kept.octets == hand_over()


async def test_of_two_cars_that_come_at_once_with_one_key_one_is_taken(room: Room) -> None:
    makers = Makers(room)
    takings = (makers.take(hand_over(text=text)) for text in ("one", "other"))
    ends = await asyncio.gather(*takings, return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["HandedOver", "KeyReused"]
    assert len(await room.cards.search()) == 1


class Died(Exception):
    """The process ends here."""


@pytest.mark.parametrize("step", ["head_of_contact", "write", "save_notes"])
async def test_a_death_between_the_steps_leaves_the_key_and_is_mended(
    room: Room, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def die(*_: object, **__: object) -> None:
        raise Died

    with monkeypatch.context() as dying:
        dying.setattr(room.cards, step, die)
        with pytest.raises(Died):
            await Makers(room).take(hand_over(text="Hurt."))
    with pytest.raises(KeyReused):
        await Makers(room).take(hand_over(text="Another car."), seconds=3)
    taken = await Makers(room).take(hand_over(text="Hurt."), seconds=5)
    card = await room.card(taken.contact_id)
    assert card.notes.text == "Hurt."
    assert card.contacts[0].arrived_at == at(0)
    tags = [entry.tag for entry in card.timeline]
    assert tags.count(TimelineTag.MSD_RECEIVED) == 1
    await room.settled()
