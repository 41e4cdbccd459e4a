"""Services in incidents: the steps of their involvement, their units and what these did."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import RowId, UTCDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

APPEND_ONLY = ("involvement_steps", "unit_steps")


def upgrade() -> None:
    _create_involvements()
    _create_units()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    for table in APPEND_ONLY:
        _allow_changes(table)
    for table in ("unit_steps", "unit_assignments", "units", "involvement_steps", "involvements"):
        op.drop_table(table)


def _create_involvements() -> None:
    op.create_table(
        "involvements",
        sa.Column("involvement_id", sa.String(36), primary_key=True),
        sa.Column("incident_id", sa.String(36), nullable=False, index=True),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("request_key", sa.String(64)),
        sa.Column("sent_at", UTCDateTime, nullable=False),
        sa.Column("sent_by", sa.String(64), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("timeout_s", sa.Float, nullable=False),
        sa.Column("moved_from", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("seen_at", UTCDateTime),
        sa.Column("due_at", UTCDateTime, index=True),
        sa.Column("alarms", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Index(None, "service", "sent_at", "involvement_id"),
    )
    op.create_table(
        "involvement_steps",
        *_told(),
        _involvement_id(),
        sa.Index(None, "involvement_id", "key", unique=True),
    )


def _create_units() -> None:
    op.create_table(
        "units",
        sa.Column("unit_id", sa.String(36), primary_key=True),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("call_sign", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("capacity", sa.Integer),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Index(None, "service", "call_sign", unique=True),
    )
    op.create_table(
        "unit_assignments",
        _involvement_id(primary_key=True),
        _unit_id(primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", UTCDateTime, nullable=False),
        sa.Column("delayed", sa.Boolean, nullable=False),
        sa.Column("bound", sa.Boolean, nullable=False),
        sa.Index(None, "unit_id", "bound"),
    )
    op.create_table(
        "unit_steps",
        *_told(),
        _involvement_id(),
        _unit_id(),
        sa.Index(None, "involvement_id", "unit_id", "key", unique=True),
    )


def _told() -> list[sa.Column[object]]:
    return [
        sa.Column("step_id", RowId, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("happened_at", UTCDateTime),
        sa.Column("author", sa.String(64)),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64)),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
    ]


def _involvement_id(**more: object) -> sa.Column[str]:
    key = sa.ForeignKey("involvements.involvement_id")
    return sa.Column("involvement_id", sa.String(36), key, nullable=False, **more)  # type: ignore[arg-type]


def _unit_id(**more: object) -> sa.Column[str]:
    key = sa.ForeignKey("units.unit_id")
    return sa.Column("unit_id", sa.String(36), key, nullable=False, **more)  # type: ignore[arg-type]


def _refuse_changes(table: str) -> None:
    """Refuse, in the database itself, to change or delete what was told."""
    message = f"{table} is append-only"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse_change()"
        )
        return
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )


def _allow_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
        op.execute(f"DROP FUNCTION {table}_refuse_change()")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_no_{verb}")
