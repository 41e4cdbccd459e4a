"""What is said to the phone process: one JSON command a line, and its replies.

A command carries a number, ``id``; its reply is ``{"id": …, "result": {…}}`` or
``{"id": …, "error": "sentence"}``. Events carry no ``id`` (see the package's text for their kinds).
"""

from typing import Literal

import msgspec

ANONYMOUS_URI = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""The From of a caller who withholds the number (RFC 3323 §4.1.1.3)."""

LINE_BYTES_MAX = 256 * 1024  # a command with huge headers still fits; more is a fault of the sender

CallStep = Literal["never", "sent", "trying", "ringing", "early_audio", "connected"]
"""A caller's step at which to hang up. Before the first answer CANCEL waits (RFC 3261 §9.1)."""


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a phone does by itself.

    As a callee: ``ring`` sends 180 and waits for a person (or never answers), ``answer`` and
    ``reject`` follow 180 after ``after_s``, ``mute`` sends nothing but 100. As a caller it hangs
    up at ``hang_up_at``, ``hang_up_after_s`` later. ``talk_s`` ends any connected call after that
    time. All times in seconds.
    """

    on_call: Literal["ring", "answer", "reject", "mute"] = "ring"
    after_s: float = 0.0
    reject_code: int = 486
    busy_when_talking: bool = True
    """A second call is refused with 486."""
    honour_answer_after: bool = True
    """Answer at once on Call-Info or Alert-Info with ``answer-after=0``."""
    honour_talk: bool = True
    """Answer when an in-dialog NOTIFY with ``Event: talk`` arrives."""
    hang_up_at: CallStep = "never"
    hang_up_after_s: float = 0.0
    talk_s: float | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag=str.lower):
    """Any command; ``id`` is repeated in its reply."""

    id: int


class Add(Command, frozen=True, kw_only=True):
    """Make a phone; with ``registrar`` it registers and keeps trying."""

    name: str
    tone: int
    registrar: str | None = None
    username: str | None = None
    password: str | None = None
    sip_uri: str | None = None
    display: str | None = None
    voice: str | None = None
    """Path of a WAV file to say instead of the tone, looped."""
    expires_s: int = 300
    behaviour: Behaviour = Behaviour()


class Remove(Command, frozen=True, kw_only=True):
    """Unregister a phone, end its calls and forget it."""

    name: str


class Behave(Command, frozen=True, kw_only=True):
    """Give a phone another behaviour, from its next call on."""

    name: str
    behaviour: Behaviour


class Register(Command, frozen=True, kw_only=True):
    """Register again (``active``) or unregister a phone."""

    name: str
    active: bool


class Dial(Command, frozen=True, kw_only=True):
    """Call ``uri``; ``call`` is chosen by the sender."""

    name: str
    call: str
    uri: str
    headers: dict[str, str] = {}
    from_uri: str | None = None
    hang_up_at: CallStep | None = None
    hang_up_after_s: float | None = None


class Write(Command, frozen=True, kw_only=True):
    """Send a text to ``uri`` (MESSAGE, RFC 3428), outside of any call."""

    name: str
    uri: str
    text: str
    headers: dict[str, str] = {}


class Answer(Command, frozen=True, kw_only=True):
    """Answer a ringing call."""

    call: str


class Hangup(Command, frozen=True, kw_only=True):
    """End a call; with ``code`` refuse a ringing one by that SIP status."""

    call: str
    code: int | None = None


class Hold(Command, frozen=True, kw_only=True):
    """Put a call on hold, or take it back."""

    call: str
    active: bool


class Dtmf(Command, frozen=True, kw_only=True):
    """Send digits by RFC 4733 events."""

    call: str
    digits: str


class Stats(Command, frozen=True, kw_only=True):
    """Ask for figures of the process."""


class Quit(Command, frozen=True, kw_only=True):
    """End all calls, unregister, leave."""


AnyCommand = (
    Add | Remove | Behave | Register | Dial | Write | Answer | Hangup | Hold | Dtmf | Stats | Quit
)
CallCommand = Answer | Hangup | Hold | Dtmf

_decoder: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


class BadCommand(Exception):
    """A line on the phone process's input is no command; the text says why."""


def parse_command(line: bytes) -> AnyCommand:
    """Read one command; raises ``BadCommand``."""
    if len(line) > LINE_BYTES_MAX:
        raise BadCommand(f"a command has {len(line)} bytes, at most {LINE_BYTES_MAX} are read")
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadCommand(str(error)) from error


def command_id(line: bytes) -> int | None:
    """Give the number of a bad command, as far as it can be read, so that it can be refused."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    number = value.get("id") if isinstance(value, dict) else None
    return number if isinstance(number, int) else None


def anonymous_headers(number: str, host: str) -> dict[str, str]:
    """Give the headers by which a trunk tells a withheld number (RFC 3325 §9.1, RFC 3323 §4.2)."""
    return {"P-Asserted-Identity": f"<sip:{number}@{host}>", "Privacy": "id"}


def parse_headers(message: str) -> dict[str, list[str]]:
    """Read the headers of a SIP message, names in lower case; folded lines are joined."""
    head = message.replace("\r\n", "\n").split("\n\n", 1)[0]
    headers: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in head.split("\n")[1:]:
        if line[:1] in " \t" and last:
            last[-1] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        if colon:
            last = headers.setdefault(name.strip().lower(), [])
            last.append(value.strip())
    return headers
