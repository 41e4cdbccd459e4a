"""Cards are merged, split and linked without losing a contact or a word, and it can be undone.

Whatever is done, also by two people at the same moment, every contact is on exactly one card, and a
card with contacts is never one that was merged away.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from ccserver.card import (
    CardData,
    CardMerged,
    CardStore,
    ChangedSince,
    ContactOpened,
    FieldConflict,
    NotUndoable,
    TimelineTag,
)
from ccserver.card.joining import LastContact, Moved, MoveKind, NotOnCard, SameCard
from ccserver.card.linking import LinkRefused
from ccserver.card.models import ContactRow, IncidentRow
from ccserver.db import Database
from ccserver.types import ContactId, IncidentId
from tests.card.conftest import ARRIVED
from tests.databases import REQUEST_TIMEOUT_S

LATER = ARRIVED + timedelta(minutes=5)
Opened = Callable[..., ContactOpened]


class Desk:
    """A person at a store, who gives short names to cards and contacts."""

    def __init__(self, store: CardStore, arrived: Opened) -> None:
        self.store = store
        self.arrived = arrived
        self.seconds = 0

    async def card(self, *callers: str) -> IncidentId:
        """A card with a contact of each caller."""
        incident_id: IncidentId | None = None
        for caller in callers or ("+37120000001",):
            self.seconds += 1
            at = ARRIVED + timedelta(seconds=self.seconds)
            opened = self.arrived(caller_number=caller, incident_id=incident_id, arrived_at=at)
            incident_id = (await self.store.open_contact(opened)).incident_id
        assert incident_id is not None
        return incident_id

    async def merge(self, source: IncidentId, target: IncidentId) -> IncidentId:
        joined = await self.store.merge(source, target, author="anna", at=LATER)
        return joined.head.incident_id

    async def split(self, card: IncidentId, *contacts: ContactId) -> IncidentId:
        joined = await self.store.split(card, contacts, author="anna", at=LATER)
        return joined.head.incident_id

    async def link(self, child: IncidentId, parent: IncidentId | None) -> None:
        await self.store.set_parent(child, parent, author="anna", at=LATER)

    async def save(self, card: IncidentId, name: str, value: object, version: int = 0) -> None:
        await self.store.save_field(
            card, name, value, base_version=version, author="anna", at=LATER
        )

    async def undo(self, card: IncidentId, tag: TimelineTag) -> None:
        """Undo the newest entry of this kind in the card's own timeline."""
        await self.store.undo(card, await self.key(card, tag), author="boris", at=LATER)

    async def key(self, card: IncidentId, tag: TimelineTag) -> str:
        entries = [
            entry
            for entry in (await self.read(card)).timeline
            if entry.tag is tag and entry.incident_id == card and entry.contact_id is None
        ]
        return entries[-1].key

    async def read(self, card: IncidentId) -> CardData:
        found = await self.store.card(card)
        assert found is not None
        return found

    async def contacts(self, card: IncidentId) -> list[ContactId]:
        return [contact.contact_id for contact in (await self.read(card)).contacts]

    async def found(self, query: str) -> list[IncidentId]:
        return [card.incident_id for card in await self.store.search(query)]


@pytest.fixture
def desk(store: CardStore, arrived: Opened) -> Desk:
    return Desk(store, arrived)


