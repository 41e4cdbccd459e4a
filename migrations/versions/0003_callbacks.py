"""Call-back tasks: who gave up, and what was done to reach them."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LIVE_WITH_NUMBER = sa.text("state <> 'done' AND digits <> ''")


def upgrade() -> None:
    op.create_table(
        "callback_tasks",
        sa.Column("task_id", sa.String(36), primary_key=True),
        sa.Column("number", sa.String(64)),
        sa.Column("digits", sa.String(64), nullable=False),
        sa.Column("incident_id", sa.String(36)),
        sa.Column("card_number", sa.String(16)),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("last_abandoned_at", UTCDateTime, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("closed_at", UTCDateTime),
        sa.Column("closed_by", sa.String(64)),
        sa.Column("closing_contact_id", sa.String(64), index=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Index(None, "state", "closed_at", "task_id"),
        sa.Index(None, "digits", "closed_at"),
        sa.Index(
            "uq_callback_tasks_live_digits",
            "digits",
            unique=True,
            sqlite_where=LIVE_WITH_NUMBER,
            postgresql_where=LIVE_WITH_NUMBER,
        ),
    )
    op.create_table(
        "callback_contacts",
        sa.Column("contact_id", sa.String(64), primary_key=True),
        sa.Column(
            "task_id",
            sa.String(36),
            sa.ForeignKey("callback_tasks.task_id"),
            nullable=False,
            index=True,
        ),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("arrived_at", UTCDateTime, nullable=False),
        sa.Column("abandoned_at", UTCDateTime, nullable=False, index=True),
    )
    op.create_table(
        "callback_attempts",
        sa.Column("attempt_id", sa.String(36), primary_key=True),
        sa.Column(
            "task_id",
            sa.String(36),
            sa.ForeignKey("callback_tasks.task_id"),
            nullable=False,
            index=True,
        ),
        sa.Column("agent_id", sa.String(32)),
        sa.Column("contact_id", sa.String(64), index=True),
        sa.Column("automatic", sa.Boolean, nullable=False),
        sa.Column("begun_at", UTCDateTime, nullable=False),
        sa.Column("ended_at", UTCDateTime),
        sa.Column("outcome", sa.String(16)),
    )


def downgrade() -> None:
    for table in ("callback_attempts", "callback_contacts", "callback_tasks"):
        op.drop_table(table)
