"""The table of what came with calls beside the voice."""

from datetime import datetime

from sqlalchemy import Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime

UNTOLD = text("told_at IS NULL")


class CallDataRow(Base):
    """One message as it came. No foreign keys to other rooms' tables, as everywhere.

    What it says is read from its octets each time: a reader that has learned more says more of old
    ones, too. Triggers refuse to delete a row or to change what came; whose it is, and that the
    card has it, may become known later.
    """

    __tablename__ = "call_data"
    __table_args__ = (
        Index("ix_call_data_untold", "data_id", sqlite_where=UNTOLD, postgresql_where=UNTOLD),
    )

    data_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """What makes it the same when it is read a second time."""
    via: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    contact_id: Mapped[str | None] = mapped_column(String(36), index=True)
    call_id: Mapped[str] = mapped_column(String(255), index=True)
    trunk: Mapped[str] = mapped_column(String(100))
    service: Mapped[str | None] = mapped_column(String(96))
    ack: Mapped[str] = mapped_column(String(16))
    status: Mapped[int | None] = mapped_column(Integer)
    cut_length: Mapped[int | None] = mapped_column(Integer)
    source: Mapped[str] = mapped_column(String(255))
    """Of what was fetched its address, of what another system sent who did."""
    media_type: Mapped[str] = mapped_column(String(100))
    octets: Mapped[bytes] = mapped_column(LargeBinary)
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
