"""Where a SIP URI leads: protocol, host and port (RFC 3261 §19.1, as far as there is no DNS)."""

from dataclasses import dataclass
from typing import Final

from sim.sip.message import SIPInvalid, is_port

PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}


@dataclass(frozen=True, slots=True)
class Hop:
    """The next element on the way of a request."""

    protocol: str
    """``udp``, ``tcp`` or ``tls``."""
    host: str
    port: int


def hop_of(uri: str, *, default: str = "udp") -> Hop:
    """Give where a request for this URI is sent; raises `SIPInvalid`.

    ``default``: the protocol of a URI that names none.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.lower() not in ("sip", "sips"):
        raise SIPInvalid("only a sip URI leads somewhere")
    plain, *options = rest.partition("?")[0].split(";")
    protocol = default
    for option in options:
        name, _, value = option.partition("=")
        if name.lower() == "transport":
            protocol = value.lower()
    if scheme.lower() == "sips":
        protocol = "tls"
    if protocol not in PORTS:
        raise SIPInvalid("the URI names a transport that we have not")
    host, _, port = plain.rpartition("@")[2].partition(":")
    if not host or (port and not is_port(port)):
        raise SIPInvalid("the URI names no host")
    return Hop(protocol, host, int(port) if port else PORTS[protocol])


def is_loose(uri: str) -> bool:
    """Whether a proxy's URI in Route means loose routing (RFC 3261 §16.12)."""
    return any(piece.partition("=")[0].lower() == "lr" for piece in uri.split(";")[1:])
