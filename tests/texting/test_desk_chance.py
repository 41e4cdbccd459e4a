"""Whatever happens in whatever order: database, desk and distributor agree on who has which text.

A seed is a history of texts, calls, clicks, sign-offs, deaths of the process, and of a database
that does what it said that it would not. After each step everything that is open in the database
stands in line, or with the call taker whom the distributor has for it, or rides with a live call.
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ccserver.acd.commands import ContactState
from ccserver.acd.events import OfferAccepted
from ccserver.db import Database, DatabaseUnavailable
from ccserver.live import LiveContact
from ccserver.messaging import ConversationRefused, ConversationState
from ccserver.types import AgentId, ContactId, ConversationId
from ccserver.web.ports import ControlRefused
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.texting.centre import ANNA, AUTHOR, BORIS, OFF, READY, TextCentre

STEPS = 60
SEEDS = range(3)
CITIZENS = ("+37129000001", "+37129000002", "+37129000003")
LATE_METHODS = ("set_contact", "assign", "close", "reopen", "go_on", "mark_handled", "set_language")


class World:
    """One history."""

    def __init__(self, database: Database, folder: Path, seed: int) -> None:  # noqa: F811
        self.random = random.Random(seed)  # noqa: S311 - a history, no secret
        self.centre = TextCentre(database, folder)
        self.present = {ANNA: READY, BORIS: OFF}
        self.calls: dict[ContactId, str] = {}
        self.answered: dict[ContactId, AgentId] = {}
        self.count = 0
        self.conversations: dict[ConversationId, None] = {}
        self.late: set[str] = set()
        """What the database will do, and say that it has not."""
        self.steps: list[Callable[[], Awaitable[None]]] = [
            self.text,
            self.text,
            self.text,
            self.more_of_a_text,
            self.call,
            self.answer,
            self.hang_up,
            self.accept,
            self.accept,
            self.reject,
            self.close,
            self.close,
            self.reopen,
            self.transfer,
            self.sign,
            self.write,
            self.die,
            self.pass_time,
        ]

    async def begin(self) -> None:
        await self.centre.start(ANNA)

    def number(self) -> int:
        self.count += 1
        return self.count

    async def text(self) -> None:
        landed = await self.centre.land(
            f"sms:{self.number()}", citizen=self.random.choice(CITIZENS)
        )
        self.conversations[landed.conversation.conversation_id] = None

    async def more_of_a_text(self) -> None:
        if self.count:
            await self.centre.land(
                f"sms:{self.random.randint(1, self.count)}",
                citizen=self.random.choice(CITIZENS),
                text="Palīgā, deg māja Ogrē!",
                parts_have=2,
                parts_total=2,
            )

    async def call(self) -> None:
        if len(self.calls) < 3:
            number = self.random.choice(CITIZENS)
            call_id = await self.centre.call(f"c{self.number()}", number)
            self.calls[call_id] = number

    def waiting_call(self) -> LiveContact | None:
        for call_id in self.calls:
            contact = self.centre.live.get(call_id)
            if contact is not None and contact.view is not None and contact.view.offers:
                return contact
        return None

    async def answer(self) -> None:
        contact = self.waiting_call()
        if contact is not None and contact.view is not None:
            offer = contact.view.offers[0]
            self.centre.runtime.post(OfferAccepted(offer.offer_id))
            contact.answered = True
            self.answered[contact.contact_id] = offer.agent_id

    async def hang_up(self) -> None:
        if self.calls:
            call_id = self.random.choice(list(self.calls))
            del self.calls[call_id]
            await self.centre.hang_up(call_id)

    def offered(self) -> tuple[ContactId, AgentId] | None:
        for contact in self.centre.texts():
            if contact.view is not None and contact.view.offers:
                return contact.contact_id, contact.view.offers[0].agent_id
        return None

    async def accept(self) -> None:
        if (found := self.offered()) is not None:
            self.centre.control.accept(*found)

    async def reject(self) -> None:
        if (found := self.offered()) is not None:
            self.centre.control.reject(*found)

    def some(self) -> ConversationId | None:
        return self.random.choice(list(self.conversations)) if self.conversations else None

    async def close(self) -> None:
        if (one := self.some()) is not None:
            await self.centre.control.close(
                one, None, author=AUTHOR, agent_id=ANNA, supervises=self.random.random() < 0.5
            )

    async def reopen(self) -> None:
        if (one := self.some()) is not None:
            agent_id = self.random.choice((ANNA, BORIS))
            await self.centre.control.reopen(one, author=AUTHOR, agent_id=agent_id)

    async def transfer(self) -> None:
        for contact in self.centre.texts():
            agent_id = contact.view.agent_id if contact.view is not None else None
            if agent_id is not None:
                other = BORIS if agent_id == ANNA else ANNA
                self.centre.control.transfer(contact.contact_id, agent_id, to_agent=other)
                return

    async def sign(self) -> None:
        agent_id = self.random.choice((ANNA, BORIS))
        self.present[agent_id] = OFF if self.present[agent_id] is READY else READY
        self.centre.present(agent_id, self.present[agent_id])

    async def write(self) -> None:
        if (one := self.some()) is not None:
            await self.centre.control.write(
                one, "Kur?", key=str(self.number()), author=AUTHOR, agent_id=ANNA, supervises=True
            )

    async def die(self) -> None:
        self.centre = self.centre.successor(f"p{self.number()}")
        self.late.clear()
        for call_id, number in list(self.calls.items()):
            if call_id in self.answered:
                del self.calls[call_id]  # it ended while nobody was there
            else:
                await self.centre.call(call_id, number)
        await self.centre.desk.adopt()
        for agent_id, kind in self.present.items():
            self.centre.present(agent_id, kind)
        self.centre.line.settle()

    async def pass_time(self) -> None:
        self.centre.clock.seconds += self.random.choice((1, 20, 3_600, 5 * 3_600))
        self.centre.runtime._on_timer()

    def be_late(self) -> None:
        """The database does the next such thing, and says that it has not."""
        store, name = self.centre.desk.store, self.random.choice(LATE_METHODS)
        real = getattr(store, name)

        async def late(*arguments: object, **named: object) -> object:
            setattr(store, name, real)
            self.late.discard(name)
            if chance:
                await real(*arguments, **named)
            raise DatabaseUnavailable("no answer within the request's time")

        chance = self.random.random() < 0.7
        if name not in self.late:
            self.late.add(name)
            setattr(store, name, late)

    async def settled(self) -> bool:
        """Everything that is due is done, and on the cards; not while something is to be late."""
        for _ in range(len(LATE_METHODS) + 1):
            with suppress(DatabaseUnavailable):
                await self.centre.caught_up()
                return not self.late
        return False

    async def step(self) -> None:
        step = self.random.choice(self.steps)
        if self.random.random() < 0.25:
            self.be_late()
        with suppress(ControlRefused, ConversationRefused, DatabaseUnavailable):
            await step()
        if self.random.random() < 0.7 and await self.settled():
            await self.agree()

    async def agree(self) -> None:
        centre = self.centre
        centre.runtime.check_invariants()
        assert await centre.desk.store.unhandled() == []
        alive = set()
        for one in await centre.desk.store.open_conversations():
            thread = centre.desk.threads.get(one.conversation_id)
            assert thread is not None, one.state
            assert thread.contact_id == one.contact_id
            if one.riding is not None:
                call = centre.live.get(one.riding)
                assert call is not None
                assert call.view is not None
                assert call.view.state is not ContactState.TALKING
                continue
            alive.add(one.contact_id)
            contact = centre.live.get(one.contact_id)
            assert contact is not None
            assert contact.view is not None
            talks = contact.view.state is ContactState.TALKING
            assert talks is (one.state is ConversationState.OPEN), (one.state, contact.view.state)
            assert contact.view.agent_id == thread.agent_id or not talks
            assert thread.agent_id == one.agent_id
            assert self.present[one.agent_id] is READY if one.agent_id is not None else True
        assert {contact.contact_id for contact in centre.texts()} == alive


@pytest.mark.parametrize("seed", SEEDS)
async def test_all_agree_on_who_has_which_text(
    database: Database,  # noqa: F811
    tmp_path: Path,
    seed: int,
) -> None:
    world = World(database, tmp_path, seed)
    await world.begin()
    for _ in range(STEPS):
        await world.step()
