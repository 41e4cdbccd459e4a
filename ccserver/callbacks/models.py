"""The tables of call-back tasks."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, UTCDateTime

LIVE_WITH_NUMBER = "state <> 'done' AND digits <> ''"
"""Among these a number stands once: two processes cannot both open a task for one citizen."""


class CallbackTaskRow(Base):
    """Somebody has to be called back. No foreign keys to other rooms' tables, as everywhere."""

    __tablename__ = "callback_tasks"
    __table_args__ = (
        Index(None, "state", "closed_at", "task_id"),
        Index(
            "uq_callback_tasks_live_digits",
            "digits",
            unique=True,
            sqlite_where=text(LIVE_WITH_NUMBER),
            postgresql_where=text(LIVE_WITH_NUMBER),
        ),
        Index(None, "digits", "closed_at"),
    )

    task_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str | None] = mapped_column(String(64))
    digits: Mapped[str] = mapped_column(String(64))
    incident_id: Mapped[str | None] = mapped_column(String(36))
    card_number: Mapped[str | None] = mapped_column(String(16))
    queue: Mapped[str] = mapped_column(String(64))
    priority: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_abandoned_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str | None] = mapped_column(String(16))
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))
    closing_contact_id: Mapped[str | None] = mapped_column(String(64), index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    revision: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16), server_default="abandoned")


class CallbackContactRow(Base):
    """An abandoned contact and the task that it is a part of."""

    __tablename__ = "callback_contacts"

    contact_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("callback_tasks.task_id"), index=True)
    queue: Mapped[str] = mapped_column(String(64))
    priority: Mapped[int] = mapped_column(Integer)
    arrived_at: Mapped[datetime] = mapped_column(UTCDateTime)
    abandoned_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class CallbackAttemptRow(Base):
    """One try to reach the citizen."""

    __tablename__ = "callback_attempts"

    attempt_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("callback_tasks.task_id"), index=True)
    # No foreign key: what was done stays, also when the seat is removed.
    agent_id: Mapped[str | None] = mapped_column(String(32))
    contact_id: Mapped[str | None] = mapped_column(String(64), index=True)
    automatic: Mapped[bool] = mapped_column(Boolean)
    begun_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
