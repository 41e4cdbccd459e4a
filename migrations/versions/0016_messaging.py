"""Text conversations: what citizens wrote, what we answered, and how it may be answered."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import RowId, UTCDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

VERSIONS = "messaging_versions"
MESSAGE = "the versions of the messaging document are append-only"
NOT_CLOSED = sa.text("state <> 'closed'")
UNHANDLED = sa.text("handled_revision < revision")
QUEUED = sa.text("delivery_state = 'queued'")


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("conversation_id", sa.String(36), primary_key=True),
        sa.Column("citizen", sa.String(64), nullable=False),
        sa.Column("our_number", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("via", sa.String(128), nullable=False),
        sa.Column("replyable", sa.Boolean, nullable=False),
        sa.Column("language", sa.String(8)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("contact_id", sa.String(36), nullable=False),
        sa.Column("agent_id", sa.String(32)),
        sa.Column("last_agent_id", sa.String(32)),
        sa.Column("riding", sa.String(36)),
        sa.Column("queue", sa.String(64)),
        sa.Column("opened_at", UTCDateTime, nullable=False),
        sa.Column("last_in_at", UTCDateTime),
        sa.Column("last_out_at", UTCDateTime),
        sa.Column("unanswered_since", UTCDateTime),
        sa.Column("closed_at", UTCDateTime),
        sa.Column("closed_by", sa.String(64)),
        sa.Column("disposition", sa.String(64)),
        sa.Column("acknowledged_at", UTCDateTime),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Index(
            "uq_conversations_open_citizen",
            "citizen",
            "our_number",
            "channel",
            unique=True,
            sqlite_where=NOT_CLOSED,
            postgresql_where=NOT_CLOSED,
        ),
        sa.Index(None, "citizen", "our_number", "channel", "opened_at"),
        sa.Index(
            "ix_conversations_not_closed",
            "opened_at",
            sqlite_where=NOT_CLOSED,
            postgresql_where=NOT_CLOSED,
        ),
    )
    op.create_table(
        "conversation_contacts",
        sa.Column("position", RowId, primary_key=True),
        _conversation_id(),
        sa.Column("contact_id", sa.String(36), nullable=False, index=True),
        sa.Index(None, "conversation_id", "contact_id", unique=True),
    )
    _create_messages()
    _create_versions()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER {VERSIONS}_append_only ON {VERSIONS}")
        op.execute(f"DROP TRIGGER {VERSIONS}_no_truncate ON {VERSIONS}")
        op.execute(f"DROP FUNCTION {VERSIONS}_refuse_change()")
    else:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {VERSIONS}_no_{verb}")
    for table in (VERSIONS, "messages", "conversation_contacts", "conversations"):
        op.drop_table(table)


def _conversation_id() -> sa.Column[str]:
    return sa.Column(
        "conversation_id",
        sa.String(36),
        sa.ForeignKey("conversations.conversation_id"),
        nullable=False,
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("position", RowId, primary_key=True),
        sa.Column("message_id", sa.String(36), nullable=False, unique=True),
        _conversation_id(),
        sa.Column("contact_id", sa.String(36), nullable=False, index=True),
        sa.Column("key", sa.String(256), nullable=False, unique=True),
        sa.Column("direction", sa.String(4), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("sent_at", UTCDateTime),
        sa.Column("author", sa.String(64)),
        sa.Column("author_name", sa.String(200)),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("parts_have", sa.Integer, nullable=False),
        sa.Column("parts_total", sa.Integer, nullable=False),
        sa.Column("duplicate", sa.Boolean, nullable=False),
        sa.Column("oddities", sa.JSON, nullable=False),
        sa.Column("structured", sa.JSON),
        sa.Column("delivery_state", sa.String(16)),
        sa.Column("delivery_at", UTCDateTime),
        sa.Column("delivery_error", sa.String(64)),
        sa.Column("delivery_done", sa.Integer, nullable=False),
        sa.Column("delivery_total", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("handled_revision", sa.Integer, nullable=False),
        sa.Index(None, "conversation_id", "position"),
        sa.Index(
            "ix_messages_unhandled",
            "position",
            sqlite_where=UNHANDLED,
            postgresql_where=UNHANDLED,
        ),
        sa.Index("ix_messages_queued", "position", sqlite_where=QUEUED, postgresql_where=QUEUED),
    )


def _create_versions() -> None:
    op.create_table(
        VERSIONS,
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("saved_at", UTCDateTime, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("comment", sa.String(500), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {VERSIONS}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {VERSIONS}_append_only BEFORE UPDATE OR DELETE ON {VERSIONS} "
            f"FOR EACH ROW EXECUTE FUNCTION {VERSIONS}_refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {VERSIONS}_no_truncate BEFORE TRUNCATE ON {VERSIONS} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {VERSIONS}_refuse_change()"
        )
        return
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER {VERSIONS}_no_{verb} BEFORE {verb.upper()} ON {VERSIONS} "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )
