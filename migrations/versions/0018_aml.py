"""Positions that phones sent and that no contact has asked for yet."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import RowId, UTCDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "aml_held",
        sa.Column("row_id", RowId, primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("transport", sa.String(8), nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("imei", sa.String(16)),
        sa.Column("received_at", UTCDateTime, nullable=False),
        sa.Column("expires_at", UTCDateTime, nullable=False),
        sa.Column("message", sa.JSON(none_as_null=True)),
        sa.Column("matched_contact_id", sa.String(36)),
        sa.Column("matched_at", UTCDateTime),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_aml_held_expires_at"), "aml_held", ["expires_at"])


def downgrade() -> None:
    op.drop_table("aml_held")
