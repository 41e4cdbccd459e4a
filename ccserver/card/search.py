"""Finding cards by the beginnings of words, by numbers, and by what is known of them.

Cards are looked for newest first, and how that is done is each database's own matter: SQLite's
full-text index streams in the order of positions, so the newest hits come first by themselves.
PostgreSQL's index has no order, so common words are looked for among the newest cards, where they
are met soon, and only rare ones in the index, where they are few.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, TextClause, select, text
from sqlalchemy.orm import Session

from ccserver.accounts.models import AgentRow
from ccserver.card.models import ContactRow, IncidentRow, SearchRow
from ccserver.card.reading import summaries
from ccserver.card.text import folded
from ccserver.card.values import CardStatus, CardSummary, InvalidCursor
from ccserver.card.words import (
    AGENT,
    TEST,
    TYPE,
    Clause,
    Query,
    Term,
    first_position,
    holds,
    mark,
    matches,
    position_of,
    query_of,
    service_mark,
)
from ccserver.ecall.urn import is_test

CARD_NUMBER = re.compile(r"[0-9]{4}-[0-9]{6,9}")
POSITION_MAX = 2**63 - 1
OPEN_MAX = 5_000
"""Open cards among which one is looked for: the newest; some hundred times what a centre has."""
PREFIX_MAX = 6
"""Letters of a beginning that SQLite looks up (migration 0010)."""
CUT_HITS = 4
"""Of so many times as many hits of six letters as are wanted, most begin with all of them."""
NEWEST = 2_000
"""Cards that PostgreSQL looks through before it asks its index: a millisecond; a word on every
fortieth card fills a page from them."""
FURTHER = 30
"""So many times as many cards are looked through, twenty milliseconds at most, if by what was found
among the newest they will fill the page: the index takes longer for words that are so common."""
CARDS_PER_LOOK = 25
"""PostgreSQL's index collects so many cards of a word in the time in which it looks at one."""
LEFT_MIN = 0.1
"""Of the cards with one word at least so many are believed to have the next, however rare it is:
the two may be one name."""
WORK_MEMORY = "32MB"
"""For what the index collects: in less it keeps pages instead of cards, all to be looked at."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the cards must be, besides what was typed; opened in ``[since, until)``."""

    since: datetime | None = None
    until: datetime | None = None
    types: frozenset[str] = frozenset()
    """Codes of incident types, one of them."""
    agent_id: str | None = None
    service: str | None = None
    """A service URN that was asked for, or a child of it was."""
    test: bool | None = None
    """Whether the first contact only tried the service."""
    status: CardStatus | None = None


EVERY_CARD = Wanted()


@dataclass(frozen=True, slots=True)
class Span:
    """Positions from ``first`` up to, and without, ``end``."""

    first: int = 0
    end: int = POSITION_MAX


Hit = tuple[int, str]
"""A position and the card that stands there."""


def search_cards(
    session: Session, typed: str, *, limit: int, before: str | None, wanted: Wanted = EVERY_CARD
) -> list[CardSummary]:
    """Return up to ``limit`` cards that match every word of ``typed``, newest first.

    Nothing typed matches every card. Raises `InvalidCursor`.
    """
    span = _span(wanted, before)
    query = query_of(typed, _names(session)) + _clauses(wanted)
    connection = session.connection()
    hits: Sequence[Hit]
    if wanted.test is False and is_test(wanted.service):
        hits = []  # else all tests there are would be looked through
    elif wanted.status is CardStatus.OPEN:
        hits = _among_open(connection, query, span, limit, tests=wanted.test is not False)
    else:
        hits = _without(connection, query, span, limit, wanted)
    keys = [incident_id for _, incident_id in hits]
    rows = session.scalars(select(IncidentRow).where(IncidentRow.incident_id.in_(keys)))
    found = {row.incident_id: row for row in rows}
    return summaries(session, [found[key] for key in keys])


def find(connection: Connection, query: Query, span: Span, limit: int) -> Sequence[Hit]:
    """Return the newest ``limit`` cards within ``span`` that the query asks for."""
    if not query:
        return _hits(connection, ALL, span, limit)
    if connection.dialect.name == "sqlite":
        return _find_sqlite(connection, query, span, limit)
    return _find_postgresql(connection, query, span, limit)


def _names(session: Session) -> list[tuple[str, str]]:
    # Seats are few (hundreds); folding their names here finds "Bērziņa" by "berzina".
    rows = session.execute(select(AgentRow.agent_id, AgentRow.name))
    return [(agent_id, folded(name)) for agent_id, name in rows]


def _clauses(wanted: Wanted) -> Query:
    clauses: list[Clause] = []
    if wanted.types:
        clauses.append(tuple(Term(mark(TYPE, code), prefix=False) for code in wanted.types))
    if wanted.agent_id is not None:
        clauses.append((Term(mark(AGENT, wanted.agent_id), prefix=False),))
    if wanted.service is not None:
        clauses.append((Term(service_mark(wanted.service), prefix=False),))
    if wanted.test:
        clauses.append((Term(TEST, prefix=False),))
    return tuple(clauses)


