"""Asks an address that a call named for the caller's place (RFC 6442 §4.2, RFC 6753, RFC 5985).

Whoever calls can name any address, so only servers on a list are asked, over TLS, and nothing that
they answer leads anywhere else. A private address of ours is asked only if the list holds it.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from ccserver.calldata.names import Names
from ccserver.config import CallDataSettings
from ccserver.location.pidf import MEDIA_TYPE
from ccserver.location.xml import XMLRefused, local_name, read_xml

BYTES_MAX: Final = 64 * 1024
"""Of an answer; a PIDF-LO with a large polygon has a fifth of it."""

HELD_TYPE: Final = "application/held+xml"
HTTPS_PORT: Final = 443
PARALLEL_MAX: Final = 16
"""Calls that are asked for at the same time; a storm waits its turn."""

GET_INSTEAD: Final = frozenset({400, 405, 406, 415, 501})
"""What a server says that knows no POST (RFC 6753 §4 lets it)."""

REQUEST: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<locationRequest xmlns="urn:ietf:params:xml:ns:geopriv:held"'
    b' responseTime="emergencyDispatch"><locationType exact="false">geodetic civic</locationType>'
    b"</locationRequest>"
)
"""RFC 5985 §5: ask for the place, as exact as it is needed to send help."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


log = structlog.get_logger(__name__)


class ReferenceFailed(Exception):
    """The address gave no place. ``code`` says why, in a word; ``host`` is whom we would ask."""

    def __init__(self, code: str, host: str) -> None:
        super().__init__(f"{host}: {code}")
        self.code = code
        self.host = host


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered."""

    media_type: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class AllowList:
    """Whom we ask: names with their ports (``None``: any), and addresses.

    An entry is ``host``, ``host:port``, an IP address or a network. A name that leads to a private
    address is asked only if the list holds that address, too; ``localhost`` is one by itself.
    """

    hosts: frozenset[tuple[str, int | None]]
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, entries: Collection[str]) -> "AllowList":
        """Read the setting."""
        hosts: set[tuple[str, int | None]] = set()
        networks: list[Network] = []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
                continue
            except ValueError:
                pass
            parts = urlsplit(f"//{entry.strip().lower()}")
            try:
                hosts.add((parts.hostname or "", parts.port))
            except ValueError:
                continue  # a port that is none: nobody is asked because of it
        if any(host == "localhost" for host, _ in hosts):
            networks += LOOPBACK  # RFC 6761 §6.3: it can be nothing else
        return cls(frozenset(hosts), tuple(networks))

    def names(self, host: str, port: int) -> bool:
        """Whether a server of this name may be asked."""
        if (host, port) in self.hosts or (host, None) in self.hosts:
            return True
        literal = _address(host)
        return literal is not None and self._holds(literal)

    def admits(self, address: str) -> bool:
        """Whether a connection to this address may be made, whatever name led to it."""
        found = _address(address)
        if found is None:
            return False
        return found.is_global or self._holds(found) or (str(found) in {h for h, _ in self.hosts})

    def _holds(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self.networks)


class Dereferencer:
    """Fetches places by reference."""

    def __init__(self, settings: CallDataSettings) -> None:
        self._timeout_s = settings.location_timeout_s
        self._allowed = AllowList.of(settings.location_hosts)
        self._ca = settings.location_ca
        self._turn = asyncio.Semaphore(PARALLEL_MAX)
        self._names = Names()
        self._tls: ssl.SSLContext | None = None

    async def fetch(self, uri: str) -> Fetched:
        """What the server answers within the time; raises `ReferenceFailed` only."""
        host = self._target(uri)
        try:
            async with self._turn, asyncio.timeout(self._timeout_s):
                return await self._fetch(uri, host)
        except TimeoutError:
            raise ReferenceFailed("timeout", host) from None
        except aiohttp.ClientConnectorCertificateError:
            raise ReferenceFailed("certificate", host) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            refused = isinstance(getattr(error, "os_error", error), _Refused)
            code = "refused_address" if refused else "unreachable"
            raise ReferenceFailed(code, host) from None

    def _target(self, uri: str) -> str:
        """The host to be asked; raises `ReferenceFailed`."""
        try:
            parts = urlsplit(uri)
            host, port = (parts.hostname or "").lower(), parts.port or HTTPS_PORT
            scheme, named = parts.scheme.lower(), parts.username or parts.password
        except ValueError:
            raise ReferenceFailed("bad_address", "") from None
        host = host[:253]
        if scheme != "https":
            # RFC 6753 §4: a location is asked for over TLS; SIP presence is not built.
            raise ReferenceFailed("scheme", host)
        if not host or named:
            raise ReferenceFailed("bad_address", host)
        if not self._allowed.names(host, port):
            raise ReferenceFailed("not_allowed", host)
        literal = _address(host)
        if literal is not None and not self._allowed.admits(host):
            raise ReferenceFailed("refused_address", host)
        return host

    async def _fetch(self, uri: str, host: str) -> Fetched:
        if self._tls is None:
            # Reading the system's certificates takes milliseconds.
            try:
                self._tls = await asyncio.to_thread(self._context)
            except OSError as error:
                log.error("location_ca_unreadable", reason=type(error).__name__)
                raise ReferenceFailed("settings", host) from None
        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            resolver=_Guarded(self._allowed, self._names),
            force_close=True,
            use_dns_cache=False,
        )
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as http:
            status, fetched = await _ask(http, "POST", uri)
            if status in GET_INSTEAD:
                status, fetched = await _ask(http, "GET", uri)
        if status != 200:
            raise ReferenceFailed(f"http_{status}", host)
        if len(fetched.octets) > BYTES_MAX:
            raise ReferenceFailed("too_large", host)
        if code := await asyncio.to_thread(_held_error, fetched.octets):
            raise ReferenceFailed(f"held_{code}", host)
        return fetched

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca:
            context.load_verify_locations(self._ca)
        return context


async def _ask(http: aiohttp.ClientSession, method: str, uri: str) -> tuple[int, Fetched]:
    headers = {"Accept": f"{HELD_TYPE}, {MEDIA_TYPE};q=0.9"}
    body = None
    if method == "POST":
        headers["Content-Type"], body = HELD_TYPE, REQUEST
    async with http.request(
        method, uri, headers=headers, data=body, allow_redirects=False
    ) as answer:
        octets = b""
        # One octet more than is taken says that it was too many.
        while len(octets) <= BYTES_MAX:
            chunk = await answer.content.read(BYTES_MAX + 1 - len(octets))
            if not chunk:
                break
            octets += chunk
        return answer.status, Fetched(answer.content_type, octets)


def _held_error(octets: bytes) -> str | None:
    """The code of a HELD error (RFC 5985 §5.3); ``None`` for any other document."""
    try:
        root = read_xml(octets)
    except XMLRefused:
        return None
    if local_name(root) != "error":
        return None
    code = root.get("code", "")
    return code if code.isalnum() and len(code) <= 40 else "error"


class _Refused(OSError):
    """The name leads to an address that must not be asked."""


class _Guarded(AbstractResolver):
    """Resolves names, and gives no address away that must not be asked."""

    def __init__(self, allowed: AllowList, names: Names) -> None:
        self._allowed = allowed
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses that may be asked; raises `OSError` where there is none."""
        found = await self._names.look_up(host, port, family)
        admitted = [one for one in found if self._allowed.admits(one["host"])]
        if not admitted:
            raise _Refused("no address of this name may be asked")
        return admitted

    async def close(self) -> None:
        """Nothing is open."""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
