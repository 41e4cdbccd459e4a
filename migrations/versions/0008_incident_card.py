"""The incident's own data: fields with versions, locations, attachments, what became of it."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import RowId, UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

APPEND_ONLY = ("incident_timeline", "incident_locations")
INCIDENT_COLUMNS = (
    "merged_into",
    "parent_id",
    "type_code",
    "priority",
    "address_text",
    "latitude",
    "longitude",
    "radius_m",
)


def upgrade() -> None:
    _extend_incidents()
    _create_fields()
    _create_timeline()
    _create_locations()
    _create_attachments()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    for table in APPEND_ONLY:
        _allow_changes(table)
    for table in ("attachments", "incident_locations", "incident_timeline", "incident_fields"):
        op.drop_table(table)
    for name in ("merged_into", "parent_id", "latitude"):
        op.drop_index(f"ix_incidents_{name}", "incidents")
    # Not by building the table anew, as a batch would: others refer to its rows.
    for name in INCIDENT_COLUMNS:
        op.drop_column("incidents", name)


def _extend_incidents() -> None:
    # Plain columns, so that neither database rewrites a table of a million rows.
    for column in (
        sa.Column("merged_into", sa.String(36)),
        sa.Column("parent_id", sa.String(36)),
        sa.Column("type_code", sa.String(64)),
        sa.Column("priority", sa.Integer),
        sa.Column("address_text", sa.Text, nullable=False, server_default=""),
        sa.Column("latitude", sa.Float),
        sa.Column("longitude", sa.Float),
        sa.Column("radius_m", sa.Float),
    ):
        op.add_column("incidents", column)
    for name in ("merged_into", "parent_id"):
        # Of the few that have one: in a year of cards nearly all have none.
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_incidents_{name}",
            "incidents",
            [name],
            sqlite_where=there,
            postgresql_where=there,
        )
    op.create_index("ix_incidents_latitude", "incidents", ["latitude"])


def _incident_id(**more: object) -> sa.Column[str]:
    return sa.Column(
        "incident_id",
        sa.String(36),
        sa.ForeignKey("incidents.incident_id"),
        nullable=False,
        **more,  # type: ignore[arg-type]
    )


def _create_fields() -> None:
    op.create_table(
        "incident_fields",
        _incident_id(primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.JSON(none_as_null=False), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("saved_at", UTCDateTime, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
    )


def _create_timeline() -> None:
    op.create_table(
        "incident_timeline",
        sa.Column("entry_id", RowId, primary_key=True),
        _incident_id(),
        sa.Column("tag", sa.String(32), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("agent_id", sa.String(32)),
        sa.Column("author", sa.String(64)),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Index(None, "incident_id", "key", unique=True),
    )


def _create_locations() -> None:
    op.create_table(
        "incident_locations",
        sa.Column("location_id", sa.String(36), primary_key=True),
        _incident_id(index=True),
        sa.Column("contact_id", sa.String(36), index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("source", sa.String(24), nullable=False),
        sa.Column("shape", sa.JSON, nullable=False),
        sa.Column("latitude", sa.Float, nullable=False),
        sa.Column("longitude", sa.Float, nullable=False),
        sa.Column("radius_m", sa.Float),
        sa.Column("confidence", sa.Float),
        sa.Column("observed_at", UTCDateTime),
        sa.Column("received_at", UTCDateTime, nullable=False),
        sa.Column("author", sa.String(64)),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Index(None, "incident_id", "key", unique=True),
    )


def _create_attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("attachment_id", sa.String(36), primary_key=True),
        _incident_id(index=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.String(255), nullable=False),
        sa.Column("added_at", UTCDateTime, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("removed_at", UTCDateTime),
        sa.Column("removed_by", sa.String(64)),
    )


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
