"""Writing what happens to contacts: functions of one session, a fixed number of statements each.

Statements over tables instead of objects: ten entries a call pass here, and objects cost three
times as much. A batch costs hardly more than one entry, because every statement takes all of it.
"""

import hashlib
import math
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import cast

from sqlalchemy import Connection, Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ccserver.card import locating
from ccserver.card.locations import LocationTold
from ccserver.card.models import (
    CardCounterRow,
    ContactRow,
    IncidentRow,
    JSONValue,
    TimelineRow,
)
from ccserver.card.outcome import DECISIVE, Fact, derive
from ccserver.card.search_index import (
    NewCard,
    TextsOf,
    add_agents,
    add_new,
    no_texts,
    refresh,
)
from ccserver.card.telling import changed
from ccserver.card.text import digits_of
from ccserver.card.values import CardHead, ContactOpened, Outcome, TimelineEntry, TimelineTag
from ccserver.db import clean_text
from ccserver.outbox import OutboxEvent, record
from ccserver.types import ContactId, IncidentId

NUMBER_CHARS_MAX = 64
SERVICE_CHARS_MAX = 96
"""A trunk may deliver anything as a number; a longer one is cut, never refused."""
KEY_CHARS_MAX = 128
DATA_CHARS_MAX = 1_024
"""Of one text in an entry's data, e.g. a reason phrase that a device sent."""
ARRIVED_KEY = "contact_arrived"
MERGES_FOLLOWED_MAX = 100
"""From one card that was merged away to the next; a contact is never kept waiting for a ring."""

COUNTERS = cast("Table", CardCounterRow.__table__)
INCIDENTS = cast("Table", IncidentRow.__table__)
CONTACTS = cast("Table", ContactRow.__table__)
TIMELINE = cast("Table", TimelineRow.__table__)

# Built once, because building a statement costs more than running it.
HEADS = (
    select(
        CONTACTS.c.contact_id,
        INCIDENTS.c.incident_id,
        INCIDENTS.c.number,
        CONTACTS.c.agent_id,
    )
    .join(INCIDENTS, INCIDENTS.c.incident_id == CONTACTS.c.incident_id)
    .where(CONTACTS.c.contact_id.in_(bindparam("contact_ids", expanding=True)))
    # Two processes lock the same contacts one after the other, never in a circle; and only against
    # each other's derivations, not against who adds to the timeline of one (`_save_notes`).
    .order_by(CONTACTS.c.contact_id)
    .with_for_update(of=CONTACTS, key_share=True)
)
KNOWN_INCIDENTS = (
    select(INCIDENTS.c.incident_id, INCIDENTS.c.number, INCIDENTS.c.merged_into)
    .where(INCIDENTS.c.incident_id.in_(bindparam("incident_ids", expanding=True)))
    .order_by(INCIDENTS.c.incident_id)
    # A merge that is under way is waited for: it would not take along a contact that comes now.
    .with_for_update(read=True)
)
TAKE_NUMBERS = (
    update(COUNTERS)
    .where(COUNTERS.c.year == bindparam("of_year"))
    .values(last=COUNTERS.c.last + bindparam("count"))
    .returning(COUNTERS.c.last)
)
BEGIN_YEAR = insert(COUNTERS).inline()
ADD_INCIDENTS = insert(INCIDENTS).inline()
ADD_CONTACTS = insert(CONTACTS).inline()
ADD_ENTRIES: Mapping[str, postgresql.Insert | sqlite.Insert] = {
    name: make(TIMELINE).inline().on_conflict_do_nothing(index_elements=["contact_id", "key"])
    for name, make in cast(
        "dict[str, Callable[[Table], postgresql.Insert | sqlite.Insert]]",
        {"sqlite": sqlite.insert, "postgresql": postgresql.insert},
    ).items()
}
"""An entry whose key is there already changes nothing."""
FACTS = select(
    TIMELINE.c.contact_id, TIMELINE.c.tag, TIMELINE.c.at, TIMELINE.c.key, TIMELINE.c.agent_id
).where(
    TIMELINE.c.contact_id.in_(bindparam("contact_ids", expanding=True)),
    TIMELINE.c.tag.in_([tag.value for tag in DECISIVE]),
)
SET_DERIVED = (
    update(CONTACTS)
    .where(CONTACTS.c.contact_id == bindparam("of_contact"))
    .values({name: bindparam(name) for name in ("answered_at", "ended_at", "agent_id", "outcome")})
)

OF_TEXTS = frozenset(
    {TimelineTag.TEXT_RECEIVED, TimelineTag.TEXT_SENT, TimelineTag.TEXT_RODE_ALONG}
)
"""What is written down when there is another text by which the card is to be found."""

Heads = dict[ContactId, CardHead]
Seats = Mapping[ContactId, str]
"""Which seat answered each contact, as far as one did."""