def _span(wanted: Wanted, cursor: str | None) -> Span:
    first = 0 if wanted.since is None else first_position(wanted.since)
    end = POSITION_MAX if wanted.until is None else first_position(wanted.until)
    return Span(first, end if cursor is None else min(end, _position(cursor)))


def _position(cursor: str) -> int:
    time_text, _, number = cursor.partition("~")
    try:
        opened_at = datetime.fromisoformat(time_text)
    except ValueError as error:
        raise InvalidCursor("this is not a cursor of a search") from error
    if opened_at.tzinfo is None or not CARD_NUMBER.fullmatch(number):
        raise InvalidCursor("this is not a cursor of a search")
    return position_of(opened_at, number)


# -- open and closed ------------------------------------------------------------------------------


def _open_cards(connection: Connection, span: Span) -> Sequence[tuple[int, str, str]]:
    """The open cards with their words: few, and not for long, so no word says it of them."""
    query = (
        select(SearchRow.position, SearchRow.incident_id, SearchRow.words)
        .where(
            SearchRow.incident_id.in_(
                select(ContactRow.incident_id).where(ContactRow.ended_at.is_(None))
            ),
            SearchRow.position >= span.first,
            SearchRow.position < span.end,
        )
        .order_by(SearchRow.position.desc())
        .limit(OPEN_MAX)
    )
    return [(position, key, words) for position, key, words in connection.execute(query)]


def _among_open(
    connection: Connection, query: Query, span: Span, limit: int, *, tests: bool
) -> Sequence[Hit]:
    known = (
        (position, key, words.split(" ")) for position, key, words in _open_cards(connection, span)
    )
    found = (
        (position, key)
        for position, key, words in known
        if matches(query, words) and (tests or TEST not in words)
    )
    return [hit for hit, _ in zip(found, range(limit), strict=False)]


def _without(
    connection: Connection, query: Query, span: Span, limit: int, wanted: Wanted
) -> Sequence[Hit]:
    """Find, and leave out what no word tells: open cards, or tests. Of either there are few."""
    closed = wanted.status is CardStatus.CLOSED
    out = {key for _, key, _ in _open_cards(connection, span)} if closed else set()
    left: list[Hit] = []
    asked = limit
    while True:
        hits = find(connection, query, span, asked)
        if wanted.test is False:
            out |= _tests(connection, hits)
        left += [hit for hit in hits if hit[1] not in out]
        if len(hits) < asked or len(left) >= limit:
            return left[:limit]
        span = Span(span.first, hits[-1][0])
        asked = min(asked * 2, OPEN_MAX)


def _tests(connection: Connection, hits: Sequence[Hit]) -> set[str]:
    query = select(SearchRow.incident_id, SearchRow.words).where(
        SearchRow.incident_id.in_([key for _, key in hits])
    )
    return {key for key, words in connection.execute(query) if TEST in words.split(" ")}


# -- the databases --------------------------------------------------------------------------------

ALL = text(
    "SELECT position, incident_id FROM search_documents"
    " WHERE position >= :first AND position < :end ORDER BY position DESC LIMIT :limit"
)
SQLITE = text(
    "SELECT d.position, d.incident_id, d.words FROM search_words AS w"
    " CROSS JOIN search_documents AS d ON d.position = w.rowid"
    " WHERE search_words MATCH :query AND w.rowid >= :first AND w.rowid < :end"
    " ORDER BY w.rowid DESC LIMIT :limit"
)
AMONG_NEWEST = text(
    "SELECT position, incident_id FROM ("
    " SELECT position, incident_id, search_lexemes FROM search_documents"
    " WHERE position >= :first AND position < :end ORDER BY position DESC LIMIT :newest"
    ") AS newest WHERE search_lexemes @@ CAST(:query AS tsquery)"
    " ORDER BY position DESC LIMIT :limit"
)
COUNTS = (
    "SELECT {counts} FROM ("
    " SELECT search_lexemes FROM search_documents"
    " WHERE position >= :first AND position < :end ORDER BY position DESC LIMIT :newest"
    ") AS newest"
)
IN_INDEX = text(
    "WITH found AS MATERIALIZED ("
    " SELECT position, incident_id FROM search_documents"
    " WHERE search_lexemes @@ CAST(:rare AS tsquery)"
    # Not the plain operator, which would be asked of the index, too.
    " AND (search_lexemes @@ CAST(:common AS tsquery)) IS TRUE"
    " AND position >= :first AND position < :end"
    ") SELECT position, incident_id FROM found ORDER BY position DESC LIMIT :limit"
)
BY_INDEX = text(
    "SELECT set_config('enable_seqscan', 'off', true),"
    # A plan for any span would suppose a narrow one, and collect all positions of a wide one.
    " set_config('plan_cache_mode', 'force_custom_plan', true),"
    f" set_config('work_mem', '{WORK_MEMORY}', true)"
)
BY_INDEX_ALONE = text(
    "WITH found AS MATERIALIZED ("
    " SELECT position, incident_id FROM search_documents"
    " WHERE search_lexemes @@ CAST(:rare AS tsquery) AND position >= :first AND position < :end"
    ") SELECT position, incident_id FROM found ORDER BY position DESC LIMIT :limit"
)


