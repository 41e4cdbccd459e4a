"""Proves merging, splitting, linking and what is beside a card, over the real card room."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccserver.card import CardStore, ContactOpened
from tests.card.conftest import arrived, store  # noqa: F401  (fixtures)
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.web.world import Answer, Person, World

Arrived = Callable[..., ContactOpened]


@pytest.fixture
async def centre(tmp_path: Path, store: CardStore) -> AsyncIterator[World]:  # noqa: F811
    async with World(tmp_path, cards=store) as world:
        yield world


class Cards:
    """Three cards, the first with two contacts, and a call taker."""

    def __init__(self, anna: Person, kept: CardStore, keys: list[str], contacts: list[str]) -> None:
        self.anna = anna
        self.kept = kept
        self.fire, self.smoke, self.storm = keys
        self.contacts = contacts

    async def post(self, card: str, what: str, body: object) -> Answer:
        return await self.anna.post(f"/api/cards/{card}/{what}", body)

    async def parent(self, card: str, parent: str | None) -> Answer:
        return await self.anna.put(f"/api/cards/{card}/parent", {"parent_id": parent})

    async def entry(self, card: str, tag: str) -> str:
        read = await self.kept.card(card)  # type: ignore[arg-type]
        assert read is not None
        return next(entry.key for entry in read.timeline if entry.tag == tag)


@pytest.fixture
async def cards(centre: World, store: CardStore, arrived: Arrived) -> Cards:  # noqa: F811
    first = arrived()
    keys = [(await store.open_contact(each)).incident_id for each in (first, arrived(), arrived())]
    second = arrived(incident_id=keys[0])
    await store.open_contact(second)
    contacts = [first.contact_id, second.contact_id]
    return Cards(await centre.person("anna"), store, list(keys), list(contacts))


async def test_cards_are_merged_and_it_is_undone(cards: Cards) -> None:
    answer = await cards.post(cards.smoke, "merge", {"into": cards.fire})
    assert answer.json() == {"incident_id": cards.fire, "number": "2026-000001"}
    assert (await cards.post(cards.smoke, "merge", {"into": cards.fire})).status == 200
    answer = await cards.post(cards.fire, "merge", {"into": cards.smoke})
    assert (answer.status, answer.json()["code"]) == (409, "already_merged")
    assert answer.json()["into"] == {"incident_id": cards.fire, "number": "2026-000001"}
    key = await cards.entry(cards.fire, "merged")
    assert (await cards.post(cards.fire, "undo", {"entry": key})).json() == {}
    assert (await cards.post(cards.fire, "merge", {"into": cards.smoke})).status == 200
    # A second click on what is undone already; the merge since then is another one.
    assert (await cards.post(cards.fire, "undo", {"entry": key})).json() == {}
    answer = await cards.post(cards.storm, "merge", {"into": cards.fire})
    assert (answer.status, answer.json()["code"]) == (409, "already_merged")


async def test_what_cannot_be_merged_is_told(cards: Cards) -> None:
    for card, into, status, error in (
        (cards.fire, cards.fire, 409, "same_card"),
        (cards.fire, "unknown", 404, "not_found"),
        ("unknown", cards.fire, 404, "not_found"),
        (cards.fire, "\0", 400, "bad_request"),
        (cards.fire, "", 400, "bad_request"),
        (cards.fire, 5, 400, "bad_request"),
    ):
        answer = await cards.post(card, "merge", {"into": into})
        assert (answer.status, answer.json()["code"]) == (status, error)


async def test_contacts_get_a_card_of_their_own_and_it_is_undone(cards: Cards) -> None:
    body = {"contact_ids": cards.contacts[1:]}
    answer = await cards.post(cards.fire, "split", body)
    assert answer.json()["number"] == "2026-000004"
    assert (await cards.post(cards.fire, "split", body)).json() == answer.json()
    for contacts, error in ((cards.contacts[:1], "last_contact"), (["x"], "not_on_card")):
        refused = await cards.post(cards.fire, "split", {"contact_ids": contacts})
        assert (refused.status, refused.json()["code"]) == (409, error)
    assert (await cards.post(cards.fire, "split", {"contact_ids": []})).status == 400
    assert (await cards.post("unknown", "split", body)).status == 404
    key = await cards.entry(cards.fire, "split")
    assert (await cards.post(cards.fire, "undo", {"entry": key})).status == 200


async def test_cards_are_linked_to_a_larger_one(cards: Cards) -> None:
    assert (await cards.parent(cards.fire, cards.storm)).json() == {"parent_id": cards.storm}
    for card, parent, error in (
        (cards.storm, cards.fire, "loop"),
        (cards.fire, cards.fire, "loop"),
        (cards.smoke, cards.fire, "too_deep"),
    ):
        answer = await cards.parent(card, parent)
        assert (answer.status, answer.json()["code"]) == (409, error)
    assert (await cards.parent(cards.fire, "unknown")).status == 404
    assert (await cards.parent(cards.fire, None)).json() == {"parent_id": None}


async def test_what_is_beside_a_card(cards: Cards) -> None:
    answer = (await cards.anna.get(f"/api/cards/{cards.fire}/related")).json()
    others = {cards.smoke, cards.storm}
    assert {each["card"]["incident_id"] for each in answer["proposals"]} == others
    assert {each["incident_id"] for each in answer["same_number"]} == others
    assert answer["same_place"] == []
    first = answer["proposals"][0]
    assert (first["distance_m"], first["minutes"]) == (None, 0)
    assert (first["same_type"], first["same_number"]) == (False, True)
    assert (await cards.anna.get("/api/cards/unknown/related")).status == 404