async def test_a_merged_card_brings_its_contacts_and_all_it_said(desk: Desk) -> None:
    fire, smoke = await desk.card("+37120000001"), await desk.card("+37120000002")
    await desk.save(fire, "summary", "Deg māja")
    await desk.save(smoke, "summary", "Dūmi")
    await desk.save(smoke, "priority", 7)
    await desk.store.save_notes(smoke, "zvana kaimiņš", base_version=0, author="ivan", at=LATER)
    there = await desk.contacts(fire) + await desk.contacts(smoke)

    assert await desk.merge(smoke, fire) == fire

    card, gone = await desk.read(fire), await desk.read(smoke)
    assert await desk.contacts(fire) == there
    assert {name: field.value for name, field in card.fields.items()} == {
        "summary": "Deg māja",
        "priority": 7,
    }
    assert card.summary.priority == 7
    assert card.notes.text == "zvana kaimiņš"
    assert [absorbed.fields["summary"].value for absorbed in card.absorbed] == ["Dūmi"]
    assert card.absorbed[0].author == "anna"
    assert gone.contacts == ()
    assert gone.summary.merged_into is not None
    assert gone.summary.merged_into.incident_id == fire
    entry = next(entry for entry in card.timeline if entry.tag is TimelineTag.MERGED)
    assert entry.author == "anna"
    assert [entry.tag for entry in gone.timeline if entry.tag is TimelineTag.MERGED]


async def test_a_merged_card_is_found_as_the_one_it_is_in(desk: Desk) -> None:
    fire, smoke = await desk.card("+37120000001"), await desk.card("+37120000002")
    await desk.save(smoke, "summary", "dūmi")
    number = (await desk.read(smoke)).summary.number
    await desk.merge(smoke, fire)
    for query in ("20000002", "dumi", number, ""):
        assert await desk.found(query) == [fire], query
    await desk.undo(fire, TimelineTag.MERGED)
    for query in ("20000002", "dumi", number):
        assert await desk.found(query) == [smoke], query


async def test_merging_again_changes_nothing(desk: Desk) -> None:
    fire, smoke, wide = [await desk.card() for _ in range(3)]
    await desk.merge(smoke, fire)
    before = await desk.read(fire)
    assert await desk.merge(smoke, fire) == fire
    assert await desk.read(fire) == before
    await desk.merge(fire, wide)
    assert await desk.merge(smoke, fire) == wide
    with pytest.raises(SameCard):
        await desk.merge(wide, wide)
    with pytest.raises(CardMerged) as refused:
        await desk.merge(wide, smoke)
    assert refused.value.into.incident_id == wide


async def test_undoing_a_merge_restores_what_was_moved_and_keeps_what_was_said_since(
    desk: Desk,
) -> None:
    fire, smoke = await desk.card("+37120000001"), await desk.card("+37120000002")
    await desk.save(smoke, "summary", "Dūmi")
    await desk.save(smoke, "priority", 7)
    await desk.store.save_notes(smoke, "zvana", base_version=0, author="ivan", at=LATER)
    before = {card: await desk.contacts(card) for card in (fire, smoke)}
    await desk.merge(smoke, fire)
    await desk.save(fire, "priority", 9, version=1)

    await desk.undo(fire, TimelineTag.MERGED)
    await desk.undo(fire, TimelineTag.MERGED)  # a second click

    assert {card: await desk.contacts(card) for card in (fire, smoke)} == before
    card, back = await desk.read(fire), await desk.read(smoke)
    assert card.fields["priority"].value == 9
    assert card.fields["summary"].value == ""
    assert card.notes.text == ""
    assert back.fields["priority"].value == 7
    assert back.notes.text == "zvana"
    assert back.summary.merged_into is None
    undone = [entry for entry in card.timeline if entry.tag is TimelineTag.MERGE_UNDONE]
    assert [entry.author for entry in undone] == ["boris"]
    await desk.merge(smoke, fire)  # and anew
    assert len(await desk.contacts(fire)) == 2


async def test_a_merge_whose_contacts_went_on_is_not_undone(desk: Desk) -> None:
    fire, smoke, wide = [await desk.card() for _ in range(3)]
    own = await desk.contacts(fire)
    await desk.merge(smoke, fire)
    key = await desk.key(fire, TimelineTag.MERGED)
    await desk.merge(fire, wide)
    with pytest.raises(CardMerged):
        await desk.store.undo(fire, key, author="anna", at=LATER)
    await desk.undo(wide, TimelineTag.MERGED)
    moved = next(each for each in await desk.contacts(fire) if each not in own)
    await desk.split(fire, moved)
    with pytest.raises(ChangedSince):
        await desk.store.undo(fire, key, author="anna", at=LATER)


