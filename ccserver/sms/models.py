"""The tables of the SMS gateway: what operators delivered, and what they were given to send.

Nothing here refers to another room's tables: a conversation knows its texts by their keys, and a
text to send knows its message by an identifier. What is personal stays for as long as named in
`ccserver.sms.retention`.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime

NAME_LENGTH = 100
"""Of operators and binds; the configuration sets no bound of its own."""
ADDRESS_LENGTH = 64
"""Of a telephone number or name; SMPP allows 20 octets (§4.4.1), what is odd may be longer."""
ID_LENGTH = 80
"""Of an operator's identifier of a text; SMPP allows 64 characters (§5.2.23)."""
DIGEST_LENGTH = 32
"""Hexadecimal digits of 16 octets."""
PENDING = text("done_at IS NULL")
FAILED = text("failed IS NOT NULL")
DIGESTED = text("digest IS NOT NULL")
DUE = text("due_at IS NOT NULL")


class InboxRow(Base):
    """One ``deliver_sm`` or ``data_sm`` as it came; written before the operator is answered.

    The write is what an operator waits for, so there are as few indices as possible and each is
    partial. The newest row is never deleted: numbers are the keys of texts and come once.
    """

    __tablename__ = "sms_inbox"

    inbox_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    operator: Mapped[str] = mapped_column(String(NAME_LENGTH))
    bind: Mapped[str] = mapped_column(String(NAME_LENGTH))
    command_id: Mapped[int]
    octets: Mapped[bytes] = mapped_column(LargeBinary)
    """The body; emptied when it held a position of AML, which is kept elsewhere and not as long."""
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    digest: Mapped[str | None] = mapped_column(String(DIGEST_LENGTH))
    """Of what makes two of them the same text; set when it is done."""
    failed: Mapped[str | None] = mapped_column(String(64))
    """Why it could not be handed on; tried once more by the next process."""

    __table_args__ = (
        Index("ix_sms_inbox_pending", "inbox_id", sqlite_where=PENDING, postgresql_where=PENDING),
        Index("ix_sms_inbox_failed", "inbox_id", sqlite_where=FAILED, postgresql_where=FAILED),
        Index("ix_sms_inbox_digest", "digest", sqlite_where=DIGESTED, postgresql_where=DIGESTED),
    )


class TextRow(Base):
    """A citizen's text that comes in parts."""

    __tablename__ = "sms_texts"

    text_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    part_key: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    """Of everything by which its parts know one another."""
    first_inbox_id: Mapped[int] = mapped_column(RowId)
    """Of the part that came first: the key of the text."""
    operator: Mapped[str] = mapped_column(String(NAME_LENGTH))
    bind: Mapped[str] = mapped_column(String(NAME_LENGTH))
    """By which the newest part came."""
    citizen: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    our_number: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    replyable: Mapped[bool]
    parts_total: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it is told as incomplete; empty when it is complete, or told so already."""
    late: Mapped[bool]
    """It was told as incomplete."""
    shown: Mapped[bool]
    """A piece of it was handed on as a text."""
    aml: Mapped[bool]
    """It was handed on as a position; its parts are empty."""
    duplicate: Mapped[bool]

    __table_args__ = (
        Index(None, "part_key", "text_id"),
        Index("ix_sms_texts_due", "due_at", sqlite_where=DUE, postgresql_where=DUE),
        Index(None, "last_at"),
    )


class PartRow(Base):
    """One part of a text."""

    __tablename__ = "sms_parts"

    text_id: Mapped[int] = mapped_column(
        ForeignKey("sms_texts.text_id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    inbox_id: Mapped[int] = mapped_column(RowId)
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    data_sm: Mapped[bool]
    octets: Mapped[bytes] = mapped_column(LargeBinary)
    """The body: characters that are cut in two are read when both halves are there."""


class SendRow(Base):
    """One part of a text to a citizen."""

    __tablename__ = "sms_sends"

    send_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    """Also the order in which parts leave."""
    message_id: Mapped[str] = mapped_column(String(36))
    number: Mapped[int]
    parts_total: Mapped[int]
    operator: Mapped[str] = mapped_column(String(NAME_LENGTH))
    bind: Mapped[str] = mapped_column(String(NAME_LENGTH))
    """The one that the citizen used."""
    citizen: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    our_number: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    reference: Mapped[int]
    data_coding: Mapped[int]
    udh: Mapped[bytes] = mapped_column(LargeBinary)
    octets: Mapped[bytes] = mapped_column(LargeBinary)
    """Emptied when nobody will send it again."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(16))
    doubts: Mapped[int]
    """How often it was handed over and nobody answered."""
    refusals: Mapped[int]
    """How often it was refused for the moment."""
    sent_by: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    """The bind that took it."""
    sent_operator: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    smsc_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    """The operator's identifier, as it was given."""
    error: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index(None, "message_id", "number", unique=True),
        Index(None, "state", "operator", "citizen", "send_id"),
        Index(None, "citizen", "send_id"),
        Index(None, "created_at"),
    )


class SendIdRow(Base):
    """One spelling of the identifier that an operator gave to a part."""

    __tablename__ = "sms_send_ids"

    operator: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    id_key: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    send_id: Mapped[int] = mapped_column(
        ForeignKey("sms_sends.send_id", ondelete="CASCADE"), primary_key=True, index=True
    )


class ReceiptRow(Base):
    """One spelling of an identifier in a receipt whose part is not known yet."""

    __tablename__ = "sms_receipts"

    receipt_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    operator: Mapped[str] = mapped_column(String(NAME_LENGTH))
    id_key: Mapped[str] = mapped_column(String(ID_LENGTH))
    given: Mapped[str] = mapped_column(String(ID_LENGTH))
    """The identifier as it is written in the receipt."""
    citizen: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    inbox_id: Mapped[int] = mapped_column(RowId)
    """Of the receipt: the same one under each of its spellings."""
    state: Mapped[str] = mapped_column(String(16))
    error: Mapped[str | None] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)

    __table_args__ = (Index(None, "operator", "id_key"), Index(None, "inbox_id"))
