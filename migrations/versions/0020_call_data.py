"""The data that came with calls, as it came."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import RowId, UTCDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

UNTOLD = sa.text("told_at IS NULL")
CAME = (
    "data_id",
    "key",
    "via",
    "received_at",
    "call_id",
    "trunk",
    "service",
    "ack",
    "status",
    "cut_length",
    "source",
    "media_type",
    "octets",
)
"""What never changes. The contact may become known later, and is then never another."""


def upgrade() -> None:
    op.create_table(
        "call_data",
        sa.Column("data_id", RowId, primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("via", sa.String(16), nullable=False),
        sa.Column("received_at", UTCDateTime, nullable=False),
        sa.Column("contact_id", sa.String(36)),
        sa.Column("call_id", sa.String(255), nullable=False),
        sa.Column("trunk", sa.String(100), nullable=False),
        sa.Column("service", sa.String(96)),
        sa.Column("ack", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("cut_length", sa.Integer),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("octets", sa.LargeBinary, nullable=False),
        sa.Column("told_at", UTCDateTime),
        sa.UniqueConstraint("key"),
        sa.Index("ix_call_data_untold", "data_id", sqlite_where=UNTOLD, postgresql_where=UNTOLD),
    )
    op.create_index(op.f("ix_call_data_contact_id"), "call_data", ["contact_id"])
    op.create_index(op.f("ix_call_data_call_id"), "call_data", ["call_id"])
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def downgrade() -> None:
    op.drop_table("call_data")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION call_data_refuse_change()")


def _guard_postgresql() -> None:
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in CAME)
    op.execute(
        "CREATE FUNCTION call_data_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'UPDATE' THEN IF NOT ({changed} OR (OLD.contact_id IS NOT NULL AND "
        "OLD.contact_id IS DISTINCT FROM NEW.contact_id)) THEN RETURN NEW; END IF; END IF; "
        "RAISE EXCEPTION 'call_data is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER call_data_append_only BEFORE UPDATE OR DELETE ON call_data "
        "FOR EACH ROW EXECUTE FUNCTION call_data_refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER call_data_no_truncate BEFORE TRUNCATE ON call_data "
        "FOR EACH STATEMENT EXECUTE FUNCTION call_data_refuse_change()"
    )


def _guard_sqlite() -> None:
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in CAME)
    op.execute(
        "CREATE TRIGGER call_data_no_update BEFORE UPDATE ON call_data "
        f"WHEN {changed} OR (OLD.contact_id IS NOT NULL AND OLD.contact_id IS NOT NEW.contact_id) "
        "BEGIN SELECT RAISE(ABORT, 'call_data is append-only'); END"
    )
    op.execute(
        "CREATE TRIGGER call_data_no_delete BEFORE DELETE ON call_data "
        "BEGIN SELECT RAISE(ABORT, 'call_data is append-only'); END"
    )
