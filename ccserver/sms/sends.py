"""What is to be sent, in the database: a row for each part, from the call taker's word to the end.

Every function works in a session of others, so that a row changes together with what is told of
it. A part's state moves only as `ccserver.sms.folding` allows; what becomes of its text is folded
from its parts and told when it is something new.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ccserver.config import SMSOperatorSettings
from ccserver.sms import correlation
from ccserver.sms.correlation import Reported
from ccserver.sms.folding import (
    FINAL_PARTS,
    UNFINISHED,
    Part,
    PartState,
    fold,
    may_become,
    may_follow,
)
from ccserver.sms.models import ADDRESS_LENGTH, ID_LENGTH, SendRow
from ccserver.sms.splitting import Part as Piece
from ccserver.sms.splitting import split
from ccserver.texts import Delivery, OutgoingText
from ccserver.types import MessageId

NOT_SENT_IN_TIME: Final = "not_sent_in_time"
"""No bind took it while it still meant something."""
OUTCOME_UNKNOWN: Final = "outcome_unknown"
"""A bind took it and did not answer, and none took it again in time: it may have arrived."""
DOUBTS_MAX: Final = 3
"""Times that a part is handed over without an answer. An operator that takes and never answers
delivers each, and the citizen should not get one text a hundred times."""
PART_FAILED: Final = "part_failed"
"""Another part of the same text failed, and a text with a hole is worse than one said to have
failed: the rest is not sent."""
ADDRESS_INVALID: Final = "address_invalid"
DUE_MAX: Final = 200
"""Parts looked at together; windows are smaller."""
EXPIRE_MAX: Final = 100
RETRY_PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Before another try of what an operator refused for now; the citizen's later texts wait behind."""

PAUSE_MAX: Final = timedelta(seconds=RETRY_PAUSES_S[-1])
"""No part waits longer for its next try; one that seems to was marked by another clock."""


@dataclass(frozen=True, slots=True)
class Send:
    """A part that is to be sent."""

    send_id: int
    message_id: MessageId
    operator: str
    bind: str
    citizen: str
    our_number: str
    piece: Piece
    expires_at: datetime


def enqueue(
    session: Session, text: OutgoingText, *, operator: SMSOperatorSettings, bind: str
) -> None:
    """Write a row for each part; the same text again changes nothing.

    Raises `ccserver.sms.splitting.TextTooLong`.
    """
    known = select(SendRow.send_id).where(SendRow.message_id == text.message_id).limit(1)
    if session.scalar(known) is not None:
        return
    reference = _next_reference(session, text.citizen)
    pieces = split(text.text, reference=reference, default_alphabet=operator.default_alphabet)
    for piece in pieces:
        session.add(
            SendRow(
                message_id=text.message_id,
                number=piece.number,
                parts_total=piece.total,
                operator=operator.name,
                bind=bind,
                citizen=text.citizen[:ADDRESS_LENGTH],
                our_number=text.our_number[:ADDRESS_LENGTH],
                reference=reference,
                data_coding=piece.data_coding,
                udh=piece.udh,
                octets=piece.octets,
                created_at=text.at,
                expires_at=text.at + timedelta(seconds=operator.validity_s),
                not_before=text.at,
                state=PartState.QUEUED.value,
                doubts=0,
                refusals=0,
            )
        )
        # One by one, so that the numbers of the rows are in the order of the parts.
        session.flush()


def _next_reference(session: Session, citizen: str) -> int:
    """Another one than the citizen's phone still joins parts by."""
    newest = (
        select(SendRow.reference)
        .where(SendRow.citizen == citizen[:ADDRESS_LENGTH])
        .order_by(SendRow.send_id.desc())
        .limit(1)
    )
    return ((session.scalar(newest) or 0) + 1) & 0xFF


