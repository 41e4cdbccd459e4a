"""Texts that come in parts, in the database: the whole of it survives whatever stops us.

The rules are `ccserver.sms.reassembly`'s; here is what they are asked about and what follows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ccserver.config import SMSOperatorSettings
from ccserver.sms.arrival import DATA_SM, AMLRules, Arrival, Stored, read
from ccserver.sms.models import PartRow, TextRow
from ccserver.sms.reassembly import (
    LATE_WITHIN,
    PARTS_WAIT_S,
    KnownText,
    compose,
    place,
)
from ccserver.sms.short_message import joined_text
from ccserver.texts import Channel, IncomingText

KNOWN_TEXTS_MAX: Final = 8
"""Of one key: a telephone that begins its references again comes to the same one rarely."""
INCOMPLETE: Final = "incomplete"
"""A part never came in the time in which somebody waits for it."""
DUE_MAX: Final = 20
"""Texts told as incomplete in one transaction."""


@dataclass(frozen=True, slots=True)
class Position:
    """A text that is a position, as far as it is there."""

    key: str
    text: str
    sender: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be said of a text in parts now; ``first``: it is shown for the first time."""

    operator: str
    text: IncomingText | None = None
    position: Position | None = None
    first: bool = False


class Parts:
    """Of one transaction: parts are added, and at its end each text that changed is told once."""

    def __init__(
        self,
        session: Session,
        operators: Mapping[str, SMSOperatorSettings],
        aml: AMLRules,
    ) -> None:
        self._session = session
        self._operators = operators
        self._aml = aml
        self._changed: dict[int, TextRow] = {}
        self.repeated: Counter[str] = Counter()
        """By operator: parts that were there."""
        self.emptied: set[int] = set()
        """Rows of the inbox whose octets are to be emptied."""

    def add(self, arrival: Arrival) -> None:
        """Put a part where it belongs."""
        key = arrival.part_key().digest()
        at = arrival.stored.received_at
        known = self._known(key, at)
        found = place(known, arrival.number, arrival.digest)
        if found.text_id is None:
            row = self._new_text(arrival, key)
        else:
            row = self._session.get_one(TextRow, found.text_id)
        if found.repeated:
            self.repeated[row.operator] += 1
            # The part has these octets already, and it knows whether they may stay.
            self.emptied.add(arrival.stored.inbox_id)
            has = next(len(one.digests) for one in known if one.text_id == row.text_id)
            if has >= row.parts_total:
                # All of it was there: an operator missed our answer, or the citizen sent it again.
                row.duplicate = True
                self._changed[row.text_id] = row
            return
        row.last_at = max(row.last_at, at)
        row.bind = arrival.stored.bind
        self._session.add(
            PartRow(
                text_id=row.text_id,
                number=arrival.number,
                inbox_id=arrival.stored.inbox_id,
                digest=arrival.digest,
                data_sm=arrival.stored.command_id == DATA_SM,
                octets=arrival.stored.octets,
            )
        )
        self._session.flush()
        self._changed[row.text_id] = row

    def _known(self, key: str, at: datetime) -> list[KnownText]:
        query = (
            select(TextRow.text_id, PartRow.number, PartRow.digest)
            .join(PartRow, PartRow.text_id == TextRow.text_id)
            .where(
                TextRow.text_id.in_(
                    select(TextRow.text_id)
                    .where(TextRow.part_key == key, TextRow.last_at > at - LATE_WITHIN)
                    .order_by(TextRow.text_id.desc())
                    .limit(KNOWN_TEXTS_MAX)
                )
            )
        )
        digests: dict[int, dict[int, str]] = defaultdict(dict)
        for text_id, number, digest in self._session.execute(query):
            digests[text_id][number] = digest
        return [KnownText(text_id, digests[text_id]) for text_id in sorted(digests, reverse=True)]

    def _new_text(self, arrival: Arrival, key: str) -> TextRow:
        at = arrival.stored.received_at
        row = TextRow(
            part_key=key,
            first_inbox_id=arrival.stored.inbox_id,
            operator=arrival.stored.operator,
            bind=arrival.stored.bind,
            citizen=arrival.citizen,
            our_number=arrival.our_number,
            replyable=arrival.replyable,
            parts_total=arrival.part_key().total,
            first_at=at,
            last_at=at,
            due_at=at + timedelta(seconds=PARTS_WAIT_S),
            late=False,
            shown=False,
            aml=False,
            duplicate=False,
        )
        self._session.add(row)
        self._session.flush()
        return row

    def due(self, text_ids: Iterable[int]) -> None:
        """Take up texts whose missing parts nobody waits for any more."""
        for text_id in text_ids:
            row = self._session.get(TextRow, text_id)
            if row is not None and row.due_at is not None:
                row.late = True
                row.due_at = None
                self._changed[row.text_id] = row

    def told(self) -> list[Told]:
        """What is to be said of each text that changed, oldest first."""
        return [self._tell(row) for _, row in sorted(self._changed.items())]

    def _tell(self, row: TextRow) -> Told:
        if row.aml:
            # It was handed on; what else comes of it tells only what the position does not need.
            self._erase(row)
            return Told(row.operator)
        parts = self._parts(row)
        complete = len(parts) >= row.parts_total
        if complete:
            row.due_at = None
        aml = self._as_position(row, parts, complete=complete)
        if isinstance(aml, Position):
            row.aml = True
            row.due_at = None
            self._erase(row)
            withdrawn = self._withdrawn(row) if row.shown else None
            return Told(row.operator, withdrawn, position=aml)
        if aml:
            return Told(row.operator)
        first, row.shown = not row.shown, True
        return Told(row.operator, self._text(row, parts, complete=complete), first=first)

    def _parts(self, row: TextRow) -> dict[int, Arrival]:
        """The parts of a text, read; those of a position that was handed on are empty."""
        rows = self._session.scalars(select(PartRow).where(PartRow.text_id == row.text_id))
        return {part.number: self._read(row, part) for part in rows}

    def _read(self, row: TextRow, part: PartRow) -> Arrival:
        command_id = DATA_SM if part.data_sm else 0
        stored = Stored(
            part.inbox_id, row.operator, row.bind, command_id, part.octets, row.first_at
        )
        return read(stored, self._operators.get(row.operator), self._aml)

    def _as_position(
        self, row: TextRow, parts: Mapping[int, Arrival], *, complete: bool
    ) -> Position | bool:
        """The position that it is; otherwise whether it is held because it may become one."""
        begins = 1 in parts and parts[1].aml is not None
        tail = any(number > 1 and part.aml_tail is not None for number, part in parts.items())
        waits = not complete and not row.late
        if waits:
            return begins or (tail and 1 not in parts and not row.shown)
        if not begins:
            return False
        text = "".join(self._reading(parts[number]) for number in sorted(parts))
        if not self._aml.is_aml(text):
            return False
        return Position(_key(row), text, row.citizen, row.last_at)

    @staticmethod
    def _reading(part: Arrival) -> str:
        return part.aml or part.aml_tail or part.text.text

    def _text(self, row: TextRow, parts: Mapping[int, Arrival], *, complete: bool) -> IncomingText:
        oddities: dict[str, None] = {}

        def read_run(run: Sequence[Arrival]) -> str:
            decoded = self._joined(row.operator, run)
            oddities.update(dict.fromkeys(decoded[1]))
            return decoded[0]

        final = row.late and not complete
        text = compose(parts, row.parts_total, read_run, final=final)
        if final:
            oddities[INCOMPLETE] = None
        return _incoming(row, text, len(parts), complete=complete, oddities=oddities)

    def _joined(self, operator: str, run: Sequence[Arrival]) -> tuple[str, list[str]]:
        settings = self._operators.get(operator)
        messages = [part.message for part in run if part.message is not None]
        decoded = joined_text(
            messages,
            default_alphabet="gsm" if settings is None else settings.default_alphabet,
            packed=settings is not None and settings.gsm_packed,
        )
        own = [oddity for message in messages for oddity in message.oddities]
        return decoded.text, [*own, *decoded.oddities]

    def _withdrawn(self, row: TextRow) -> IncomingText:
        """What stands for a piece that was shown before the rest made it a position."""
        return _incoming(row, "", row.parts_total, complete=True, oddities=("aml",))

    def _erase(self, row: TextRow) -> None:
        for part in self._session.scalars(select(PartRow).where(PartRow.text_id == row.text_id)):
            part.octets = b""
            self.emptied.add(part.inbox_id)


