"""The second step: what the inbox keeps is handed on, a batch in one transaction.

A row is done in the transaction in which others take what it says, so it is handed on once however
often we are stopped. Of a batch that fails each row is tried alone, so that one bad row holds up
nobody; that one is tried as the octets that it is, and if that fails too it is set aside, with the
reason, for the next process to try again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ccserver.config import SMSOperatorSettings
from ccserver.sms import correlation, sends
from ccserver.sms.arrival import UNPROCESSED, AMLRules, Arrival, Stored, read, unread
from ccserver.sms.models import InboxRow
from ccserver.sms.parts import Parts, Position, next_due
from ccserver.sms.ports import Kind, Takers
from ccserver.sms.receipt import Receipt
from ccserver.sms.retention import INBOX_KEPT
from ccserver.texts import FINAL_STATES, Channel, Delivery, IncomingText

log = structlog.get_logger(__name__)

FAILED_AGAIN_WITHIN: Final = timedelta(hours=24)
"""What was set aside longer ago is for a person to look at: nobody waits for an answer to it."""
FAILED_AGAIN_MAX: Final = 1_000
"""Of them at one start."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What a transaction handed on; ``counts`` are by operator and name, for the metrics."""

    kinds: frozenset[Kind]
    counts: Mapping[tuple[str, str], int]
    next_due: datetime | None
    """When the first incomplete text is to be told as such."""


@dataclass(slots=True)
class _Haul:
    """What is handed to the takers together."""

    texts: dict[str, IncomingText] = field(default_factory=dict)
    """By key: of a text that changes twice only the last state is told."""
    positions: list[tuple[Position, str]] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    emptied: set[int] = field(default_factory=set)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)


class Landing:
    """Reads rows and hands on what they say; without state of its own."""

    def __init__(self, operators: Mapping[str, SMSOperatorSettings], takers: Takers) -> None:
        self._operators = operators
        self._takers = takers
        self._aml = AMLRules(takers.is_aml, takers.is_aml_tail)

    def pending(self, session: Session, limit: int) -> list[Arrival]:
        """The next rows, read; one that cannot be read is the octets that it is."""
        return [self._read(stored) for stored in pending(session, limit)]

    def _read(self, stored: Stored) -> Arrival:
        try:
            return read(stored, self._operators.get(stored.operator), self._aml)
        except Exception as error:
            # Reading promises not to; a text is worth more than the promise.
            log.error("sms_reading_failed", inbox_id=stored.inbox_id, reason=type(error).__name__)
            return unread(stored, UNPROCESSED)

    def land(self, session: Session, arrivals: Sequence[Arrival], now: datetime) -> Landed:
        """Hand on what these say and mark them as done, in ``session``'s transaction."""
        # A transaction that was given up on for its slowness may have done some of them since.
        arrivals = _not_done(session, arrivals)
        haul = _Haul()
        parts = Parts(session, self._operators, self._aml)
        seen = _last_seen(session, arrivals)
        for arrival in arrivals:
            if arrival.is_receipt:
                self._receipt(session, arrival, haul)
            elif arrival.is_part:
                parts.add(arrival)
            else:
                last = seen.get(arrival.digest)
                again = last is not None and arrival.stored.received_at - last <= INBOX_KEPT
                self._whole(arrival, haul, duplicate=again)
            seen[arrival.digest] = arrival.stored.received_at
        self._parts_told(parts, haul)
        done(session, arrivals, now)
        return self._hand_on(session, haul)

    def due(self, session: Session, text_ids: Sequence[int]) -> Landed:
        """Tell of texts that are incomplete and were waited for long enough."""
        haul = _Haul()
        parts = Parts(session, self._operators, self._aml)
        parts.due(text_ids)
        self._parts_told(parts, haul)
        return self._hand_on(session, haul)

    def _receipt(self, session: Session, arrival: Arrival, haul: _Haul) -> None:
        assert arrival.message is not None
        known, deliveries = sends.report(
            session,
            correlation.reported(
                Receipt.parse(arrival.message),
                inbox_id=arrival.stored.inbox_id,
                operator=arrival.stored.operator,
                citizen=arrival.citizen,
                received_at=arrival.stored.received_at,
                intermediate=arrival.message.is_intermediate,
            ),
        )
        operator = arrival.stored.operator
        haul.counts[operator, "receipts" if known else "receipts_unmatched"] += 1
        for one in deliveries:
            if one.state in FINAL_STATES:
                haul.counts[operator, one.state.value] += 1
        haul.deliveries += deliveries

    def _whole(self, arrival: Arrival, haul: _Haul, *, duplicate: bool) -> None:
        stored = arrival.stored
        if arrival.aml is not None:
            assert arrival.message is not None
            position = Position(stored.key, arrival.aml, arrival.citizen, stored.received_at)
            haul.positions.append((position, arrival.message.user_data.hex()))
            haul.emptied.add(stored.inbox_id)
            haul.counts[stored.operator, "aml"] += 1
            return
        haul.counts[stored.operator, "texts"] += 1
        haul.counts[stored.operator, "duplicates"] += duplicate
        haul.texts[stored.key] = IncomingText(
            key=stored.key,
            channel=Channel.SMS,
            via=stored.bind,
            citizen=arrival.citizen,
            our_number=arrival.our_number,
            text=arrival.text.text,
            received_at=stored.received_at,
            replyable=arrival.replyable,
            duplicate=duplicate,
            oddities=arrival.oddities,
        )

    def _parts_told(self, parts: Parts, haul: _Haul) -> None:
        for told in parts.told():
            if told.text is not None:
                haul.texts[told.text.key] = told.text
            if told.position is not None:
                haul.positions.append((told.position, ""))
                haul.counts[told.operator, "aml"] += 1
            haul.counts[told.operator, "texts"] += told.first
        haul.emptied |= parts.emptied
        for operator, repeated in parts.repeated.items():
            haul.counts[operator, "duplicates"] += repeated

    def _hand_on(self, session: Session, haul: _Haul) -> Landed:
        kinds: set[Kind] = set()
        if haul.texts:
            kinds.add("texts")
            self._takers.texts(session, list(haul.texts.values()))
        for position, octets_hex in haul.positions:
            kinds.add("aml")
            self._takers.aml(
                session,
                key=position.key,
                text=position.text,
                octets_hex=octets_hex,
                sender=position.sender,
                received_at=position.received_at,
            )
        if haul.deliveries:
            kinds.add("deliveries")
            self._takers.deliveries(session, haul.deliveries)
        if haul.emptied:
            empty(session, haul.emptied)
        session.flush()
        return Landed(frozenset(kinds), dict(haul.counts), next_due(session))


