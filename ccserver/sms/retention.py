"""How long the gateway keeps what it was given, and how it lets go of it.

A text lives in its conversation; here are only the octets as they came, for as long as they serve
to recognise a repetition or to repair what failed, and the replies for as long as receipts come.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CursorResult, Select, delete, func, inspect, select
from sqlalchemy.orm import Session

from ccserver.db import Base
from ccserver.sms.models import InboxRow, ReceiptRow, SendRow, TextRow
from ccserver.sms.reassembly import LATE_WITHIN

INBOX_KEPT: Final = timedelta(hours=24)
"""The span in which the same octets from the same sender are marked as a repetition."""
FAILED_KEPT: Final = timedelta(days=30)
"""What could not be handed on waits for somebody, or for a version of us that can."""
TEXTS_KEPT: Final = max(LATE_WITHIN, INBOX_KEPT)
"""Parts: a late one mends its text, and a repeated one is recognised."""
SENDS_KEPT: Final = timedelta(days=3)
"""Operators try for 30 minutes at most and tell us then; a receipt that is days late tells of
nothing that anybody still waits for, and operators give their identifiers again."""
EARLY_RECEIPTS_KEPT: Final = timedelta(hours=1)
"""A receipt is ahead of the answer to its text by seconds. After this it was never ours."""
PURGE_ROWS_MAX: Final = 1_000
"""Of one transaction: a few milliseconds in which nobody else writes."""


Numbers = Select[int]
"""Of rows that are to be deleted."""


def purge(session: Session, now: datetime) -> int:
    """Delete what is older than it is kept, a bounded number of rows; returns how many."""
    return (
        _delete(session, InboxRow, _old_deliveries(session, now))
        + _delete(session, InboxRow, _old_failures(now))
        + _delete(session, TextRow, _old_texts(now))
        + _delete(session, SendRow, _old_sends(now))
        + _delete(session, ReceiptRow, _old_receipts(now))
    )


def _old_deliveries(session: Session, now: datetime) -> Numbers:
    """Looks at the first rows only: they are in the order of time, and there may be a million."""
    # The newest row stays: a number that is given again would be another text's key.
    newest = session.scalar(select(func.max(InboxRow.inbox_id))) or 0
    first = (
        select(InboxRow.inbox_id, InboxRow.received_at, InboxRow.done_at)
        .where(InboxRow.failed.is_(None), InboxRow.inbox_id < newest)
        .order_by(InboxRow.inbox_id)
        .limit(PURGE_ROWS_MAX)
        .subquery()
    )
    return select(first.c.inbox_id).where(
        first.c.received_at < now - INBOX_KEPT, first.c.done_at.is_not(None)
    )


def _old_failures(now: datetime) -> Numbers:
    return select(InboxRow.inbox_id).where(
        InboxRow.failed.is_not(None), InboxRow.received_at < now - FAILED_KEPT
    )


def _old_texts(now: datetime) -> Numbers:
    return select(TextRow.text_id).where(
        TextRow.last_at < now - TEXTS_KEPT, TextRow.due_at.is_(None)
    )


def _old_sends(now: datetime) -> Numbers:
    return select(SendRow.send_id).where(SendRow.created_at < now - SENDS_KEPT)


def _old_receipts(now: datetime) -> Numbers:
    return select(ReceiptRow.receipt_id).where(ReceiptRow.received_at < now - EARLY_RECEIPTS_KEPT)


def _delete(session: Session, table: type[Base], old: Numbers) -> int:
    (key,) = inspect(table).primary_key
    result = session.execute(
        delete(table).where(key.in_(old.limit(PURGE_ROWS_MAX))),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(result, CursorResult)
    return result.rowcount
