"""Renders ``asterisk-conf/kamailio/`` for one edge: addresses, nodes, trunks, secrets."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ccserver.config import Config, ConfigError, EdgeFilterSettings, EdgeSettings
from ccserver.templates import REPOSITORY, Network, make_private, overlap, render_folder

SOURCE_DIR = REPOSITORY / "asterisk-conf" / "kamailio"
TEMPLATES = ("*.cfg", "*.list", "*.js")
NODES, TRUNKS, PHONES, BLOCKED = 1, 2, 3, 4
"""Groups of Kamailio's address table."""
USABLE_PATH = re.compile(r"/[A-Za-z0-9_./@+~-]*")
"""What may stand between quotes in Kamailio's language and mean itself."""
PORT_MAX = 65_535
SIP_PORT, SIPS_PORT = 5060, 5061  # RFC 3261 §19.1.2
FILTER_DIR = "filter"
"""Holds the tables of Kamailio's secfilter as text (db_text), each in the file of its name."""
BLOCK, ALLOW = 0, 1
AGENT, USER = 0, 4
"""Words of its table: what to do, and with what kind of name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the edge that no installation needs to set, each with its reason."""

    ban_s: int = 300
    """A scanner has gone elsewhere by then; a telephone that was set wrongly is back soon."""
    failures_max: int = 60
    """Wrong passwords of one address within a minute. A site's telephones may share an address, and
    each is asked once for its password whenever it registers."""
    drop_lines_max: int = 20
    """Lines a minute about what was dropped: a flood must not fill the disk."""
    connections_max: int = 1024
    """TCP and TLS together. Each takes the longest message (64 KiB) of the memory that all calls
    share, and by TLS about as much again: 64 to 128 MB in all."""
    tls_connections_max: int = 768
    """Of them. Anybody may come by TLS, and the rest is for those who come by TCP."""
    connection_idle_s: int = 10
    """Of whoever has not shown who it is, from the start where many are open: a telephone registers
    within a second or two. Strangers who open more than 77 a second take all of TLS."""
    phone_requests: int = 150
    """Of one address of telephones within two seconds. Twenty telephones behind one address that
    all register at once, as after a power cut, need eighty."""


def variables(config: Config, limits: Limits = Limits()) -> dict[str, object]:
    """All names that the files in ``asterisk-conf/kamailio/`` may use; raises `ConfigError`."""
    edge = config.edge
    if not edge.enabled:
        raise ConfigError("edge.enabled: the edge is switched off, there is nothing to render.")
    for key in ("config_dir", "run_dir", "tls_certificate", "tls_key", "tls_ca"):
        path = getattr(edge, key)
        if path and not USABLE_PATH.fullmatch(path):
            raise ConfigError(f"edge.{key}: expected an absolute path of plain characters.")
    if ipaddress.ip_address(edge.bind_address).is_unspecified:
        raise ConfigError(
            "edge.bind_address: expected the address that others reach, it stands in what is sent."
        )
    _check_way_out(edge)
    return {
        "edge": edge,
        "tls": edge.tls_port is not None or _out(edge).tls,
        "limits": limits,
        "filter_rows": list(_filter_rows(edge.filter)),
        "out": _out(edge),
        "trunk_token": config.asterisk.trunk_token,
        "config_dir": edge.config_dir,
        "run_dir": edge.run_dir,
        "sockets": list(_sockets(edge)),
        "address_rows": list(_address_rows(edge)),
        "trusted_certificates": edge.tls_ca or "/etc/ssl/certs/ca-certificates.crt",
    }


def render(
    config: Config, *, limits: Limits = Limits(), source_dir: Path = SOURCE_DIR
) -> list[Path]:
    """Write every file of ``source_dir`` into the edge's ``config_dir``; returns them.

    The files hold secrets: directories 0700, files 0600. Raises `ConfigError`.
    """
    values = variables(config, limits)
    target = Path(config.edge.config_dir)
    written = [
        path for pattern in TEMPLATES for path in render_folder(source_dir, pattern, target, values)
    ]
    written += render_folder(source_dir / FILTER_DIR, "*", target / FILTER_DIR, values)
    make_private(Path(config.edge.run_dir))
    return written


def _sockets(edge: EdgeSettings) -> Iterator[str]:
    address = f"[{edge.bind_address}]" if ":" in edge.bind_address else edge.bind_address
    for transport in ("udp", "tcp"):
        yield _socket(transport, address, edge.sip_port, edge.advertise)
    if edge.tls_port:
        yield _socket("tls", address, edge.tls_port, edge.advertise)
    yield f"tcp:127.0.0.1:{edge.control_port}"


