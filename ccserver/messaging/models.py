"""The tables of conversations by text."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime
from ccserver.documents import VersionColumns

NOT_CLOSED = "state <> 'closed'"
"""Among these a citizen stands once for each of our numbers and ways."""
UNHANDLED = "handled_revision < revision"
QUEUED = "delivery_state = 'queued'"


class MessagingVersionRow(VersionColumns, Base):
    """One saved document of how texts are handled."""

    __tablename__ = "messaging_versions"


class ConversationRow(Base):
    """A citizen's exchange of texts. No foreign keys to other rooms' tables, as everywhere."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index(
            "uq_conversations_open_citizen",
            "citizen",
            "our_number",
            "channel",
            unique=True,
            sqlite_where=text(NOT_CLOSED),
            postgresql_where=text(NOT_CLOSED),
        ),
        Index(None, "citizen", "our_number", "channel", "opened_at"),
        # Few are open at a time; start-up reads them all.
        Index(
            "ix_conversations_not_closed",
            "opened_at",
            sqlite_where=text(NOT_CLOSED),
            postgresql_where=text(NOT_CLOSED),
        ),
    )

    conversation_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    citizen: Mapped[str] = mapped_column(String(64))
    our_number: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(8))
    via: Mapped[str] = mapped_column(String(128))
    replyable: Mapped[bool] = mapped_column(Boolean)
    language: Mapped[str | None] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16))
    contact_id: Mapped[str] = mapped_column(String(36))
    # No foreign key: who had it stays known, also when the seat is removed.
    agent_id: Mapped[str | None] = mapped_column(String(32))
    last_agent_id: Mapped[str | None] = mapped_column(String(32))
    riding: Mapped[str | None] = mapped_column(String(36))
    queue: Mapped[str | None] = mapped_column(String(64))
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_in_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_out_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    unanswered_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))
    disposition: Mapped[str | None] = mapped_column(String(64))
    acknowledged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    messages: Mapped[int] = mapped_column(Integer)


class ConversationContactRow(Base):
    """A contact that a conversation is or has been."""

    __tablename__ = "conversation_contacts"
    __table_args__ = (Index(None, "conversation_id", "contact_id", unique=True),)

    position: Mapped[int] = mapped_column(RowId, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.conversation_id"))
    contact_id: Mapped[str] = mapped_column(String(36), index=True)


class MessageRow(Base):
    """One text; ``position`` is the order in which they came and went."""

    __tablename__ = "messages"
    __table_args__ = (
        Index(None, "conversation_id", "position"),
        Index(
            "ix_messages_unhandled",
            "position",
            sqlite_where=text(UNHANDLED),
            postgresql_where=text(UNHANDLED),
        ),
        # What a way has still to send, where the messages themselves are its queue.
        Index(
            "ix_messages_queued",
            "position",
            sqlite_where=text(QUEUED),
            postgresql_where=text(QUEUED),
        ),
    )

    position: Mapped[int] = mapped_column(RowId, primary_key=True)
    message_id: Mapped[str] = mapped_column(String(36), unique=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.conversation_id"))
    contact_id: Mapped[str] = mapped_column(String(36), index=True)
    key: Mapped[str] = mapped_column(String(256), unique=True)
    direction: Mapped[str] = mapped_column(String(4))
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    author: Mapped[str | None] = mapped_column(String(64))
    author_name: Mapped[str | None] = mapped_column(String(200))
    complete: Mapped[bool] = mapped_column(Boolean)
    parts_have: Mapped[int] = mapped_column(Integer)
    parts_total: Mapped[int] = mapped_column(Integer)
    duplicate: Mapped[bool] = mapped_column(Boolean)
    oddities: Mapped[list[str]] = mapped_column(JSON)
    structured: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))
    # Of an outgoing text, all or none of them.
    delivery_state: Mapped[str | None] = mapped_column(String(16))
    delivery_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    delivery_error: Mapped[str | None] = mapped_column(String(64))
    delivery_done: Mapped[int] = mapped_column(Integer)
    delivery_total: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    handled_revision: Mapped[int] = mapped_column(Integer)
