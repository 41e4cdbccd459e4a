"""The SMS gateway: what operators delivered, and what they were given to send."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import RowId, UTCDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

PENDING = sa.text("done_at IS NULL")
FAILED = sa.text("failed IS NOT NULL")
DIGESTED = sa.text("digest IS NOT NULL")
DUE = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    received()
    sent()


def received() -> None:
    op.create_table(
        "sms_inbox",
        sa.Column("inbox_id", RowId, primary_key=True),
        sa.Column("operator", sa.String(100), nullable=False),
        sa.Column("bind", sa.String(100), nullable=False),
        sa.Column("command_id", sa.Integer, nullable=False),
        sa.Column("octets", sa.LargeBinary, nullable=False),
        sa.Column("received_at", UTCDateTime, nullable=False),
        sa.Column("done_at", UTCDateTime),
        sa.Column("digest", sa.String(32)),
        sa.Column("failed", sa.String(64)),
        sa.Index(
            "ix_sms_inbox_pending", "inbox_id", sqlite_where=PENDING, postgresql_where=PENDING
        ),
        sa.Index("ix_sms_inbox_failed", "inbox_id", sqlite_where=FAILED, postgresql_where=FAILED),
        sa.Index("ix_sms_inbox_digest", "digest", sqlite_where=DIGESTED, postgresql_where=DIGESTED),
    )
    op.create_table(
        "sms_texts",
        sa.Column("text_id", RowId, primary_key=True),
        sa.Column("part_key", sa.String(32), nullable=False),
        sa.Column("first_inbox_id", RowId, nullable=False),
        sa.Column("operator", sa.String(100), nullable=False),
        sa.Column("bind", sa.String(100), nullable=False),
        sa.Column("citizen", sa.String(64), nullable=False),
        sa.Column("our_number", sa.String(64), nullable=False),
        sa.Column("replyable", sa.Boolean, nullable=False),
        sa.Column("parts_total", sa.Integer, nullable=False),
        sa.Column("first_at", UTCDateTime, nullable=False),
        sa.Column("last_at", UTCDateTime, nullable=False, index=True),
        sa.Column("due_at", UTCDateTime),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("shown", sa.Boolean, nullable=False),
        sa.Column("aml", sa.Boolean, nullable=False),
        sa.Column("duplicate", sa.Boolean, nullable=False),
        sa.Index(None, "part_key", "text_id"),
        sa.Index("ix_sms_texts_due", "due_at", sqlite_where=DUE, postgresql_where=DUE),
    )
    op.create_table(
        "sms_parts",
        sa.Column(
            "text_id",
            RowId,
            sa.ForeignKey("sms_texts.text_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("inbox_id", RowId, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("data_sm", sa.Boolean, nullable=False),
        sa.Column("octets", sa.LargeBinary, nullable=False),
    )


def sent() -> None:
    op.create_table(
        "sms_sends",
        sa.Column("send_id", RowId, primary_key=True),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("parts_total", sa.Integer, nullable=False),
        sa.Column("operator", sa.String(100), nullable=False),
        sa.Column("bind", sa.String(100), nullable=False),
        sa.Column("citizen", sa.String(64), nullable=False),
        sa.Column("our_number", sa.String(64), nullable=False),
        sa.Column("reference", sa.Integer, nullable=False),
        sa.Column("data_coding", sa.Integer, nullable=False),
        sa.Column("udh", sa.LargeBinary, nullable=False),
        sa.Column("octets", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False, index=True),
        sa.Column("expires_at", UTCDateTime, nullable=False),
        sa.Column("not_before", UTCDateTime, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("doubts", sa.Integer, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("sent_by", sa.String(100)),
        sa.Column("sent_operator", sa.String(100)),
        sa.Column("sent_at", UTCDateTime),
        sa.Column("smsc_id", sa.String(80)),
        sa.Column("error", sa.String(64)),
        sa.Index(None, "message_id", "number", unique=True),
        sa.Index(None, "state", "operator", "citizen", "send_id"),
        sa.Index(None, "citizen", "send_id"),
    )
    op.create_table(
        "sms_send_ids",
        sa.Column("operator", sa.String(100), primary_key=True),
        sa.Column("id_key", sa.String(80), primary_key=True),
        sa.Column(
            "send_id",
            RowId,
            sa.ForeignKey("sms_sends.send_id", ondelete="CASCADE"),
            primary_key=True,
            index=True,
        ),
    )
    op.create_table(
        "sms_receipts",
        sa.Column("receipt_id", RowId, primary_key=True),
        sa.Column("operator", sa.String(100), nullable=False),
        sa.Column("id_key", sa.String(80), nullable=False),
        sa.Column("given", sa.String(80), nullable=False),
        sa.Column("citizen", sa.String(64), nullable=False),
        sa.Column("inbox_id", RowId, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("error", sa.String(64)),
        sa.Column("received_at", UTCDateTime, nullable=False, index=True),
        sa.Index(None, "operator", "id_key"),
        sa.Index(None, "inbox_id"),
    )


def downgrade() -> None:
    for table in (
        "sms_receipts",
        "sms_send_ids",
        "sms_sends",
        "sms_parts",
        "sms_texts",
        "sms_inbox",
    ):
        op.drop_table(table)
