"""Made-up cards, as Latvian ones are, and the ways into a database: what `bench.cards` asks for.

Cards come from a seed: numbers, notes, addresses, persons and vehicles, with words as common and as
rare as in real texts.
"""

import json
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection, insert

from ccserver import db
from ccserver.accounts.models import AgentRow
from ccserver.card.models import CardCounterRow, ContactRow, FieldRow, IncidentRow
from ccserver.card.text import digits_of, folded

BATCH = 20_000
NEWEST = datetime(2026, 11, 1, tzinfo=UTC)
BETWEEN_CARDS = timedelta(seconds=31)
"""A million in a year."""
OPEN = 60
"""The newest cards are still open."""
AGENTS = 120
REQUEST_TIMEOUT_S = 600.0

STREETS = (
    "Brīvības iela", "Krišjāņa Barona iela", "Kr. Valdemāra iela", "Maskavas iela", "Dzirnavu iela",
    "Ģertrūdes iela", "Lāčplēša iela", "Čaka iela", "Skolas iela", "Stabu iela", "Miera iela",
    "Ulbrokas iela", "Juglas iela", "Ropažu iela", "Slokas iela", "Kurzemes prospekts",
    "Zolitūdes iela", "Vienības gatve", "Bauskas iela", "Ziepniekkalna iela", "Rīgas iela",
    "Parka iela", "Dārza iela", "Liepu iela", "Ozolu iela", "Bērzu iela", "Jelgavas iela",
    "Saules iela", "Meža iela", "Stacijas iela", "Raiņa iela", "Upes iela", "Kalna iela",
    "Lielā iela", "Zaļā iela", "Jaunā iela", "Ventspils šoseja", "Viestura prospekts",
)  # fmt: skip
TOWNS = (
    "Rīga", "Rīga", "Rīga", "Rīga", "Daugavpils", "Liepāja", "Jelgava", "Jūrmala", "Ventspils",
    "Rēzekne", "Valmiera", "Ogre", "Cēsis", "Tukums", "Salaspils", "Kuldīga", "Sigulda", "Olaine",
    "Saldus", "Talsi", "Dobele", "Krāslava", "Bauska", "Ludza", "Līvāni", "Gulbene", "Madona",
)  # fmt: skip
NAMES = (
    "Jānis", "Andris", "Juris", "Edgars", "Māris", "Mārtiņš", "Anna", "Kristīne", "Inese", "Ilze",
    "Līga", "Dace", "Александр", "Сергей", "Елена", "Наталья", "Ольга", "Иван", "Artūrs", "Aija",
)  # fmt: skip
SURNAMES = (
    "Bērziņš", "Kalniņš", "Ozoliņš", "Jansons", "Liepiņš", "Krūmiņš", "Balodis", "Eglītis",
    "Zariņš", "Pētersons", "Vītols", "Kļaviņš", "Kārkliņš", "Vanags", "Иванов", "Петров",
    "Смирнов", "Кузнецов", "Šmits", "Dreimane",
)  # fmt: skip
NOTES = (
    "zvana", "deg", "māja", "dūmi", "dzīvoklis", "cietušais", "sāp", "sirds", "elpo", "bezsamaņā",
    "avārija", "automašīna", "kritis", "asiņo", "kaujas", "zagļi", "dzēris", "bērns", "sieviete",
    "vīrietis", "kāpnes", "trešais", "stāvs", "ieeja", "pagalms", "kods", "suns", "ugunsgrēks",
    "garāža", "mežs", "kūla", "ceļš", "grāvis", "saduras", "krustojums", "bojāta", "gāze", "smaka",
    "lifts", "iesprūdis", "ūdens", "ledus", "slīkst", "pazudis", "meklē", "policija", "ātrā",
    "брат", "пожар", "дым", "плохо", "сердце", "драка", "авария", "человек", "лежит", "улица",
    "подъезд", "дверь", "ребёнок", "запах", "газа", "noreibis", "krampji", "diabēts", "alerģija",
    "smadzenes", "insults", "apdegums", "lūzums", "traucē", "troksnis", "kaimiņš", "draudi",
)  # fmt: skip
TYPES = tuple(
    f"{branch}-{leaf}" for branch in ("fire", "medical", "police", "traffic") for leaf in range(12)
)
PLATES = "ABCDEFGHIJKLMNOPRSTUVZ"
VIN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