def due(session: Session, now: datetime) -> list[Send]:
    """The next part of every citizen who has none under way, in the order of their numbers."""
    first = (
        select(func.min(SendRow.send_id))
        .where(SendRow.state.in_([state.value for state in UNFINISHED]))
        .group_by(SendRow.operator, SendRow.citizen)
    )
    query = (
        select(SendRow)
        .where(
            SendRow.send_id.in_(first),
            SendRow.state == PartState.QUEUED.value,
            # A clock that was set back must not keep replies for an hour.
            or_(SendRow.not_before <= now, SendRow.not_before > now + PAUSE_MAX),
        )
        .order_by(SendRow.send_id)
        .limit(DUE_MAX)
    )
    return [_send(row) for row in session.scalars(query)]


def claim(session: Session, chosen: Sequence[tuple[int, str, str]]) -> list[int]:
    """Say before it is done that these are given to a bind; returns those that may be.

    ``chosen`` are number, bind and operator. A process that finds them so afterwards knows that
    the operator may have them.
    """
    claimed = []
    for send_id, bind, operator in chosen:
        row = session.get(SendRow, send_id)
        if row is None or not may_become(PartState(row.state), PartState.SENDING):
            continue
        row.state = PartState.SENDING.value
        row.sent_by = bind
        row.sent_operator = operator
        claimed.append(send_id)
    return claimed


def release(session: Session, send_ids: Sequence[int]) -> None:
    """Undo marks of parts that this process never gave to a bind."""
    for send_id in send_ids:
        row = session.get(SendRow, send_id)
        if row is not None and row.state == PartState.SENDING.value:
            _move(row, PartState.QUEUED)


def taken(session: Session, send_id: int, smsc_id: str, now: datetime) -> list[Delivery]:
    """The operator has it and calls it ``smsc_id``; receipts that came before are used."""
    row = session.get(SendRow, send_id)
    if row is None:
        return []
    smsc_id = smsc_id[:ID_LENGTH]
    operator = row.sent_operator or row.operator

    def change() -> None:
        _move(row, PartState.SENT)
        row.smsc_id = smsc_id
        row.sent_at = now
        correlation.remember(session, operator, send_id, smsc_id)
        for report in correlation.take_early(session, operator, smsc_id, row.citizen):
            _end(session, row, report)

    return _told(session, row, now, change)


def refused(session: Session, send_id: int, error: str, now: datetime) -> list[Delivery]:
    """The operator will never take it."""
    row = session.get(SendRow, send_id)
    if row is None:
        return []
    return _told(session, row, now, lambda: _fail(session, row, PartState.FAILED, error))


def not_taken(session: Session, send_id: int, now: datetime, *, pause_s: float) -> None:
    """No bind had room for it; it was not sent."""
    row = session.get(SendRow, send_id)
    if row is not None:
        _move(row, PartState.QUEUED)
        row.not_before = now + timedelta(seconds=pause_s)


def refused_for_now(session: Session, send_id: int, now: datetime) -> None:
    """The operator may take it later."""
    row = session.get(SendRow, send_id)
    if row is not None:
        row.refusals += 1
        pause_s = RETRY_PAUSES_S[min(row.refusals, len(RETRY_PAUSES_S)) - 1]
        not_taken(session, send_id, now, pause_s=pause_s)


def doubted(session: Session, send_id: int, now: datetime) -> list[Delivery]:
    """Nobody answered, so the operator may have it: it is sent again, some few times."""
    row = session.get(SendRow, send_id)
    if row is None:
        return []

    def change() -> None:
        if PartState(row.state) is not PartState.SENDING:
            return
        row.doubts += 1
        row.not_before = now
        _move(row, PartState.QUEUED if row.doubts < DOUBTS_MAX else PartState.SENT)

    return _told(session, row, now, change)


def take_up(session: Session, now: datetime) -> list[Delivery]:
    """A new process: nobody knows of what was under way where it is, so it is sent again."""
    query = select(SendRow.send_id).where(SendRow.state == PartState.SENDING.value)
    told: list[Delivery] = []
    for send_id in session.scalars(query.order_by(SendRow.send_id)).all():
        told += doubted(session, send_id, now)
    return told


