"""The SIP edge of a test instance: its settings, and how its Kamailio is started."""

import ipaddress
import secrets
from pathlib import Path

from ccserver.config import EdgeNodeSettings, EdgeSettings, EdgeTrunkSettings
from sim.ports import Ports

SHARED_MB = 256
"""A call stays in it for some seconds after its end: 300 calls/s filled 32 MB. What is not touched
is not taken from the machine."""
PRIVATE_MB = 8
"""Of each process."""
WORKERS = 2
TRUNK = "operator"
TRUNK_ADDRESSES = ("127.0.0.1", "127.0.1.0/24")
PHONE_NETWORKS = ("127.0.0.1", "127.0.2.0/24")
"""All else of 127.0.0.0/8 is unknown to the edge, which a test can call from as well."""


def edge_settings(
    base: Path,
    ports: Ports,
    *,
    host: str,
    nodes: tuple[EdgeNodeSettings, ...] = (),
    trunk_out: str = "",
    calls_per_s_max: int = 200,
) -> EdgeSettings:
    """An edge in front of the instance's own Asterisk, or of ``nodes``."""
    own = ipaddress.ip_address(host)
    reached = () if own.is_loopback or own.is_unspecified else (host,)
    return EdgeSettings(
        enabled=True,
        config_dir=str(base / "edge" / "etc"),
        run_dir=str(base / "edge" / "run"),
        bind_address=host,
        sip_port=ports.edge,
        control_port=ports.edge_control,
        control_token=secrets.token_urlsafe(24),
        topology_key=secrets.token_urlsafe(24),
        nodes=nodes or (EdgeNodeSettings(name="node1", uri=f"sip:{host}:{ports.sip}"),),
        trunks=(
            EdgeTrunkSettings(
                name=TRUNK,
                addresses=(*TRUNK_ADDRESSES, *reached),
                calls_per_s_max=calls_per_s_max,
            ),
        ),
        phone_networks=(*PHONE_NETWORKS, *reached),
        trunk_out=trunk_out,
        workers=WORKERS,
    )


def command(kamailio: str, settings: EdgeSettings) -> list[str]:
    """Kamailio in the foreground, as whoever runs this, with a log on standard error."""
    config = Path(settings.config_dir) / "kamailio.cfg"
    return [
        kamailio,
        *("-f", str(config)),
        *("-DD", "-E"),
        *("-m", str(SHARED_MB)),
        *("-M", str(PRIVATE_MB)),
        *("-Y", settings.run_dir),
    ]
