"""What the dialplan leaves in the spool of call data, read back field by field."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PARENTHESES = bytes.maketrans(b"\x01\x02", b"()")
INVITE_PIECE = 3000
INFO_PIECE = 450


@dataclass(frozen=True, slots=True)
class Kept:
    """A file's fields, by their names in the dialplan."""

    name: str
    kind: str
    at: float
    contact_id: str
    call_id: str
    trunk: str
    service: str
    msd_ack: str
    cut: str
    status: str
    request: bytes
    whole: bool

    @classmethod
    def read(cls, path: Path) -> "Kept":
        """Read one; what is not as agreed fails."""
        line = path.read_text("ascii").rstrip("\n")
        assert "\n" not in line
        version, *fields = line.split("|")
        assert version == "1"
        kind, at, contact_id, call_id, trunk, service, msd_ack, cut, status, data = fields[:10]
        decoded = base64.b64decode(call_id, validate=True)
        assert decoded.startswith(b".")
        return cls(
            path.name,
            kind,
            float(at),
            contact_id,
            decoded[1:].translate(PARENTHESES).decode(),
            trunk,
            service,
            msd_ack,
            cut,
            status,
            base64.b64decode(data, validate=True),
            fields[10:] == ["."],
        )


def kept_in(directory: Path) -> list[Kept]:
    """All files, the oldest first."""
    paths = [path for path in directory.iterdir() if path.suffix in (".invite", ".info")]
    return sorted((Kept.read(path) for path in paths), key=lambda kept: kept.at)


def whole_in(directory: Path) -> list[Kept]:
    """Those that are there to their end."""
    found = []
    for path in directory.iterdir():
        if path.suffix in (".invite", ".info") and path.read_bytes().rstrip().endswith(b"|."):
            found.append(Kept.read(path))
    return sorted(found, key=lambda kept: kept.at)


def data_headers(request: bytes, *, piece: int) -> dict[str, str]:
    """The request as the SIP edge puts it into headers."""
    text = base64.b64encode(request).decode("ascii")
    pieces = [text[at : at + piece] for at in range(0, len(text), piece)]
    return {f"X-CCServer-Data-{number}": each for number, each in enumerate(pieces, 1)}


def call_headers(
    request: bytes,
    *,
    service: str = "urn:service:sos.ecall.automatic",
    trunk: str = "operator",
    msd: str = "received",
) -> Mapping[str, str]:
    """The headers of an INVITE with data, beside the edge's token."""
    return {
        "X-CCServer-Trunk": trunk,
        "X-CCServer-Service": service,
        "X-CCServer-MSD": msd,
        **data_headers(request, piece=INVITE_PIECE),
    }


def sample(octets: int) -> bytes:
    """A request of so many octets, which are all sorts."""
    start = b"INVITE urn:service:sos.ecall.automatic SIP/2.0\r\n\r\n"
    return (start + secrets.token_bytes(octets))[:octets]