def expire(session: Session, now: datetime) -> list[Delivery]:
    """Give up what no bind took in its time."""
    query = (
        select(SendRow)
        .where(SendRow.state == PartState.QUEUED.value, SendRow.expires_at <= now)
        .order_by(SendRow.send_id)
        .limit(EXPIRE_MAX)
    )
    told: list[Delivery] = []
    for row in session.scalars(query).all():
        if row.state != PartState.QUEUED.value:
            continue  # with an earlier part of its text
        told += _told(session, row, now, lambda row=row: _expire(session, row))  # type: ignore[misc]
    return told


def report(session: Session, reported: Reported) -> tuple[bool, list[Delivery]]:
    """Use a receipt; tells first whether its part is known. An unknown one is kept for a while."""
    send_id = correlation.find_send(session, reported)
    if send_id is None:
        correlation.keep_early(session, reported)
        return False, []
    row = session.get_one(SendRow, send_id)
    return True, _told(session, row, reported.received_at, lambda: _end(session, row, reported))


def queued(session: Session) -> dict[str, tuple[int, datetime]]:
    """By operator: how many parts wait, and since when the oldest one does."""
    query = (
        select(SendRow.operator, func.count(), func.min(SendRow.created_at))
        .where(SendRow.state.in_([state.value for state in UNFINISHED]))
        .group_by(SendRow.operator)
    )
    return {operator: (count, since) for operator, count, since in session.execute(query)}


def _expire(session: Session, row: SendRow) -> None:
    error = OUTCOME_UNKNOWN if row.doubts else NOT_SENT_IN_TIME
    _fail(session, row, PartState.EXPIRED, error)


def _end(session: Session, row: SendRow, reported: Reported) -> None:
    """What a receipt says of a part, if it may still be said."""
    outcome = reported.outcome
    if outcome is None or not may_become(PartState(row.state), outcome):
        return
    if outcome is PartState.DELIVERED:
        _move(row, outcome)
    else:
        _fail(session, row, outcome, reported.error or outcome.value)


def _fail(session: Session, row: SendRow, state: PartState, error: str) -> None:
    """End a part, and the parts of its text that were not sent."""
    _move(row, state, error)
    query = select(SendRow).where(
        SendRow.message_id == row.message_id,
        SendRow.state == PartState.QUEUED.value,
        SendRow.send_id != row.send_id,
    )
    for other in session.scalars(query).all():
        _move(other, state, PART_FAILED)


def _move(row: SendRow, state: PartState, error: str | None = None) -> None:
    if not may_become(PartState(row.state), state):
        return
    row.state = state.value
    if error is not None:
        row.error = error[:ADDRESS_LENGTH]
    if state in FINAL_PARTS or state is PartState.SENT:
        # Nobody sends it again, and what it says is in its conversation.
        row.octets = b""


def _told(
    session: Session, row: SendRow, now: datetime, change: Callable[[], None]
) -> list[Delivery]:
    """Do ``change`` and say what it makes of the text, if that is new."""
    before = fold(_parts(session, row.message_id))
    change()
    session.flush()
    parts = _parts(session, row.message_id)
    after = fold(parts)
    if after == before or not may_follow(before.state, after.state):
        return []
    return [
        Delivery(
            message_id=MessageId(row.message_id),
            state=after.state,
            at=now,
            error=after.error,
            parts_done=after.done,
            parts_total=len(parts),
        )
    ]


def _parts(session: Session, message_id: str) -> list[Part]:
    query = (
        select(SendRow.state, SendRow.doubts, SendRow.error)
        .where(SendRow.message_id == message_id)
        .order_by(SendRow.number)
    )
    return [
        Part(PartState(state), doubts > 0, error) for state, doubts, error in session.execute(query)
    ]


def _send(row: SendRow) -> Send:
    piece = Piece(row.octets, row.data_coding, row.udh, row.number, row.parts_total)
    return Send(
        row.send_id,
        MessageId(row.message_id),
        row.operator,
        row.bind,
        row.citizen,
        row.our_number,
        piece,
        row.expires_at,
    )
