"""Session descriptions (RFC 8866), as much of them as a telephone of one audio stream needs."""

from dataclasses import dataclass
from typing import Final

from sim.sip.message import SIPInvalid, is_port

PCMA: Final = 8
PCMU: Final = 0
ANSWERS: Final = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
"""How a stream of one direction is answered (RFC 3264 §6.1)."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One ``m=`` line and what belongs to it."""

    media: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    host: str = ""
    direction: str = "sendrecv"


def parse(data: bytes) -> tuple[Stream, ...]:
    """Read the streams; raises `SIPInvalid`."""
    host, direction = "", "sendrecv"
    streams: list[Stream] = []
    for line in data.decode("utf-8", "replace").splitlines():
        kind, _, value = line.partition("=")
        if kind == "m":
            streams.append(_stream(value, host, direction))
        elif kind == "c" or (kind == "a" and value in ("sendrecv", *ANSWERS)):
            told = value.split(" ")[-1].partition("/")[0]
            if not streams:
                host, direction = (told, direction) if kind == "c" else (host, value)
                continue
            last = streams.pop()
            streams.append(
                Stream(
                    last.media,
                    last.port,
                    last.protocol,
                    last.formats,
                    told if kind == "c" else last.host,
                    value if kind == "a" else last.direction,
                )
            )
    if not streams:
        raise SIPInvalid("the description has no stream")
    return tuple(streams)


def _stream(value: str, host: str, direction: str) -> Stream:
    pieces = value.split()
    if len(pieces) < 3 or not is_port(pieces[1].partition("/")[0]):
        raise SIPInvalid("a stream has no port")
    port = int(pieces[1].partition("/")[0])
    return Stream(pieces[0], port, pieces[2], tuple(pieces[3:]), host, direction)


def audio_of(streams: tuple[Stream, ...]) -> Stream | None:
    """Give the first audio stream that is wanted."""
    return next((s for s in streams if s.media == "audio" and s.port), None)


def offer(
    host: str, port: int, *, session: int = 1, version: int = 1, direction: str = "sendrecv"
) -> bytes:
    """Offer A-law at this address."""
    return _written(host, session, version, _audio(port, direction))


def answer(
    host: str, port: int, offered: tuple[Stream, ...], *, session: int = 1, version: int = 1
) -> bytes:
    """Take the first audio stream and decline all others (RFC 3264 §6)."""
    lines: list[str] = []
    wanted = audio_of(offered)
    for stream in offered:
        if stream is wanted:
            lines += _audio(port, ANSWERS.get(stream.direction, "sendrecv"))
        else:
            lines.append(f"m={stream.media} 0 {stream.protocol} {' '.join(stream.formats)}")
    return _written(host, session, version, lines)


def _audio(port: int, direction: str) -> list[str]:
    return [
        f"m=audio {port} RTP/AVP {PCMA} 101",
        f"a=rtpmap:{PCMA} PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        f"a={direction}",
    ]


def _written(host: str, session: int, version: int, media: list[str]) -> bytes:
    lines = [
        "v=0",
        f"o=- {session} {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        *media,
        "",
    ]
    return "\r\n".join(lines).encode()
