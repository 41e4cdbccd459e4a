"""A centre with a network around it."""

from dataclasses import dataclass

from sim.held import LocationServer
from sim.panel import Panel
from sim.sip import UA
from tests.conformance.world import World

CARRIER = "127.0.1.7"
"""Where calls of ours go out to."""


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre, the network that it calls out to, and a server that knows places."""

    world: World
    panel: Panel
    """Of a call taker who rests: so callers wait, and no telephone of a vacant position rings."""
    carrier: UA
    server: LocationServer