async def test_a_merge_is_undone_from_either_card(desk: Desk) -> None:
    fire, smoke = await desk.card(), await desk.card()
    await desk.merge(smoke, fire)
    await desk.undo(smoke, TimelineTag.MERGED)
    assert [len(await desk.contacts(card)) for card in (fire, smoke)] == [1, 1]


async def test_contacts_get_a_card_of_their_own(desk: Desk) -> None:
    card = await desk.card("+37120000001", "+37120000002", "+37120000003")
    first, second, third = await desk.contacts(card)
    new = await desk.split(card, second, third)
    assert await desk.contacts(card) == [first]
    assert await desk.contacts(new) == [second, third]
    assert (await desk.read(new)).summary.number == "2026-000002"
    assert await desk.found("20000003") == [new]
    assert await desk.split(card, third, second) == new  # an answer that was lost
    with pytest.raises(LastContact):
        await desk.split(card, first)
    for wrong in ((), (first, second), (ContactId("x"),)):
        with pytest.raises(NotOnCard):
            await desk.split(card, *wrong)


async def test_undoing_a_split_keeps_what_was_typed_on_the_new_card(desk: Desk) -> None:
    card = await desk.card("+37120000001", "+37120000002")
    first, second = await desk.contacts(card)
    new = await desk.split(card, second)
    await desk.save(new, "summary", "cita māja")
    await desk.undo(new, TimelineTag.SPLIT)
    assert await desk.contacts(card) == [first, second]
    read = await desk.read(card)
    assert read.fields["summary"].value == "cita māja"
    assert [absorbed.incident_id for absorbed in read.absorbed] == [new]
    with pytest.raises(NotUndoable):
        await desk.undo(new, TimelineTag.MERGED)


async def test_a_split_whose_card_has_other_contacts_is_not_undone(desk: Desk) -> None:
    card = await desk.card("+37120000001", "+37120000002")
    new = await desk.split(card, (await desk.contacts(card))[1])
    await desk.store.open_contact(desk.arrived(incident_id=new))
    with pytest.raises(ChangedSince):
        await desk.undo(card, TimelineTag.SPLIT)


async def test_links_have_one_level_and_no_rings(desk: Desk) -> None:
    storm, fire, tree = [await desk.card() for _ in range(3)]
    await desk.link(fire, storm)
    await desk.link(fire, storm)
    assert [head.incident_id for head in (await desk.read(storm)).children] == [fire]
    refusals = [(storm, storm, "loop"), (storm, fire, "loop"), (tree, fire, "too_deep")]
    refusals.append((storm, tree, "too_deep"))
    for child, parent, code in refusals:
        with pytest.raises(LinkRefused) as refused:
            await desk.link(child, parent)
        assert refused.value.code == code
    await desk.link(fire, tree)
    await desk.undo(fire, TimelineTag.LINKED)
    linked = (await desk.read(fire)).parent
    assert linked is not None
    assert linked.incident_id == storm
    await desk.link(fire, None)
    await desk.undo(fire, TimelineTag.UNLINKED)
    assert (await desk.read(fire)).parent == linked


async def test_links_follow_a_merge_and_its_undoing(desk: Desk) -> None:
    storm, gale, fire = [await desk.card() for _ in range(3)]
    await desk.link(fire, storm)
    await desk.merge(storm, gale)
    assert [head.incident_id for head in (await desk.read(gale)).children] == [fire]
    await desk.undo(gale, TimelineTag.MERGED)
    assert [head.incident_id for head in (await desk.read(storm)).children] == [fire]
    assert (await desk.read(gale)).children == ()
    # Into one's own child.
    await desk.merge(storm, fire)
    assert (await desk.read(fire)).parent is None
    await desk.undo(fire, TimelineTag.MERGED)
    assert (await desk.read(fire)).parent is not None


async def test_a_contact_that_comes_for_a_merged_card_goes_where_that_is_now(desk: Desk) -> None:
    first, second, third = [await desk.card() for _ in range(3)]
    await desk.merge(first, second)
    await desk.merge(second, third)
    head = await desk.store.open_contact(desk.arrived(incident_id=first))
    assert head.incident_id == third
    assert len(await desk.contacts(third)) == 4


async def test_a_ring_of_merges_keeps_no_contact_waiting(desk: Desk, database: Database) -> None:
    """No code of ours makes one; a hand at the database may."""
    first, second = await desk.card(), await desk.card()

    def bend(session: Session) -> None:
        for one, other in ((first, second), (second, first)):
            row = session.get(IncidentRow, one)
            assert row is not None
            row.merged_into = other

    await database.write(bend)
    head = await desk.store.open_contact(desk.arrived(incident_id=first))
    assert head.incident_id in {first, second}


async def test_other_rooms_go_along_in_the_same_transaction(
    database: Database, arrived: Opened
) -> None:
    moves: list[Moved] = []
    told: list[Moved] = []

    def along(session: Session, moved: Moved) -> None:
        on_target = session.scalars(
            select(ContactRow.contact_id).where(
                ContactRow.incident_id == moved.target.incident_id,
                ContactRow.contact_id.in_(moved.contact_ids),
            )
        )
        assert len(on_target.all()) == len(moved.contact_ids)
        if moved.author == "fails":
            raise ZeroDivisionError
        moves.append(moved)

    store = CardStore(database, along=[along], moved=told.append)
    desk = Desk(store, arrived)
    fire, smoke = await desk.card(), await desk.card()
    await desk.merge(smoke, fire)
    await desk.undo(fire, TimelineTag.MERGED)
    assert [move.kind for move in moves] == [MoveKind.MERGED, MoveKind.MERGE_UNDONE]
    assert moves[0].key == moves[1].key
    assert told == moves
    with pytest.raises(ZeroDivisionError):
        await store.merge(smoke, fire, author="fails", at=LATER)
    assert len(await desk.contacts(smoke)) == 1
    assert told == moves


# -- at the same moment ---------------------------------------------------------------------------


async def at_once(*works: Awaitable[object]) -> list[object]:
    return await asyncio.gather(*works, return_exceptions=True)


async def test_two_who_merge_opposite_ways_make_one_card(
    desk: Desk, arrived: Opened, database_url: str
) -> None:
    other_database = Database(database_url, request_timeout_s=REQUEST_TIMEOUT_S)
    other = Desk(CardStore(other_database), arrived)
    try:
        for _ in range(15):
            first, second = await desk.card(), await desk.card()
            done = await at_once(desk.merge(first, second), other.merge(second, first))
            winners = [each for each in done if not isinstance(each, Exception)]
            losers = [each for each in done if isinstance(each, CardMerged)]
            assert (len(winners), len(losers)) == (1, 1), done
            assert losers[0].into.incident_id == winners[0]
            assert sorted([len(await desk.contacts(card)) for card in (first, second)]) == [0, 2]
    finally:
        await other_database.close()


async def test_chains_and_rings_at_the_same_moment_lose_no_contact(
    desk: Desk, arrived: Opened, database_url: str
) -> None:
    others = [Database(database_url, request_timeout_s=REQUEST_TIMEOUT_S) for _ in range(2)]
    desks = [desk, *(Desk(CardStore(each), arrived) for each in others)]
    try:
        for _ in range(10):
            a, b, c = cards = [await desk.card() for _ in range(3)]
            contacts = sorted([x for card in cards for x in await desk.contacts(card)])
            done = await at_once(
                desks[0].merge(a, b),
                desks[1].merge(b, c),
                desks[2].merge(c, a),
                desks[1].merge(b, a),
                desks[2].store.open_contact(arrived(incident_id=a)),
            )
            failures = [each for each in done if isinstance(each, Exception)]
            assert all(isinstance(each, CardMerged) for each in failures), failures
            left = {card: await desk.contacts(card) for card in cards}
            assert set(contacts) < {x for each in left.values() for x in each}
            assert sum(map(len, left.values())) == len(contacts) + 1
            for card in cards:
                if (await desk.read(card)).summary.merged_into is not None:
                    assert left[card] == []
    finally:
        for each in others:
            await each.close()


# -- whatever is done -----------------------------------------------------------------------------

Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "split", "undo", "contact", "link", "save"]),
        st.integers(0, 11),
        st.integers(0, 11),
    ),
    max_size=14,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
async def test_every_contact_is_on_one_card_whatever_is_done(
    database: Database, arrived: Opened, steps: list[Step]
) -> None:
    play = Play(Desk(CardStore(database), arrived))
    await play.begin()
    for step in steps:
        await play.step(*step)
        await play.check()


REFUSALS = (
    CardMerged,
    SameCard,
    NotOnCard,
    LastContact,
    LinkRefused,
    ChangedSince,
    FieldConflict,
)


class Play:
    """Some cards, what was done to them, and where each contact must be."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.cards: list[IncidentId] = []
        self.place: dict[ContactId, IncidentId] = {}
        self.done: list[tuple[IncidentId, str, dict[ContactId, tuple[IncidentId, IncidentId]]]] = []

    async def begin(self) -> None:
        for callers in (("1111", "1112"), ("2221",), ("3331", "3332")):
            card = await self.desk.card(*callers)
            self.cards.append(card)
            self.place |= dict.fromkeys(await self.desk.contacts(card), card)

    def on(self, card: IncidentId) -> list[ContactId]:
        return [contact for contact, place in self.place.items() if place == card]

    async def step(self, what: str, one: int, other: int) -> None:
        card = self.cards[one % len(self.cards)]
        second = self.cards[other % len(self.cards)]
        before = dict(self.place)
        try:
            match what:
                case "merge":
                    joined = await self.desk.store.merge(card, second, author="anna", at=LATER)
                    self.follow(joined.moves, before)
                case "split":
                    some = self.on(card)[: other % 3]
                    joined = await self.desk.store.split(card, some, author="anna", at=LATER)
                    if joined.head.incident_id not in self.cards:
                        self.cards.append(joined.head.incident_id)
                    self.follow(joined.moves, before)
                case "undo" if self.done:
                    await self.undo(one % len(self.done))
                case "contact":
                    opened = self.desk.arrived(incident_id=card)
                    head = await self.desk.store.open_contact(opened)
                    self.place[opened.contact_id] = head.incident_id
                case "link":
                    await self.desk.link(card, second)
                case "save":
                    await self.desk.save(card, "summary", f"{one} {other}")
                case _:
                    return
        except REFUSALS:
            return

    def follow(self, moves: tuple[Moved, ...], before: dict[ContactId, IncidentId]) -> None:
        for move in moves:
            went = {each: (before[each], move.target.incident_id) for each in move.contact_ids}
            self.place |= dict.fromkeys(move.contact_ids, move.target.incident_id)
            if move.kind is MoveKind.MERGED:
                self.done.append((move.target.incident_id, move.key, went))

    async def undo(self, index: int) -> None:
        target, key, went = self.done[index]
        await self.desk.store.undo(target, key, author="anna", at=LATER)
        del self.done[index]
        for contact, (source, place) in went.items():
            # Exactly what was moved, unless it was moved again since.
            if self.place[contact] == place:
                self.place[contact] = source

    async def check(self) -> None:
        for card in self.cards:
            read = await self.desk.read(card)
            there = [contact.contact_id for contact in read.contacts]
            assert sorted(there) == sorted(self.on(card))
            assert (read.summary.merged_into is None) == bool(there)
            assert read.parent is None or read.children == ()
        listed = [card.incident_id for card in await self.desk.store.search(limit=100)]
        assert set(listed) >= set(self.place.values())
