"""How long the gateway keeps what it was given, and how it lets go of it.

A text lives in its conversation; here are only the octets as they came, for as long as they serve
to recognise a repetition or to repair what failed, and the replies for as long as receipts come.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session

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


def purge(session: Session, now: datetime) -> int:
    """Delete what is older than it is kept, a bounded number of rows; returns how many."""
    newest = session.scalar(select(func.max(InboxRow.inbox_id))) or 0
    gone = 0
    for key, old in (
        (
            InboxRow.inbox_id,
            # The newest row stays: a number that is given again would be another text's key.
            (InboxRow.inbox_id < newest)
            & (InboxRow.received_at < now - INBOX_KEPT)
            & InboxRow.done_at.is_not(None)
            & (InboxRow.failed.is_(None) | (InboxRow.received_at < now - FAILED_KEPT)),
        ),
        (TextRow.text_id, (TextRow.last_at < now - TEXTS_KEPT) & TextRow.due_at.is_(None)),
        (SendRow.send_id, SendRow.created_at < now - SENDS_KEPT),
        (ReceiptRow.receipt_id, ReceiptRow.received_at < now - EARLY_RECEIPTS_KEPT),
    ):
        first = select(key).where(old).order_by(key).limit(PURGE_ROWS_MAX)
        result = session.execute(
            delete(key.class_).where(key.in_(first)),
            execution_options={"synchronize_session": False},
        )
        assert isinstance(result, CursorResult)
        gone += result.rowcount
    return gone
