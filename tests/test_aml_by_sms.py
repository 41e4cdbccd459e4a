"""A phone's position comes by its operator to the card of its call, and never as a text.

Everything is real: the simulated operator's message centre and its subscribers, sockets, the SMS
gateway, the desk, the journal, the cards.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from ccserver.config import SMSSettings
from ccserver.db import Database
from ccserver.location import LocationSource
from ccserver.sms.gateway import SMSGateway
from ccserver.web.ports import SystemClock
from sim.aml import NO_FIX, AMLPhone, Fix
from sim.smsc.alphabets import Alphabet
from sim.smsc.centre import MessageCentre
from sim.smsc.citizen import Citizen
from sim.smsc.link import Account
from sim.smsc.pieces import Form, Join
from tests.aml.conftest import NUMBER
from tests.aml.desk import Clock, Room
from tests.databases import (  # noqa: F401
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.sms.gate import Taken
from tests.sms.peers import operator, settings


class WallClock(Clock):
    """The machine's: what the gateway stamps has to be of the same time."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self.seconds = 0.0

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()


class Takers(Taken):
    """Positions to the desk, as the product does it; texts are noted."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        self.texts_stored = asyncio.Event()

    def aml(
        self,
        session: Session,
        *,
        key: str,
        text: str,
        octets_hex: str,
        sender: str,
        received_at: datetime,
    ) -> None:
        self._room.intake.aml(
            session,
            key=key,
            text=text,
            octets_hex=octets_hex,
            sender=sender,
            received_at=received_at,
        )

    def stored(self, kinds: frozenset[object]) -> None:
        super().stored(kinds)  # type: ignore[arg-type]
        if "aml" in kinds:
            self._room.desk.wake()
        if "texts" in kinds:
            self.texts_stored.set()


class Place:
    """A centre bound to an operator, with one of its subscribers."""

    def __init__(self, room: Room, smsc: MessageCentre, takers: Takers) -> None:
        self.room = room
        self.smsc = smsc
        self.takers = takers
        self.citizen: Citizen = smsc.citizen(NUMBER)
        self.phone = AMLPhone(NUMBER, room.clock.now())


@asynccontextmanager
async def served(database: Database, folder: Path) -> AsyncIterator[Place]:  # noqa: F811
    async with (
        Room(database, folder, clock=WallClock()) as room,
        MessageCentre([Account("centre", "secret12")]) as smsc,
    ):
        takers = Takers(room)
        known = SMSSettings(operators=(operator(settings(smsc.port)),))
        gateway = SMSGateway(database, known, takers, clock=room.clock)
        task = asyncio.create_task(gateway.run())
        try:
            await smsc.until(lambda: smsc.bound, "the gateway is bound")
            yield Place(room, smsc, takers)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def place(database: Database, tmp_path: Path) -> AsyncIterator[Place]:  # noqa: F811
    async with served(database, tmp_path) as made:
        yield made


def fix(number: int) -> Fix:
    return Fix(56.9 + number / 1000, 24.1, radius_m=10.0)


async def test_three_messages_of_a_call_by_three_codings(place: Place) -> None:
    contact_id = place.room.call()
    await place.citizen.send(place.phone.text(fix(0), 2))
    place.citizen.send_data(place.phone.text(fix(1), 20))
    place.citizen.send_data(place.phone.text(fix(2), 35), packed=False)
    await place.room.located(3)
    await place.smsc.settled()
    card = await place.room.card(contact_id)
    assert {one.location.source for one in card.locations} == {LocationSource.AML}
    assert {one.location.shape.centre.latitude for one in card.locations} == {56.9, 56.901, 56.902}
    assert place.takers.by_key == {}, "nobody is shown a text"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_a_message_that_the_operator_made_two_parts_of_ucs_2(
    place: Place, order: tuple[int, ...]
) -> None:
    place.room.call()
    form = Form(Alphabet.UCS2, Join.UDH8)
    await place.citizen.send(place.phone.text(fix(1), 20), form=form, order=order)
    await place.room.located()
    await place.smsc.settled()
    # A part that came first may have been shown for a moment, and was taken back.
    assert [text for text in place.takers.shown if text] == []


async def test_one_that_is_delivered_again_and_one_without_a_fix(place: Place) -> None:
    contact_id = place.room.call()
    text = place.phone.text(fix(1), 20)
    for told in (text, text, place.phone.text(NO_FIX, 2), place.phone.text_2(fix(2), 35)):
        await place.citizen.send(told)
    await place.room.located(2)
    await place.smsc.settled()
    assert len((await place.room.card(contact_id)).locations) == 2


async def test_a_citizen_who_quotes_one_has_written_a_text(place: Place) -> None:
    place.room.call()
    words = 'My phone says A"ML=1;lt=1 what is it?'
    await place.citizen.send(words)
    await place.smsc.settled()
    async with asyncio.timeout(60):
        await place.takers.texts_stored.wait()
    assert place.takers.shown == [words]
    assert place.room.locations == []