def next_due(session: Session) -> datetime | None:
    """When the first incomplete text is to be told as such."""
    # The condition changes no result; it is what lets SQLite use the index.
    return session.scalar(select(func.min(TextRow.due_at)).where(TextRow.due_at.is_not(None)))


def due_ids(session: Session, now: datetime) -> list[int]:
    """Texts that are to be told as incomplete, the longest overdue first; at most `DUE_MAX`."""
    query = select(TextRow.text_id).where(TextRow.due_at <= now).order_by(TextRow.due_at)
    return list(session.scalars(query.limit(DUE_MAX)))


def postpone(session: Session, text_id: int, until: datetime) -> datetime | None:
    """Tell of a text later; returns when the next one is due."""
    row = session.get(TextRow, text_id)
    if row is not None and row.due_at is not None:
        row.due_at = until
    session.flush()
    return next_due(session)


def _key(row: TextRow) -> str:
    return f"sms:{row.first_inbox_id}"


def _incoming(
    row: TextRow, text: str, have: int, *, complete: bool, oddities: Iterable[str]
) -> IncomingText:
    return IncomingText(
        key=_key(row),
        channel=Channel.SMS,
        via=row.bind,
        citizen=row.citizen,
        our_number=row.our_number,
        text=text,
        received_at=row.first_at,
        replyable=row.replyable,
        parts_have=have,
        parts_total=row.parts_total,
        complete=complete,
        duplicate=row.duplicate,
        oddities=tuple(dict.fromkeys(oddities)),
    )