def _hits(
    connection: Connection, statement: TextClause, span: Span, limit: int, **more: object
) -> Sequence[Hit]:
    values = {"first": span.first, "end": span.end, "limit": limit} | more
    rows = connection.execute(statement, values)
    return [(row.position, row.incident_id) for row in rows]


def _find_sqlite(connection: Connection, query: Query, span: Span, limit: int) -> Sequence[Hit]:
    """Look for six letters of each word, and for a whole one only where that leads astray.

    Six letters mostly say which word it is, and are streamed; whatever begins with more of them
    SQLite collects first, which takes long for a common word.
    """
    whole: set[Clause] = set()
    wanted = limit * CUT_HITS
    while True:
        asked = {clause: clause if clause in whole else _cut(clause) for clause in query}
        cut = [clause for clause, as_asked in asked.items() if as_asked != clause]
        words = full_text(dict.fromkeys(asked.values()))
        if not cut:
            return _hits(connection, SQLITE, span, limit, query=words)
        values = {"first": span.first, "end": span.end, "limit": wanted, "query": words}
        rows = connection.execute(SQLITE, values).all()
        known = [set(row.words.split(" ")) for row in rows]
        held = {clause: [holds(clause, each) for each in known] for clause in cut}
        hits = [
            (row.position, row.incident_id)
            for row, all_held in zip(rows, zip(*held.values(), strict=True), strict=True)
            if all(all_held)
        ]
        if len(hits) >= limit or len(rows) < wanted:
            return hits[:limit]
        astray = {clause for clause in cut if sum(held[clause]) < len(rows) / 2}
        whole |= astray or {min(cut, key=lambda clause: sum(held[clause]))}


def _cut(clause: Clause) -> Clause:
    return tuple(Term(term.word[:PREFIX_MAX]) if term.prefix else term for term in clause)


def _find_postgresql(connection: Connection, query: Query, span: Span, limit: int) -> Sequence[Hit]:
    words = lexemes(query)
    hits = _hits(connection, AMONG_NEWEST, span, limit, newest=NEWEST, query=words)
    if len(hits) < limit <= len(hits) * FURTHER:
        hits = _hits(connection, AMONG_NEWEST, span, limit, newest=NEWEST * FURTHER, query=words)
    if len(hits) == limit:
        return hits
    rare, common = split(query, _counts(connection, query, span))
    connection.execute(BY_INDEX)
    if not common:
        return _hits(connection, BY_INDEX_ALONE, span, limit, rare=lexemes(rare))
    return _hits(connection, IN_INDEX, span, limit, rare=lexemes(rare), common=lexemes(common))


def split(query: Query, counts: Sequence[int]) -> tuple[list[Clause], list[Clause]]:
    """Tell the clauses to ask of the index from those for which what it has found is looked at.

    The rarest first, and one more as long as to collect its cards takes less time than to look at
    all that is left without it.
    """
    ordered = sorted(zip(counts, query, strict=True), key=lambda pair: pair[0])
    left = max(ordered[0][0], 1.0)
    for number, (count, _) in enumerate(ordered[1:], 1):
        if count > left * CARDS_PER_LOOK:
            both = [clause for _, clause in ordered]
            return both[:number], both[number:]
        left *= max(count / NEWEST, LEFT_MIN)
    return list(query), []


def _counts(connection: Connection, query: Query, span: Span) -> Sequence[int]:
    """On how many of the newest cards each clause holds."""
    if len(query) == 1:
        return [0]
    names = [f"clause_{number}" for number in range(len(query))]
    counts = ", ".join(
        f"count(*) FILTER (WHERE search_lexemes @@ CAST(:{name} AS tsquery))" for name in names
    )
    values = {name: lexemes([clause]) for name, clause in zip(names, query, strict=True)}
    limits = {"first": span.first, "end": span.end, "newest": NEWEST}
    return list(connection.execute(text(COUNTS.format(counts=counts)), values | limits).one())


def full_text(query: Iterable[Clause]) -> str:
    """Write a query as SQLite's full-text index reads it; words hold no quotes."""
    return " AND ".join(
        "(" + " OR ".join(f'"{term.word}"' + "*" * term.prefix for term in clause) + ")"
        for clause in query
    )


def lexemes(query: Iterable[Clause]) -> str:
    """Write a query as PostgreSQL's ``tsquery``; words hold no quotes."""
    return " & ".join(
        "(" + " | ".join(f"'{term.word}'" + ":*" * term.prefix for term in clause) + ")"
        for clause in query
    )
