"""Which of our parts a receipt is about.

An operator gives each part an identifier in its answer and writes it in the receipt in a spelling
of its own: decimal for hexadecimal, with zeros in front, in other letters. Each spelling that one
identifier may have is kept, and where several parts share one, the better spelling and the same
citizen decide. A receipt may be ahead of the answer, so one that matches nothing yet is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from ccserver.sms.folding import PartState
from ccserver.sms.models import ADDRESS_LENGTH, ID_LENGTH, ReceiptRow, SendIdRow, SendRow
from ccserver.sms.receipt import Receipt, ReceiptState, id_distance, id_keys

OUTCOMES = {
    ReceiptState.DELIVERED: PartState.DELIVERED,
    ReceiptState.EXPIRED: PartState.EXPIRED,
    ReceiptState.DELETED: PartState.FAILED,
    ReceiptState.UNDELIVERABLE: PartState.FAILED,
    ReceiptState.REJECTED: PartState.FAILED,
}
"""Of what else a receipt may say nothing follows: it is on its way, or nobody knows."""
SPELLED_ALIKE = 1
"""Identifiers that differ in zeros and capitals at most are the same whoever the citizen is; in
another base they may be two, and then the citizen has to be the same as well."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What a receipt says became of a part; ``outcome`` is ``None`` while that is open."""

    inbox_id: int
    operator: str
    ids: tuple[str, ...]
    citizen: str
    outcome: PartState | None
    error: str | None
    received_at: datetime


def reported(
    receipt: Receipt,
    *,
    inbox_id: int,
    operator: str,
    citizen: str,
    received_at: datetime,
    intermediate: bool,
) -> Reported:
    """Reduce a receipt to what matters; what is called intermediate is never an end."""
    outcome = None if intermediate else OUTCOMES.get(receipt.state)
    error = None
    if outcome in {PartState.FAILED, PartState.EXPIRED}:
        error = (receipt.error or receipt.state.value)[:64]
    ids = tuple(one[:ID_LENGTH] for one in receipt.ids)
    return Reported(inbox_id, operator, ids, citizen, outcome, error, received_at)


def find_send(session: Session, report: Reported) -> int | None:
    """The part that the receipt is about, or ``None`` where there is none (yet)."""
    keys = _keys(report.ids)
    if not keys:
        return None
    query = (
        select(SendRow.send_id, SendRow.smsc_id, SendRow.citizen)
        .join(SendIdRow, SendIdRow.send_id == SendRow.send_id)
        .where(SendIdRow.operator == report.operator, SendIdRow.id_key.in_(keys))
        .distinct()
    )
    best: tuple[int, int, int] | None = None
    for send_id, smsc_id, citizen in session.execute(query):
        distance = _distance(smsc_id or "", report.ids)
        same = citizen == report.citizen
        if distance is None or (distance > SPELLED_ALIKE and not same):
            continue
        # Identifiers are given again after a while: among equals the newest part is meant.
        rank = (int(same), -distance, int(send_id))
        best = rank if best is None else max(best, rank)
    return None if best is None else best[2]


def remember(session: Session, operator: str, send_id: int, smsc_id: str) -> None:
    """Keep every spelling of the identifier that ``operator`` gave to a part."""
    keys = _keys([smsc_id])
    if not keys:
        return
    session.execute(
        delete(SendIdRow).where(SendIdRow.operator == operator, SendIdRow.send_id == send_id)
    )
    session.execute(
        insert(SendIdRow),
        [{"operator": operator, "id_key": key, "send_id": send_id} for key in keys],
    )


def keep_early(session: Session, report: Reported) -> None:
    """Keep a receipt that matches nothing; what nothing follows from is not kept."""
    if report.outcome is None:
        return
    known = select(ReceiptRow.receipt_id).where(ReceiptRow.inbox_id == report.inbox_id).limit(1)
    if session.scalar(known) is not None:
        return
    rows = [
        {
            "operator": report.operator,
            "id_key": key,
            "given": given,
            "citizen": report.citizen[:ADDRESS_LENGTH],
            "inbox_id": report.inbox_id,
            "state": report.outcome.value,
            "error": report.error,
            "received_at": report.received_at,
        }
        for given in report.ids
        for key in _keys([given])
    ]
    if rows:
        session.execute(insert(ReceiptRow), rows)


def take_early(session: Session, operator: str, smsc_id: str, citizen: str) -> list[Reported]:
    """Receipts that came before the answer with ``smsc_id``, in the order in which they came.

    They are taken out: each is used once.
    """
    keys = _keys([smsc_id])
    if not keys:
        return []
    query = (
        select(ReceiptRow)
        .where(ReceiptRow.operator == operator, ReceiptRow.id_key.in_(keys))
        .order_by(ReceiptRow.inbox_id)
    )
    found: dict[int, Reported] = {}
    for row in session.scalars(query):
        distance = id_distance(smsc_id, row.given)
        if distance is None or (distance > SPELLED_ALIKE and row.citizen != citizen):
            continue
        found[row.inbox_id] = Reported(
            row.inbox_id,
            row.operator,
            (row.given,),
            row.citizen,
            PartState(row.state),
            row.error,
            row.received_at,
        )
    if found:
        session.execute(delete(ReceiptRow).where(ReceiptRow.inbox_id.in_(found)))
    return list(found.values())


def _keys(ids: Iterable[str]) -> list[str]:
    return sorted({key[:ID_LENGTH] for one in ids for key in id_keys(one)})


def _distance(smsc_id: str, ids: Sequence[str]) -> int | None:
    distances = [id_distance(smsc_id, one) for one in ids]
    return min((one for one in distances if one is not None), default=None)
