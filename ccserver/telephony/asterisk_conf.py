"""Renders ``asterisk-conf/`` for one instance: ports, paths, secrets and call takers' phones."""

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path

from ccserver.accounts import AgentProfile
from ccserver.config import Config, ConfigError
from ccserver.telephony.messages import TEXT_HEADS, text_spool_dir
from ccserver.templates import REPOSITORY, overlap, render_folder

SOURCE_DIR = REPOSITORY / "asterisk-conf"
LOOPBACK = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "::1/128", "::ffff:127.0.0.0/104")))


EMERGENCY_NUMBER = "112"
DIALLED_NUMBER = re.compile(r"\+?[0-9]{1,20}")
"""What may stand in the dialplan as a number; anything else could be a pattern or a command."""
INVITE_DATA_HEADERS_MAX = 24
"""Of up to 3000 characters, in which the SIP edge hands over the request of a call."""
INFO_DATA_HEADERS_MAX = 32
"""Of up to 450 characters: Asterisk passes on no longer ones of a MESSAGE."""


def call_data_spool_dir(config: Config) -> Path:
    """Where Asterisk leaves what came with calls until it is stored."""
    return Path(config.asterisk.spool_dir) / "calldata"


def variables(
    config: Config, phones: Sequence[AgentProfile], numbers: Sequence[str] = ()
) -> dict[str, object]:
    """All names that the files in ``asterisk-conf/`` may use.

    ``numbers`` are those that a trunk may dial; 112 is always one of them.
    """
    asterisk = config.asterisk
    for address in asterisk.trunk_match:
        _refuse_loopback(address)
    return {
        "config_dir": asterisk.config_dir,
        "run_dir": asterisk.run_dir,
        "log_dir": asterisk.log_dir,
        "spool_dir": asterisk.spool_dir,
        "modules_dir": asterisk.modules_dir,
        "data_dir": asterisk.data_dir,
        "sounds_dir": asterisk.sounds_dir,
        "bind_address": asterisk.bind_address,
        "sip_port": _sip_port(config),
        "http_port": asterisk.http_port,
        "rtp_port_first": asterisk.rtp_port_first,
        "rtp_port_last": asterisk.rtp_port_last,
        "trunk_token": asterisk.trunk_token,
        "edge": config.edge.enabled,
        "trunk_match": [*asterisk.trunk_match, *_trunks_without_edge(config)],
        "trunk_out": config.trunk_out,
        "lease_s": asterisk.lease_s,
        "text_spool_dir": text_spool_dir(config),
        "text_heads": TEXT_HEADS,
        "call_data_spool_dir": call_data_spool_dir(config),
        # The dialplan compares what cannot be part of an expression: letters and digits.
        "edge_token": re.sub("[^A-Za-z0-9]", "", asterisk.trunk_token) or "-",
        "invite_data_headers_max": INVITE_DATA_HEADERS_MAX,
        "info_data_headers_max": INFO_DATA_HEADERS_MAX,
        "recording_spool_dir": config.recording.spool_dir,
        "ari_username": config.ari.username,
        "ari_password": config.ari.password,
        "ami_port": config.ami.port,
        "ami_username": config.ami.username,
        "ami_password": config.ami.password,
        "phones": phones,
        "numbers": [
            number
            for number in dict.fromkeys(numbers)
            if number != EMERGENCY_NUMBER and DIALLED_NUMBER.fullmatch(number)
        ],
    }


def render(
    config: Config,
    phones: Sequence[AgentProfile],
    numbers: Sequence[str] = (),
    *,
    source_dir: Path = SOURCE_DIR,
) -> list[Path]:
    """Write every file of ``source_dir`` into the instance's ``config_dir``; returns them.

    The files hold secrets: directory 0700, files 0600. A file appears whole or not at all.
    """
    values = variables(config, phones, numbers)
    written = render_folder(source_dir, "*.conf", Path(config.asterisk.config_dir), values)
    for directory in (config.asterisk.run_dir, config.asterisk.log_dir, config.asterisk.spool_dir):
        Path(directory).mkdir(parents=True, exist_ok=True, mode=0o700)
    (Path(config.asterisk.run_dir) / "lib" / "keys").mkdir(parents=True, exist_ok=True)
    text_spool_dir(config).mkdir(parents=True, exist_ok=True, mode=0o700)
    call_data_spool_dir(config).mkdir(parents=True, exist_ok=True, mode=0o700)
    Path(config.recording.spool_dir).mkdir(parents=True, exist_ok=True, mode=0o700)
    return written


def _sip_port(config: Config) -> int:
    """Behind an edge, the port of the node that this Asterisk is; otherwise, the one others reach.

    So the edge is taken away by one setting: Asterisk moves to where everybody sends.
    """
    asterisk = config.asterisk
    if config.edge.enabled:
        for node in config.edge.nodes:
            address, _, port = node.uri.removeprefix("sip:").partition(";")[0].rpartition(":")
            if address.strip("[]") == asterisk.bind_address and port.isdecimal():
                return int(port)
    return asterisk.sip_port


def _trunks_without_edge(config: Config) -> list[str]:
    """The edge's trunks are believed by their address where there is no edge in between."""
    if config.edge.enabled:
        return []
    addresses = [address for trunk in config.edge.trunks for address in trunk.addresses]
    return [address for address in addresses if not _holds_loopback(address)]


def _holds_loopback(address: str) -> bool:
    try:
        _refuse_loopback(address)
    except ConfigError:
        return True
    return False


def _refuse_loopback(address: str) -> None:
    try:
        network = ipaddress.ip_network(address, strict=False)
    except ValueError as error:
        raise ConfigError(
            f"asterisk.trunk_match: expected an IP address or network, got {address!r}."
        ) from error
    if network.is_unspecified or any(overlap(network, loopback) for loopback in LOOPBACK):
        raise ConfigError(
            f"asterisk.trunk_match: {address!r} holds a loopback address, by which every program on"
            " this machine would pass for the trunk; use asterisk.trunk_token instead."
        )
