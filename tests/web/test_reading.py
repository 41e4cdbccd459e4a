"""Proves who reads a card without a question, who says why, and to whom it does not exist."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ccserver.accounts import Account, Role
from ccserver.types import AgentId, ServiceCode
from ccserver.web.reading import CardFacts, Standing, standing

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEAT = AgentId("agent-101")
FIRE = ServiceCode("vugd")
IN, OUT, STRANGER = Standing.INSIDE, Standing.OUTSIDE, Standing.STRANGER

PEOPLE = {
    "call taker": Account("anna", "A", Role.CALL_TAKER, "lv", SEAT),
    "supervisor": Account("chief", "C", Role.SUPERVISOR, "lv", None),
    "fire": Account("fire", "F", Role.SERVICE_DISPATCHER, "lv", None, FIRE),
    "quality": Account("ears", "Q", Role.QUALITY_OFFICER, "lv", None),
    "telecom": Account("wires", "T", Role.TELECOM_ADMIN, "lv", None),
    "system": Account("root", "R", Role.SYSTEM_ADMIN, "lv", None),
    "system, seated": Account("root", "R", Role.SYSTEM_ADMIN, "lv", SEAT),
    "key": Account("key:1", "K", Role.INTEGRATOR, "en", None),
    "key of fire": Account("key:2", "K", Role.INTEGRATOR, "en", None, FIRE),
}


def closed(ago: timedelta, **more: Any) -> CardFacts:
    return CardFacts(NOW - ago, **more)


MINUTES, HOURS, DAYS = timedelta(minutes=20), timedelta(hours=20), timedelta(days=20)

TABLE: list[tuple[CardFacts, dict[str, Standing]]] = [
    (
        CardFacts(None),
        {
            "call taker": IN,
            "supervisor": IN,
            "fire": STRANGER,
            "quality": STRANGER,
            "telecom": STRANGER,
            "system": OUT,
            "system, seated": IN,
            "key": IN,
            "key of fire": STRANGER,
        },
    ),
    (
        closed(MINUTES),
        {
            "call taker": IN,
            "supervisor": IN,
            "fire": STRANGER,
            "quality": OUT,
            "telecom": STRANGER,
            "system": OUT,
            "system, seated": IN,
            "key": IN,
            "key of fire": STRANGER,
        },
    ),
    (
        closed(HOURS),
        {
            "call taker": OUT,
            "supervisor": IN,
            "fire": STRANGER,
            "quality": OUT,
            "telecom": STRANGER,
            "system": OUT,
            "system, seated": OUT,
            "key": IN,
            "key of fire": STRANGER,
        },
    ),
    (
        closed(DAYS),
        {
            "call taker": OUT,
            "supervisor": OUT,
            "fire": STRANGER,
            "quality": OUT,
            "telecom": STRANGER,
            "system": OUT,
            "system, seated": OUT,
            "key": OUT,
            "key of fire": STRANGER,
        },
    ),
    (
        closed(DAYS, seats={SEAT}),
        {"call taker": IN, "supervisor": OUT, "quality": OUT, "system": OUT, "system, seated": IN},
    ),
    (
        closed(DAYS, people={"anna", "chief", "root", "ears", "key:1", "wires", "fire"}),
        {
            "call taker": IN,
            "supervisor": IN,
            "fire": STRANGER,
            "quality": OUT,
            "telecom": STRANGER,
            "system": IN,
            "system, seated": IN,
            "key": IN,
        },
    ),
    (
        closed(DAYS, services={"vugd", "nmpd"}),
        {"call taker": OUT, "fire": IN, "key of fire": IN, "quality": OUT},
    ),
    (CardFacts(None, services={"nmpd"}), {"fire": STRANGER, "key of fire": STRANGER}),
]


@pytest.mark.parametrize(
    ("facts", "who", "expected"),
    [(facts, who, one) for facts, row in TABLE for who, one in row.items()],
)
def test_how_each_stands_to_a_card(facts: CardFacts, who: str, expected: Standing) -> None:
    assert standing(PEOPLE[who], facts, NOW) is expected


def test_the_edges_of_the_times() -> None:
    for who, after in (("call taker", timedelta(minutes=30)), ("supervisor", timedelta(hours=24))):
        second = timedelta(seconds=1)
        assert standing(PEOPLE[who], closed(after), NOW) is IN
        assert standing(PEOPLE[who], closed(after + second), NOW) is OUT


def test_a_seat_that_nobody_has_makes_nobody_inside() -> None:
    card = {
        "status": "closed",
        "contacts": [{"agent_id": None, "ended_at": "2026-01-01T00:00:00Z"}],
    }
    assert standing(PEOPLE["supervisor"], CardFacts.of(card), NOW) is OUT


CARD: dict[str, Any] = {
    "status": "closed",
    "opened_at": "2026-03-01T08:00:00.000Z",
    "contacts": [
        {"agent_id": "agent-1", "ended_at": "2026-03-01T08:05:00.000Z"},
        {"agent_id": None, "ended_at": "2026-03-01T08:30:00.000Z"},
    ],
    "timeline": [
        {"tag": "offered", "agent_id": "agent-2", "author": None},
        {"tag": "recording_played", "agent_id": None, "author": "listener"},
        {"tag": "notes_saved", "agent_id": None, "author": "writer"},
    ],
    "notes": {"text": "", "author": "noter"},
    "fields": {"type": {"value": "fire", "author": "typist"}},
    "locations": [{"author": "mapper"}],
    "services": [{"service": "vugd", "state": "closed"}],
}


def test_the_facts_of_a_card() -> None:
    facts = CardFacts.of(CARD)
    assert facts.closed_at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    assert facts.seats == {"agent-1", "agent-2"}
    assert facts.people == {"writer", "noter", "typist", "mapper"}, "and nobody who only listened"
    assert facts.services == {"vugd"}


def test_a_card_lives_as_long_as_a_contact_or_a_service() -> None:
    assert CardFacts.of({**CARD, "status": "open"}).closed_at is None
    at_work = [{"service": "vugd", "state": "on_scene"}]
    assert CardFacts.of({**CARD, "services": at_work}).closed_at is None
