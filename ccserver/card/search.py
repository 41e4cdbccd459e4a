"""Finding cards by a part of a number, a name or the notes."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from ccserver.accounts.models import AgentRow
from ccserver.card.models import ContactRow, IncidentRow
from ccserver.card.reading import summaries
from ccserver.card.text import (
    SEARCH_CHARS_MAX,
    SEARCH_WORDS_MAX,
    containing,
    folded,
    phone_digits,
)
from ccserver.card.values import CardSummary, InvalidCursor

ESCAPE = "\\"
INTERNATIONAL_DIGITS_MIN = 10
"""With fewer, leading zeros are a part of the number in the middle of which one searches."""


def search_cards(
    session: Session, query: str, *, limit: int, before: str | None
) -> list[CardSummary]:
    """Return up to ``limit`` cards that match every word of ``query``, newest first.

    A query that looks like a telephone number is also looked for as a whole, so its spaces and
    dashes do not matter. An empty query matches every card.
    """
    rows = (
        select(IncidentRow)
        .where(*_matching(session, query[:SEARCH_CHARS_MAX]), *_older_than(before))
        .order_by(IncidentRow.opened_at.desc(), IncidentRow.incident_id.desc())
        .limit(limit)
    )
    return summaries(session, session.scalars(rows).all())


def _matching(session: Session, query: str) -> list[ColumnElement[bool]]:
    words = query.split()[:SEARCH_WORDS_MAX]
    if not words:
        return []
    # Seats are few (hundreds); folding their names here finds "Bērziņa" by "berzina".
    names = [
        (agent_id, folded(name))
        for agent_id, name in session.execute(select(AgentRow.agent_id, AgentRow.name))
    ]
    every_word = and_(*(_word_matches(word, names) for word in words))
    digits = phone_digits(query)
    if digits is None:
        return [every_word]
    return [or_(_caller_matches(digits), every_word)]


def _word_matches(word: str, names: list[tuple[str, str]]) -> ColumnElement[bool]:
    plain = folded(word)
    matches: list[ColumnElement[bool]] = [
        IncidentRow.number.like(containing(word), escape=ESCAPE),
        IncidentRow.notes_folded.like(containing(plain), escape=ESCAPE),
    ]
    digits = phone_digits(word)
    if digits is not None:
        matches.append(_caller_matches(digits))
    agents = [agent_id for agent_id, name in names if plain in name]
    if agents:
        matches.append(_some_contact(ContactRow.agent_id.in_(agents)))
    return or_(*matches)


def _caller_matches(digits: str) -> ColumnElement[bool]:
    if len(digits) >= INTERNATIONAL_DIGITS_MIN:
        # 00 is how a "+" is dialled; numbers are kept without either.
        digits = digits.removeprefix("00")
    return _some_contact(ContactRow.caller_digits.like(containing(digits), escape=ESCAPE))


def _some_contact(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(ContactRow.incident_id == IncidentRow.incident_id, condition)


def _older_than(cursor: str | None) -> list[ColumnElement[bool]]:
    if cursor is None:
        return []
    time_text, separator, incident_id = cursor.partition("~")
    try:
        opened_at = datetime.fromisoformat(time_text)
    except ValueError as error:
        raise InvalidCursor("this is not a cursor of a search") from error
    if not separator or opened_at.tzinfo is None or "\x00" in incident_id:
        raise InvalidCursor("this is not a cursor of a search")
    return [
        or_(
            IncidentRow.opened_at < opened_at,
            and_(IncidentRow.opened_at == opened_at, IncidentRow.incident_id < incident_id),
        )
    ]
