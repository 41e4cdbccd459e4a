"""Bodies of several parts (RFC 2046 §5.1, RFC 5621), some of them binary and some nested."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Final

from sim.sip.message import SIPInvalid

PARTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its type, octets, and what stands beside them."""

    content_type: str
    body: bytes
    content_id: str = ""
    """Without angle brackets."""
    disposition: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """More headers of the part."""

    def __bytes__(self) -> bytes:
        lines = [f"Content-Type: {self.content_type}"]
        if self.content_id:
            lines.append(f"Content-ID: <{self.content_id}>")
        if self.disposition:
            lines.append(f"Content-Disposition: {self.disposition}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + self.body


def joined(parts: Sequence[Part], *, kind: str = "mixed", boundary: str = "") -> tuple[str, bytes]:
    """Put parts together; gives Content-Type and body. A single part stands alone."""
    if len(parts) == 1 and not parts[0].headers and not parts[0].content_id:
        return parts[0].content_type, parts[0].body
    line = boundary or f"part-{secrets.token_hex(8)}"
    pieces = b"".join(b"--" + line.encode() + b"\r\n" + bytes(part) + b"\r\n" for part in parts)
    return f"multipart/{kind};boundary={line}", pieces + b"--" + line.encode() + b"--\r\n"


def nested(parts: Sequence[Part], *, kind: str = "mixed") -> Part:
    """Put parts together as one part of a larger body."""
    content_type, body = joined(parts, kind=kind)
    return Part(content_type, body)


def divided(content_type: str, body: bytes) -> tuple[Part, ...]:
    """Take a body apart, nested ones too; a single body is one part. Raises `SIPInvalid`."""
    if not content_type:
        return ()
    if not content_type.lower().startswith("multipart/"):
        return (Part(content_type, body),)
    head = f"Content-Type: {content_type}\r\n\r\n".encode("utf-8", "surrogateescape")
    try:
        whole = BytesParser(policy=compat32).parsebytes(head + body)
        parts = tuple(_leaves(whole))
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise SIPInvalid(f"the parts cannot be read: {error}") from error
    if not parts:
        raise SIPInvalid("the body has no parts")
    return parts[:PARTS_MAX]


def _leaves(message: Message) -> Iterable[Part]:
    for part in message.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        yield Part(
            str(part.get("Content-Type", "")),
            payload if isinstance(payload, bytes) else b"",
            content_id=str(part.get("Content-ID", "")).strip().strip("<>"),
            disposition=str(part.get("Content-Disposition", "")),
        )
