"""Keeping the words by which cards are found: in the transaction of whatever changes them.

A new card's words are known from its opening alone, and an answer adds one, so the path of a live
call reads nothing for them. For every other change the card is read anew, behind a lock of its row
here: of two transactions that change one card, the later one reads what the earlier has written.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    Connection,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from ccserver.card.models import ContactRow, FieldRow, IncidentRow, SearchRow
from ccserver.card.values import CardHead
from ccserver.card.words import AGENT, Document, mark, position_of, words_of

INCIDENTS = cast("Table", IncidentRow.__table__)
CONTACTS = cast("Table", ContactRow.__table__)
FIELDS = cast("Table", FieldRow.__table__)
DOCUMENTS = cast("Table", SearchRow.__table__)

KEYS: BindParameter[list[str]] = bindparam("incident_ids", expanding=True)

# Built once, because building a statement costs more than running it.
ADD = insert(DOCUMENTS).inline()
SET_WORDS = (
    update(DOCUMENTS)
    .where(DOCUMENTS.c.incident_id == bindparam("of_incident"))
    .values(words=bindparam("words"))
)
ADD_WORD = (
    update(DOCUMENTS)
    .where(DOCUMENTS.c.incident_id == bindparam("of_incident"))
    .values(words=DOCUMENTS.c.words + bindparam("word", type_=DOCUMENTS.c.words.type))
)
REMOVE = delete(DOCUMENTS).where(DOCUMENTS.c.incident_id.in_(KEYS))
KNOWN = (
    select(DOCUMENTS.c.incident_id, DOCUMENTS.c.words)
    .where(DOCUMENTS.c.incident_id.in_(KEYS))
    .order_by(DOCUMENTS.c.position)
    .with_for_update()
)
COLUMNS = (
    INCIDENTS.c.incident_id,
    INCIDENTS.c.number,
    INCIDENTS.c.opened_at,
    INCIDENTS.c.notes_text,
    INCIDENTS.c.merged_into,
)
OF_INCIDENTS = select(*COLUMNS).where(INCIDENTS.c.incident_id.in_(KEYS))
MERGED_INTO = select(*COLUMNS).where(INCIDENTS.c.merged_into.in_(KEYS))
CONTACTS_OF = (
    select(
        CONTACTS.c.incident_id,
        CONTACTS.c.contact_id,
        CONTACTS.c.caller_digits,
        CONTACTS.c.agent_id,
        CONTACTS.c.service,
        CONTACTS.c.test,
    )
    .where(CONTACTS.c.incident_id.in_(KEYS))
    .order_by(CONTACTS.c.arrived_at, CONTACTS.c.contact_id)
)
FIELDS_OF = (
    select(FIELDS.c.incident_id, FIELDS.c.name, FIELDS.c.value)
    .where(FIELDS.c.incident_id.in_(KEYS))
    .order_by(FIELDS.c.name)
)


TextsOf = Callable[[Connection, Collection[str]], Mapping[str, Sequence[str]]]
"""What was written in the course of contacts, by their ids; another room keeps it."""


def no_texts(_: Connection, __: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Of a centre that nobody writes to."""
    return {}


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card that was opened in this transaction, with its first contact."""

    head: CardHead
    opened_at: datetime
    caller_digits: str
    service: str | None = None
    test: bool = False


def add_new(connection: Connection, cards: Iterable[NewCard]) -> None:
    """Make new cards findable; each is on its own and nothing else is known of it."""
    connection.execute(
        ADD,
        [
            {
                "position": position_of(card.opened_at, card.head.number),
                "incident_id": card.head.incident_id,
                "words": words_of(
                    Document(
                        card.head.number,
                        callers=[card.caller_digits],
                        services=[card.service] if card.service else [],
                        test=card.test,
                    )
                ),
            }
            for card in cards
        ],
    )


def add_agents(connection: Connection, answers: Sequence[tuple[str, str]]) -> None:
    """Make cards findable by the seats that answered now; nothing is read for it."""
    if answers:
        connection.execute(
            ADD_WORD,
            [
                {"of_incident": incident_id, "word": " " + mark(AGENT, agent_id)}
                for incident_id, agent_id in answers
            ],
        )


def refresh(
    connection: Connection, incident_ids: Iterable[str], texts_of: TextsOf = no_texts
) -> None:
    """Make cards findable by what is now known of them; what is pending must be flushed.

    A card that was merged away is found as the one that it has become a part of.
    """
    keys = sorted(set(incident_ids))
    if not keys:
        return
    rows_known = connection.execute(KNOWN, {"incident_ids": keys})
    known = {row.incident_id: row.words for row in rows_known}
    rows = connection.execute(OF_INCIDENTS, {"incident_ids": keys}).all()
    gone = [row.incident_id for row in rows if row.merged_into and row.incident_id in known]
    if gone:
        connection.execute(REMOVE, {"incident_ids": gone})
    cards = [row for row in rows if not row.merged_into]
    words = _words(connection, cards, texts_of)
    changed = [
        {"of_incident": key, "words": words[key]}
        for key in words
        if key in known and words[key] != known[key]
    ]
    if changed:
        connection.execute(SET_WORDS, changed)
    new = [
        {
            "position": position_of(row.opened_at, row.number),
            "incident_id": row.incident_id,
            "words": words[row.incident_id],
        }
        for row in cards
        if row.incident_id not in known
    ]
    if new:
        connection.execute(ADD, new)


def _words(connection: Connection, cards: Sequence[Any], texts_of: TextsOf) -> dict[str, str]:
    """The words of each card, with those of the cards merged into it."""
    whole = {row.incident_id: [row] for row in cards}
    card_of = {row.incident_id: row.incident_id for row in cards}
    level: Collection[str] = list(card_of)
    while level:
        below = connection.execute(MERGED_INTO, {"incident_ids": list(level)}).all()
        level = []
        for row in below:
            if row.incident_id not in card_of:  # a ring would have no end
                card_of[row.incident_id] = card_of[row.merged_into]
                whole[card_of[row.incident_id]].append(row)
                level.append(row.incident_id)
    contacts = _grouped(connection, CONTACTS_OF, card_of)
    fields = _grouped(connection, FIELDS_OF, card_of)
    ids = [row.contact_id for rows in contacts.values() for row in rows]
    texts = texts_of(connection, ids) if ids else {}
    return {
        key: words_of(
            *(
                Document(
                    number=part.number,
                    callers=[row.caller_digits for row in contacts[part.incident_id]],
                    agent_ids=[row.agent_id for row in contacts[part.incident_id] if row.agent_id],
                    services=[row.service for row in contacts[part.incident_id] if row.service],
                    test=any(row.test for row in contacts[part.incident_id][:1]),
                    texts=[
                        part.notes_text,
                        *(
                            text
                            for row in contacts[part.incident_id]
                            for text in texts.get(row.contact_id, ())
                        ),
                    ],
                    fields=[(row.name, row.value) for row in fields[part.incident_id]],
                )
                for part in parts
            )
        )
        for key, parts in whole.items()
    }


def _grouped(
    connection: Connection, query: Any, card_of: Mapping[str, str]
) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    if card_of:
        for row in connection.execute(query, {"incident_ids": list(card_of)}):
            found[row.incident_id].append(row)
    return found
