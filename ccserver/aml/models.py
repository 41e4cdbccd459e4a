"""The table of AML messages that wait for their call."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime


class AMLHeldRow(Base):
    """One message, until ``expires_at``. No foreign keys to other rooms' tables, as everywhere.

    With its location on a card, what it told is deleted here, and the rest stays so that the same
    message is known when it comes again, and the phone by its IMEI.
    """

    __tablename__ = "aml_held"
    # The desk reads on from the last row that it has seen. Without this, SQLite would give the
    # numbers of rows that have expired to new ones, and nobody would see those.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    row_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    transport: Mapped[str] = mapped_column(String(8))
    number: Mapped[str] = mapped_column(String(40))
    imei: Mapped[str | None] = mapped_column(String(16))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    message: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    matched_contact_id: Mapped[str | None] = mapped_column(String(36))
    matched_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