def write_items(
    session: Session,
    items: Sequence[ContactOpened | TimelineEntry | LocationTold],
    texts_of: TextsOf = no_texts,
) -> list[CardHead | None]:
    """Write openings, then entries and locations in the order given; return the card of each item.

    A card whose contact got a text becomes findable by it, as ``texts_of`` tells it. Nothing is
    written of an entry whose contact has no card even then; it has no card here either.
    """
    connection = session.connection()
    told = [item for item in items if isinstance(item, LocationTold)]
    openings = [item for item in items if isinstance(item, ContactOpened)]
    # Incidents are locked before contacts, as by whoever moves contacts between them.
    locating.lock_incidents_of(session, told)
    known = _known_cards(connection, openings)
    heads, seats = _heads(connection, {item.contact_id for item in items})
    arrivals = _open_cards(connection, openings, heads, known, texts_of)
    entries = [
        item for item in items if isinstance(item, TimelineEntry) and item.contact_id in heads
    ]
    located = locating.add_told(session, [one for one in told if one.contact_id in heads], heads)
    rows = [_values(entry) for entry in (*arrivals, *entries, *located)]
    if rows:
        connection.execute(ADD_ENTRIES[connection.dialect.name], rows)
    decided = {entry.contact_id for entry in entries if entry.tag in DECISIVE}
    _index_answers(connection, heads, seats, _derive(connection, decided), texts_of)
    texted = {heads[one.contact_id].incident_id for one in entries if one.tag in OF_TEXTS}
    refresh(connection, texted, texts_of)
    # Last, because it lets other writers of events wait until the commit.
    record(session, *(_told_outside(entry, heads[entry.contact_id]) for entry in located))
    return [heads.get(item.contact_id) for item in items]


def _told_outside(entry: TimelineEntry, head: CardHead) -> OutboxEvent:
    return changed(head.incident_id, entry.tag, entry.key, entry.at)


def _heads(connection: Connection, contact_ids: Iterable[ContactId]) -> tuple[Heads, Seats]:
    rows = connection.execute(HEADS, {"contact_ids": list(contact_ids)}).all()
    heads = {
        ContactId(contact_id): CardHead(IncidentId(incident_id), number)
        for contact_id, incident_id, number, _ in rows
    }
    return heads, {ContactId(row.contact_id): row.agent_id for row in rows if row.agent_id}


def _open_cards(
    connection: Connection,
    openings: Iterable[ContactOpened],
    heads: Heads,
    known: Mapping[str, CardHead],
    texts_of: TextsOf,
) -> list[TimelineEntry]:
    """Add the contacts that are not in ``heads``, to it too; return what their timelines say.

    ``known``: the cards of incidents that contacts belong to already.
    """
    new = {opened.contact_id: opened for opened in openings if opened.contact_id not in heads}
    if not new:
        return []
    joined = {
        opened.contact_id: known[key]
        for opened in new.values()
        if (key := clean_text(opened.incident_id or "")) in known
    }
    heads |= joined
    heads |= _new_cards(
        connection, [opened for opened in new.values() if opened.contact_id not in heads]
    )
    connection.execute(
        ADD_CONTACTS, [_contact(opened, heads[opened.contact_id]) for opened in new.values()]
    )
    refresh(connection, {head.incident_id for head in joined.values()}, texts_of)
    return [_arrival(opened) for opened in new.values()]


def _known_cards(
    connection: Connection, openings: Iterable[ContactOpened]
) -> Mapping[str, CardHead]:
    """Find, and lock, the cards of contacts that belong to one already."""
    return _cards_now(
        connection,
        {clean_text(opened.incident_id) for opened in openings if opened.incident_id is not None},
    )


def _cards_now(connection: Connection, incident_ids: Collection[str]) -> dict[str, CardHead]:
    """Return the card that each incident is on now, which may have been merged into others."""
    asked = {incident_id: incident_id for incident_id in incident_ids}
    known: dict[str, CardHead] = {}
    for _ in range(MERGES_FOLLOWED_MAX):
        if not asked:
            break
        rows = connection.execute(KNOWN_INCIDENTS, {"incident_ids": list(set(asked.values()))})
        cards = {row.incident_id: row for row in rows}
        following: dict[str, str] = {}
        for incident_id, at in asked.items():
            if at not in cards:
                continue
            known[incident_id] = CardHead(IncidentId(at), cards[at].number)
            if cards[at].merged_into is not None:
                following[incident_id] = cards[at].merged_into
        asked = following
    return known


def _new_cards(connection: Connection, openings: Sequence[ContactOpened]) -> Heads:
    if not openings:
        return {}
    heads: Heads = {}
    numbers = next_numbers(connection, Counter(map(_year, openings)))
    for opened in openings:
        number = next(numbers[_year(opened)])
        heads[opened.contact_id] = CardHead(IncidentId(str(uuid.uuid4())), number)
    connection.execute(
        ADD_INCIDENTS,
        [
            {
                "incident_id": heads[opened.contact_id].incident_id,
                "number": heads[opened.contact_id].number,
                "opened_at": opened.arrived_at,
            }
            for opened in openings
        ],
    )
    add_new(
        connection,
        [
            NewCard(
                heads[opened.contact_id],
                opened.arrived_at,
                digits_of(_cut(opened.caller_number) or ""),
                None if opened.service is None else opened.service[:SERVICE_CHARS_MAX],
                opened.test,
            )
            for opened in openings
        ],
    )
    return heads


