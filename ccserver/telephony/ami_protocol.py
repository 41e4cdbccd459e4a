"""The manager interface's wire format, without I/O: bytes in, messages out; fields in, bytes out.

A message is a block of ``Key: value`` lines ended by CRLF and closed by an empty line. The first
line of a connection is a greeting. A key may repeat (``Variable``, ``Output``), so a message keeps
its headers in order. Lines are cut out of the byte stream first and decoded afterwards: a character
whose bytes arrive in two TCP segments stays whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

FieldValue: TypeAlias = str | int | Sequence[str]

LINE_BYTES_MAX = 64 * 1024
"""Asterisk's longest lines are ``Output`` lines of CLI commands, a few KiB."""

MESSAGE_BYTES_MAX = 1024 * 1024
"""``core show channels`` of some thousand channels as ``Output`` lines fits."""

SENT_LINE_BYTES_MAX = 1000
"""Asterisk refuses an action with a line of 1024 bytes or more, and writes the line to its log."""

SENT_LINES_MAX = 120
"""Asterisk refuses an action of more than 128 lines, in an answer that does not say which one."""

GREETING = b"Asterisk Call Manager/"
EOL = b"\r\n"


class AMIProtocolError(Exception):
    """The peer does not speak AMI, or without end; the connection cannot be used further."""


@dataclass(frozen=True, slots=True)
class AMIMessage:
    """One response or event: its headers as received, keys compared without case."""

    headers: tuple[tuple[str, str], ...]
    malformed_lines: int = 0
    """Lines of this message that were no ``Key: value`` and are left out."""

    def get(self, key: str, default: str = "") -> str:
        """The first value of ``key``."""
        wanted = key.lower()
        return next((value for name, value in self.headers if name.lower() == wanted), default)

    def get_all(self, key: str) -> tuple[str, ...]:
        """Every value of ``key``, in order."""
        wanted = key.lower()
        return tuple(value for name, value in self.headers if name.lower() == wanted)

    @property
    def event(self) -> str:
        """The event's name; empty where this is none."""
        return self.get("Event")

    @property
    def response(self) -> str:
        """``Success``, ``Error``, ``Goodbye``, …; empty where this is no response."""
        return self.get("Response")

    @property
    def action_id(self) -> str:
        """The id of the action that this answers; empty where it answers none."""
        return self.get("ActionID")


class AMIParser:
    """Cuts a byte stream into messages; the same messages however the stream is chunked."""

    def __init__(self) -> None:
        self.greeting: str | None = None
        """The first line without its end, e.g. ``Asterisk Call Manager/11.0.0``."""
        self._buffer = bytearray()
        self._headers: list[tuple[str, str]] = []
        self._malformed_lines = 0
        self._message_bytes = 0
        self._failed = False

    def feed(self, data: bytes) -> list[AMIMessage]:
        """Take what was received; give the messages it completes.

        Raises `AMIProtocolError` where the stream is not AMI or a line or message passes its
        bound, also on each later call: messages before the fault in the same call are lost with
        it, since the connection is.
        """
        if self._failed:
            raise AMIProtocolError("the stream is broken")
        try:
            return self._feed(data)
        except AMIProtocolError:
            self._failed = True
            self._buffer.clear()
            raise

    def _feed(self, data: bytes) -> list[AMIMessage]:
        # An end of line may lie across the border of two chunks.
        search_from = max(0, len(self._buffer) - 1)
        self._buffer += data
        messages: list[AMIMessage] = []
        begin = 0
        while (end := self._buffer.find(EOL, search_from)) >= 0:
            self._check_length(end - begin)
            message = self._take_line(bytes(self._buffer[begin:end]))
            if message is not None:
                messages.append(message)
            begin = search_from = end + len(EOL)
        del self._buffer[:begin]
        # A trailing CR may yet turn out to be half of the end of line.
        self._check_length(len(self._buffer) - self._buffer.endswith(b"\r"))
        if self.greeting is None and not GREETING.startswith(self._buffer[: len(GREETING)]):
            raise AMIProtocolError("no greeting of an Asterisk manager")
        return messages

    def _check_length(self, length: int) -> None:
        if length > LINE_BYTES_MAX:
            raise AMIProtocolError(f"a line of more than {LINE_BYTES_MAX} bytes")

    def _take_line(self, line: bytes) -> AMIMessage | None:
        if self.greeting is None:
            if not line.startswith(GREETING):
                raise AMIProtocolError("no greeting of an Asterisk manager")
            self.greeting = line.decode("utf-8", "replace")
            return None
        if not line:
            return self._finish()
        self._message_bytes += len(line) + len(EOL)
        if self._message_bytes > MESSAGE_BYTES_MAX:
            raise AMIProtocolError(f"a message of more than {MESSAGE_BYTES_MAX} bytes")
        key, colon, value = line.decode("utf-8", "replace").partition(":")
        if colon and key.strip():
            self._headers.append((key.strip(), value.removeprefix(" ")))
        else:
            self._malformed_lines += 1
        return None

    def _finish(self) -> AMIMessage | None:
        if not self._headers and not self._malformed_lines:
            return None  # Asterisk sends stray empty lines, after FullyBooted for one.
        message = AMIMessage(tuple(self._headers), self._malformed_lines)
        self._headers = []
        self._malformed_lines = self._message_bytes = 0
        return message


def encode_action(action: str, action_id: str, fields: Mapping[str, FieldValue]) -> bytes:
    """One action as it is sent; raises `ValueError` for what could not be sent as it is meant.

    A line end or NUL in a key or value would start another header or action; over-long lines and
    too many of them are refused by Asterisk in ways that a caller cannot tell apart from silence.
    """
    lines = [("Action", action), ("ActionID", action_id)]
    for key, value in fields.items():
        if key.strip().lower() in ("action", "actionid"):
            raise ValueError(f"{key} is not a field")
        values = [str(value)] if isinstance(value, str | int) else [str(each) for each in value]
        lines.extend((key, each) for each in values)
    if len(lines) > SENT_LINES_MAX:
        raise ValueError(f"an action has at most {SENT_LINES_MAX} lines")
    return b"".join(_encode_line(key, value) for key, value in lines) + EOL


def _encode_line(key: str, value: str) -> bytes:
    if not key.isascii() or not key.isprintable() or not key.strip() or ":" in key:
        raise ValueError("a key is printable ASCII without a colon")
    if any(character in value for character in "\r\n\0"):
        raise ValueError(f"the value of {key} holds a line end or a NUL")
    line = f"{key}: {value}".encode()
    if len(line) > SENT_LINE_BYTES_MAX:
        raise ValueError(f"the line of {key} is longer than {SENT_LINE_BYTES_MAX} bytes")
    return line + EOL