def pending(session: Session, limit: int) -> list[Stored]:
    """The oldest rows that are not done."""
    query = (
        select(
            InboxRow.inbox_id,
            InboxRow.operator,
            InboxRow.bind,
            InboxRow.command_id,
            InboxRow.octets,
            InboxRow.received_at,
        )
        .where(InboxRow.done_at.is_(None))
        .order_by(InboxRow.inbox_id)
        .limit(limit)
    )
    return [Stored(*row) for row in session.execute(query)]


def count_pending(session: Session) -> int:
    """How many rows are not done."""
    query = select(func.count()).select_from(InboxRow).where(InboxRow.done_at.is_(None))
    return session.scalar(query) or 0


def _not_done(session: Session, arrivals: Sequence[Arrival]) -> list[Arrival]:
    ids = [one.stored.inbox_id for one in arrivals]
    query = select(InboxRow.inbox_id).where(InboxRow.inbox_id.in_(ids), InboxRow.done_at.is_(None))
    left = set(session.scalars(query))
    return [one for one in arrivals if one.stored.inbox_id in left]


def done(session: Session, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Mark rows as done."""
    if not arrivals:
        return
    session.execute(
        update(InboxRow),
        [
            {"inbox_id": one.stored.inbox_id, "done_at": now, "digest": one.digest, "failed": None}
            for one in arrivals
        ],
    )


def set_aside(session: Session, inbox_id: int, reason: str, now: datetime) -> None:
    """Keep a row that could not be handed on, so that those behind it can be."""
    session.execute(
        update(InboxRow)
        .where(InboxRow.inbox_id == inbox_id)
        .values(done_at=now, failed=reason[:64])
    )


def try_failed_again(session: Session, now: datetime) -> int:
    """Take up what a former process set aside: this one may be a version that can read it."""
    query = (
        select(InboxRow.inbox_id)
        .where(InboxRow.failed.is_not(None), InboxRow.received_at > now - FAILED_AGAIN_WITHIN)
        .order_by(InboxRow.inbox_id)
        .limit(FAILED_AGAIN_MAX)
    )
    ids = list(session.scalars(query))
    if ids:
        again = update(InboxRow).where(InboxRow.inbox_id.in_(ids))
        session.execute(again.values(done_at=None, failed=None))
    return len(ids)


def empty(session: Session, inbox_ids: set[int]) -> None:
    """Let go of the octets of rows: of positions, and of parts that are kept elsewhere."""
    emptied = update(InboxRow).where(InboxRow.inbox_id.in_(sorted(inbox_ids)))
    session.execute(emptied.values(octets=b""))


def _last_seen(session: Session, arrivals: Sequence[Arrival]) -> dict[str, datetime]:
    """When what these say came last, by digest, as far as rows of it are kept."""
    wanted = {one.digest for one in arrivals}
    query = (
        select(InboxRow.digest, func.max(InboxRow.received_at))
        .where(InboxRow.digest.in_(sorted(wanted)))
        .group_by(InboxRow.digest)
    )
    return {digest: at for digest, at in session.execute(query) if digest is not None}
