"""The table of audited acts."""

from datetime import datetime

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime

JSONValue = str | int | float | bool | None


class AuditRow(Base):
    """One act, chained to the one before it. Triggers refuse to change or delete a row."""

    __tablename__ = "audit"

    entry_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    key: Mapped[str] = mapped_column(String(36), unique=True)
    tag: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    # No foreign keys: what was done stays, also when the people are removed.
    author: Mapped[str] = mapped_column(String(64), index=True)
    login: Mapped[str | None] = mapped_column(String(64), index=True)
    agent_id: Mapped[str | None] = mapped_column(String(32))
    comment: Mapped[str] = mapped_column(String(500))
    data: Mapped[dict[str, JSONValue]] = mapped_column(JSON)
    previous_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64))