def _socket(transport: str, address: str, port: int, advertise: str) -> str:
    shown = f" advertise {advertise}:{port}" if advertise else ""
    return f"{transport}:{address}:{port}{shown}"


def _address_rows(edge: EdgeSettings) -> Iterator[str]:
    for node in edge.nodes:
        address, port = host_and_port(node.uri)
        yield _row(NODES, _network(address, f"edge.nodes: {node.name}"), port, node.name)
    taken: list[tuple[Network, str]] = []
    for trunk in edge.trunks:
        for network in _networks(trunk.addresses, f"edge.trunks: {trunk.name}"):
            for other, name in taken:
                if name != trunk.name and overlap(network, other):
                    raise ConfigError(
                        f"edge.trunks: {name} and {trunk.name} share the address {network}."
                    )
            taken.append((network, trunk.name))
            yield _row(TRUNKS, network, 0, trunk.name)
    for network in _networks(edge.phone_networks, "edge.phone_networks"):
        yield _row(PHONES, network, 0, "phone")
    for network in _networks(edge.filter.blocked_addresses, "edge.filter.blocked_addresses"):
        for other, name in taken:
            if _within(network, other):
                raise ConfigError(
                    f"edge.filter.blocked_addresses: {network} is of the trunk {name},"
                    " which is never blocked."
                )
        yield _row(BLOCKED, network, 0, "blocked")


def _within(inner: Network, outer: Network) -> bool:
    return overlap(inner, outer) and inner.prefixlen >= outer.prefixlen


def _filter_rows(lists: EdgeFilterSettings) -> Iterator[str]:
    """Rows of secfilter's table, but for their numbers."""
    for action, kind, names in (
        (ALLOW, AGENT, lists.allowed_agents),
        (BLOCK, AGENT, lists.blocked_agents),
        (ALLOW, USER, lists.allowed_users),
        (BLOCK, USER, lists.blocked_users),
    ):
        for name in names:
            escaped = name.replace(":", "\\:")
            yield f"{action}:{kind}:{escaped}"


def _check_way_out(edge: EdgeSettings) -> None:
    """Whoever is called out there must be a trunk, to be heard; names cannot be judged here."""
    try:
        carrier = ipaddress.ip_address(_out(edge).host.strip("[]"))
    except ValueError:
        return
    trunks = [each for trunk in edge.trunks for each in _networks(trunk.addresses, "edge.trunks")]
    if not any(carrier in network for network in trunks):
        raise ConfigError(
            f"edge.trunk_out: {carrier} is among the addresses of none of edge.trunks."
        )


def _networks(addresses: Iterable[str], where: str) -> Iterator[Network]:
    for address in addresses:
        yield _network(address, where)


def _network(address: str, where: str) -> Network:
    try:
        network = ipaddress.ip_network(address, strict=False)
    except ValueError as error:
        raise ConfigError(
            f"{where}: expected an IP address or network, got {address!r}."
        ) from error
    if network.prefixlen == 0:
        raise ConfigError(f"{where}: {address!r} is every address there is.")
    return network


def _row(group: int, network: Network, port: int, name: str) -> str:
    address = str(network.network_address)
    if network.version == 6:
        address = f"[{address}]"
    return f"{group} {address} {network.prefixlen} {port} {name}"


@dataclass(frozen=True, slots=True)
class _Out:
    """Where calls of ours go out, as it stands in a Request-URI."""

    host: str
    port: int
    tls: bool


def _out(edge: EdgeSettings) -> _Out:
    host, port = _parse(edge.trunk_out.partition(":")[2])
    tls = edge.trunk_out.startswith("sips:") or edge.trunk_out.endswith("transport=tls")
    return _Out(host, port or (SIPS_PORT if tls else SIP_PORT), tls)


def host_and_port(uri: str) -> tuple[str, int]:
    """Address and source port of a node; port 0 (any) where it connects to us by TCP."""
    host, port = _parse(uri.removeprefix("sip:"))
    return host.strip("[]"), 0 if "transport=tcp" in uri else port or SIP_PORT


def _parse(hostport: str) -> tuple[str, int]:
    """Host (IPv6 in brackets) and port of a URI's rest; port 0 where it names none."""
    match = re.match(r"(\[[0-9A-Fa-f:]+\]|[^:;]*)(?::([^;]*))?", hostport)
    assert match is not None, "everything in it is optional"
    if not (port := match[2]):
        return match[1], 0
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) <= PORT_MAX:
        raise ConfigError(f"edge: expected a port from 1 to {PORT_MAX}, got {port!r}.")
    return match[1], int(port)