def next_numbers(connection: Connection, wanted: Mapping[int, int]) -> dict[int, Iterator[str]]:
    """Take so many numbers of each year; the counter's row is locked until the commit."""
    numbers = {}
    for year, count in sorted(wanted.items()):
        last = connection.execute(TAKE_NUMBERS, {"of_year": year, "count": count}).scalar()
        if last is None:
            last = count
            # Two processes that both begin the year: the second breaks the key and tries again.
            connection.execute(BEGIN_YEAR, {"year": year, "last": last})
        numbers[year] = iter([f"{year}-{last - count + n:06d}" for n in range(1, count + 1)])
    return numbers


def _year(opened: ContactOpened) -> int:
    """Card numbers count the years of UTC."""
    return opened.arrived_at.utctimetuple().tm_year


def _contact(opened: ContactOpened, head: CardHead) -> dict[str, object]:
    number = _cut(opened.caller_number)
    return {
        "contact_id": opened.contact_id,
        "incident_id": head.incident_id,
        "medium": opened.medium.value,
        "direction": opened.direction.value,
        "queue": opened.queue,
        "priority": opened.priority,
        "caller_number": number,
        "caller_digits": digits_of(number or ""),
        "caller_number_hidden": opened.caller_number_hidden,
        "called_number": _cut(opened.called_number),
        "service": None if opened.service is None else opened.service[:SERVICE_CHARS_MAX],
        "test": opened.test,
        "arrived_at": opened.arrived_at,
        "outcome": Outcome.WAITING.value,
    }


def _arrival(opened: ContactOpened) -> TimelineEntry:
    return TimelineEntry(
        contact_id=opened.contact_id,
        tag=TimelineTag.CONTACT_ARRIVED,
        at=opened.arrived_at,
        key=ARRIVED_KEY,
        data={
            "queue": opened.queue,
            "priority": opened.priority,
            "direction": opened.direction.value,
            **({} if opened.service is None else {"service": opened.service}),
        },
    )


def _derive(connection: Connection, contact_ids: Collection[ContactId]) -> Seats:
    """Say in the contacts' rows what follows from their whole timelines; return who answered."""
    if not contact_ids:
        return {}
    facts: dict[ContactId, list[Fact]] = {contact_id: [] for contact_id in contact_ids}
    rows = connection.execute(FACTS, {"contact_ids": list(contact_ids)})
    for contact_id, tag, at, key, agent_id in rows:
        facts[contact_id].append(Fact(TimelineTag(tag), at, key, agent_id))
    now = {contact_id: derive(of) for contact_id, of in facts.items()}
    connection.execute(
        SET_DERIVED,
        [
            {
                "of_contact": contact_id,
                "answered_at": derived.answered_at,
                "ended_at": derived.ended_at,
                "agent_id": derived.agent_id,
                "outcome": derived.outcome.value,
            }
            for contact_id, derived in now.items()
        ],
    )
    return {
        contact_id: derived.agent_id
        for contact_id, derived in now.items()
        if derived.agent_id is not None
    }


def _index_answers(
    connection: Connection, heads: Heads, before: Seats, answered: Seats, texts_of: TextsOf
) -> None:
    """Make cards findable by who answered; of all that is derived, only that is searched for."""
    new = [
        (heads[contact_id].incident_id, agent_id)
        for contact_id, agent_id in answered.items()
        if contact_id not in before
    ]
    add_agents(connection, new)
    changed = [
        heads[contact_id].incident_id
        for contact_id, agent_id in answered.items()
        if before.get(contact_id, agent_id) != agent_id
    ]
    refresh(connection, changed, texts_of)


def _values(entry: TimelineEntry) -> dict[str, object]:
    return {
        "contact_id": entry.contact_id,
        "tag": TimelineTag(entry.tag).value,
        "at": entry.at,
        "key": _key(entry.key),
        "agent_id": entry.agent_id,
        "author": entry.author,
        "data": _storable(entry.data),
    }


def _key(key: str) -> str:
    cleaned = clean_text(key)
    if len(cleaned) <= KEY_CHARS_MAX:
        return cleaned
    return hashlib.sha256(cleaned.encode()).hexdigest()


def _storable(data: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    """Return data that every database's JSON accepts (no NUL, no NaN) and of bounded size."""
    stored: dict[str, JSONValue] = {}
    for name, value in data.items():
        if isinstance(value, str):
            stored[name] = clean_text(value)[:DATA_CHARS_MAX]
        elif isinstance(value, float) and not math.isfinite(value):
            stored[name] = None
        else:
            stored[name] = value
    return stored


def _cut(number: str | None) -> str | None:
    return None if number is None else clean_text(number)[:NUMBER_CHARS_MAX]