class Centre:
    """Makes up cards, always the same ones for a seed and a count."""

    def __init__(self, cards: int) -> None:
        self.cards = cards
        self.random = random.Random(f"cards {cards}")
        self.rare = [self._rare_word() for _ in range(max(200, cards // 20))]
        """Words of which each stands on some ten cards: farms, nicknames, spelling mistakes."""
        self.sample: list[Mapping[str, Any]] = []
        """Some of the cards, to be looked for."""
        # As in real texts the n-th most common word is n times as rare as the first.
        self._weights = [1 / (rank + 2) for rank in range(len(NOTES))]

    def batches(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """The cards, oldest first."""
        for begin in range(0, self.cards, BATCH):
            yield [self.card(index) for index in range(begin, min(begin + BATCH, self.cards))]

    def make_all(self) -> None:
        """Make the cards for the sample alone, of a database that has them already."""
        for _ in self.batches():
            pass

    def card(self, index: int) -> Mapping[str, Any]:
        """The card with the so many-th number."""
        draw = self.random
        street, town = draw.choice(STREETS), draw.choice(TOWNS)
        address = f"{street} {draw.randint(1, 180)}-{draw.randint(1, 90)}, {town}"
        words = draw.choices(NOTES, self._weights, k=draw.randint(4, 16))
        if draw.random() < 0.6:
            words.append(draw.choice(self.rare))
        made = {
            "index": index,
            "incident_id": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
            "opened_at": NEWEST - BETWEEN_CARDS * (self.cards - index),
            "number": f"2026-{index + 1:06d}",
            "caller": f"+3712{draw.randrange(10**7):07d}",
            "second": f"+3712{draw.randrange(10**7):07d}" if draw.random() < 0.15 else None,
            "agent": f"agent-{draw.randrange(AGENTS)}",
            "notes": " ".join(words),
            "street": street,
            "town": town,
            "address": address,
            "code": f"{100_000_000 + draw.randrange(560_000)}",
            "type": draw.choice(TYPES),
            "person": f"{draw.choice(NAMES)} {draw.choice(SURNAMES)}",
            "plate": "".join(draw.choices(PLATES, k=2)) + f"-{draw.randint(1, 9999)}",
            "vin": "".join(draw.choices(VIN, k=17)),
            "latitude": draw.uniform(55.7, 58.0),
            "longitude": draw.uniform(21.0, 28.2),
        }
        if draw.random() < 5_000 / self.cards:
            self.sample.append(made)
        return made

    def _rare_word(self) -> str:
        syllables = (
            "ka",
            "le",
            "pu",
            "ri",
            "to",
            "mež",
            "kaln",
            "ziem",
            "vec",
            "jaun",
            "up",
            "sil",
        )
        return "".join(self.random.choices(syllables, k=4)) + self.random.choice(("i", "as", "ēni"))


def incident_rows(made: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The card's own row."""
    return [
        {
            "incident_id": made["incident_id"],
            "number": made["number"],
            "opened_at": made["opened_at"],
            "notes_text": made["notes"],
            "notes_folded": folded(made["notes"]),
            "notes_version": 1,
            "type_code": made["type"],
            "address_text": made["address"],
            "latitude": made["latitude"],
            "longitude": made["longitude"],
            "radius_m": 30.0,
        }
    ]


def contact_rows(made: Mapping[str, Any], cards: int) -> Sequence[Mapping[str, Any]]:
    """One contact, of some cards two."""
    at = made["opened_at"]
    ended = None if made["index"] >= cards - OPEN else at + timedelta(seconds=90)
    return [
        {
            "contact_id": f"{made['incident_id'][:-1]}{number}",
            "incident_id": made["incident_id"],
            "medium": "voice",
            "direction": "inbound",
            "queue": "emergency",
            "priority": 5,
            "caller_number": caller,
            "caller_digits": digits_of(caller),
            "caller_number_hidden": False,
            "called_number": "112",
            "arrived_at": at + timedelta(seconds=number),
            "answered_at": at + timedelta(seconds=5),
            "ended_at": ended,
            "agent_id": made["agent"],
            "outcome": "ended",
        }
        for number, caller in enumerate((made["caller"], made["second"]))
        if caller is not None
    ]


def field_rows(made: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Address and type of all cards, a person of half of them, a vehicle of every fifth."""
    values: dict[str, object] = {
        "type": made["type"],
        "address": {"text": made["address"], "code": made["code"]},
    }
    if made["index"] % 2 == 0:
        values["person:" + made["incident_id"]] = {"role": "patient", "name": made["person"]}
    if made["index"] % 5 == 0:
        values["vehicle:" + made["incident_id"]] = {"plate": made["plate"], "vin": made["vin"]}
    return [
        {
            "incident_id": made["incident_id"],
            "name": name,
            "value": value,
            "version": 1,
            "saved_at": made["opened_at"],
            "author": "anna",
        }
        for name, value in values.items()
    ]


def agent_rows() -> Sequence[Mapping[str, Any]]:
    """The call takers' seats."""
    names = [f"{first} {last}" for first in NAMES for last in SURNAMES]
    return [
        {
            "agent_id": f"agent-{number}",
            "name": names[number * 3],
            "extension": str(2_000 + number),
            "device": "sip",
            "sip_password": "x" * 32,
        }
        for number in range(AGENTS)
    ]


def load_first(connection: Connection, cards: int) -> None:
    """Load what the cards need, and which number comes next."""
    connection.execute(insert(AgentRow), list(agent_rows()))
    connection.execute(insert(CardCounterRow), {"year": NEWEST.year, "last": cards})


def load_sqlite(url: str, centre: Centre) -> None:
    """Load everything in one transaction."""
    engine = db.make_engine(url, timeout_s=REQUEST_TIMEOUT_S)
    with engine.begin() as connection:
        load_first(connection, centre.cards)
        for batch in centre.batches():
            for table, rows in rows_of(batch, centre.cards).items():
                connection.execute(insert(table).inline(), rows)
    engine.dispose()


def load_postgresql(url: str, centre: Centre) -> None:
    """Load everything by COPY."""
    engine = db.make_engine(url, timeout_s=REQUEST_TIMEOUT_S)
    with engine.begin() as connection:
        load_first(connection, centre.cards)
    with closing(engine.raw_connection()) as raw:
        connection_now: psycopg.Connection[Any] = raw.driver_connection  # type: ignore[assignment]
        for batch in centre.batches():
            for table, rows in rows_of(batch, centre.cards).items():
                copy_rows(connection_now, table.__tablename__, rows)
        connection_now.commit()
    engine.dispose()


def copy_rows(
    connection: "psycopg.Connection[Any]", table: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Copy rows that have the same columns."""
    names = list(rows[0])
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN".encode()) as copy,
    ):
        for row in rows:
            copy.write_row(
                [json.dumps(row[name]) if name == "value" else row[name] for name in names]
            )


def rows_of(
    batch: Sequence[Mapping[str, Any]], cards: int
) -> Mapping[Any, list[Mapping[str, Any]]]:
    """The rows of some cards by their table."""
    return {
        IncidentRow: [row for made in batch for row in incident_rows(made)],
        ContactRow: [row for made in batch for row in contact_rows(made, cards)],
        FieldRow: [row for made in batch for row in field_rows(made)],
    }
