"""Recordings of parties' legs. A table of its own, so that code that knows one recording for each
contact goes on with the other."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "party_recordings",
        sa.Column("recording_id", sa.String(36), primary_key=True),
        sa.Column("contact_id", sa.String(36), nullable=False),
        sa.Column("leg_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("number", sa.String(65)),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("agent_id", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("path", sa.String(255), nullable=False),
        sa.Column("started_at", UTCDateTime, nullable=False),
        sa.Column("sealed_at", UTCDateTime),
        sa.Column("sample_rate", sa.Integer),
        sa.Column("frames", sa.BigInteger),
        sa.Column("duration_s", sa.Float),
        sa.Column("size", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("contact_id", "leg_id"),
    )


def downgrade() -> None:
    op.drop_table("party_recordings")
