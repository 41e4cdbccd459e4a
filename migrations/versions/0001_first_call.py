"""Accounts, seats, cards with their append-only timeline, and recordings."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import RowId, UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MESSAGE = "the timeline is append-only"


def upgrade() -> None:
    _create_accounts()
    _create_cards()
    _create_recordings()
    _create_triggers()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER timeline_append_only ON timeline")
        op.execute("DROP TRIGGER timeline_no_truncate ON timeline")
        op.execute("DROP FUNCTION timeline_refuse_change()")
    else:
        op.execute("DROP TRIGGER timeline_no_update")
        op.execute("DROP TRIGGER timeline_no_delete")
    for table in (
        "recordings",
        "timeline",
        "contacts",
        "incidents",
        "card_counters",
        "presences",
        "sessions",
        "accounts",
        "agents",
    ):
        op.drop_table(table)


def _create_accounts() -> None:
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("extension", sa.String(6), nullable=False, unique=True),
        sa.Column("device", sa.String(16), nullable=False),
        sa.Column("sip_password", sa.String(64), nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("login", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("agent_id", sa.String(32), sa.ForeignKey("agents.agent_id"), unique=True),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column(
            "login",
            sa.String(64),
            sa.ForeignKey("accounts.login", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("opened_at", UTCDateTime, nullable=False),
        sa.Column("expires_at", UTCDateTime, nullable=False, index=True),
    )
    op.create_table(
        "presences",
        sa.Column(
            "agent_id",
            sa.String(32),
            sa.ForeignKey("agents.agent_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("changed_at", UTCDateTime, nullable=False),
    )


def _create_cards() -> None:
    op.create_table(
        "card_counters",
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.String(36), primary_key=True),
        sa.Column("number", sa.String(16), nullable=False, unique=True),
        sa.Column("opened_at", UTCDateTime, nullable=False),
        sa.Column("notes_text", sa.Text, nullable=False),
        sa.Column("notes_folded", sa.Text, nullable=False),
        sa.Column("notes_version", sa.Integer, nullable=False),
        sa.Column("notes_saved_at", UTCDateTime),
        sa.Column("notes_author", sa.String(64)),
        sa.Index(None, "opened_at", "incident_id"),
    )
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.String(36), primary_key=True),
        sa.Column(
            "incident_id",
            sa.String(36),
            sa.ForeignKey("incidents.incident_id"),
            nullable=False,
            index=True,
        ),
        sa.Column("medium", sa.String(16), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("caller_number", sa.String(64)),
        sa.Column("caller_digits", sa.String(64), nullable=False, index=True),
        sa.Column("caller_number_hidden", sa.Boolean, nullable=False),
        sa.Column("called_number", sa.String(64)),
        sa.Column("arrived_at", UTCDateTime, nullable=False),
        sa.Column("answered_at", UTCDateTime),
        sa.Column("ended_at", UTCDateTime, index=True),
        sa.Column("agent_id", sa.String(32), index=True),
        sa.Column("outcome", sa.String(16), nullable=False),
    )
    op.create_table(
        "timeline",
        sa.Column("entry_id", RowId, primary_key=True),
        sa.Column(
            "contact_id", sa.String(36), sa.ForeignKey("contacts.contact_id"), nullable=False
        ),
        sa.Column("tag", sa.String(32), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("agent_id", sa.String(32)),
        sa.Column("author", sa.String(64)),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Index(None, "contact_id", "key", unique=True),
    )


def _create_recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("recording_id", sa.String(36), primary_key=True),
        sa.Column("contact_id", sa.String(36), nullable=False, unique=True),
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
    )


def _create_triggers() -> None:
    """Refuse, in the database itself, to change or delete what was told."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION timeline_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER timeline_append_only BEFORE UPDATE OR DELETE ON timeline "
            "FOR EACH ROW EXECUTE FUNCTION timeline_refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER timeline_no_truncate BEFORE TRUNCATE ON timeline "
            "FOR EACH STATEMENT EXECUTE FUNCTION timeline_refuse_change()"
        )
        return
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER timeline_no_{verb} BEFORE {verb.upper()} ON timeline "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )
