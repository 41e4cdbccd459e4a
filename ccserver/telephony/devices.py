"""What is known of the call takers' phones: reachable, and in a call of whatever origin.

From AMI's device states. ARI's ``deviceState`` subscription can deadlock Asterisk 22, so it is
never used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ccserver.types import AgentId

DEVICE_PREFIX = "PJSIP/"
UNREACHABLE_STATES = frozenset({"UNAVAILABLE", "INVALID", "UNKNOWN"})
BUSY_STATES = frozenset({"INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"})


class Fields(Protocol):
    """The headers of an AMI message."""

    def get(self, key: str, default: str = "") -> str:
        """The value of ``key``."""


@dataclass(frozen=True, slots=True)
class Device:
    """A phone's state: can it be rung, and is it in a call."""

    reachable: bool
    busy: bool


def read_state(fields: Fields) -> tuple[str, Device] | None:
    """Endpoint and state of an AMI ``DeviceStateChange`` event; ``None`` if it is no phone."""
    device, state = fields.get("Device", ""), fields.get("State", "")
    if not device.startswith(DEVICE_PREFIX) or not state:
        return None
    known = Device(reachable=state not in UNREACHABLE_STATES, busy=state in BUSY_STATES)
    return device.removeprefix(DEVICE_PREFIX), known


class Devices:
    """The last known state per seat; tells ``changed`` only what is new."""

    def __init__(self, changed: Callable[[AgentId, Device], None]) -> None:
        self._changed = changed
        self._agents: dict[str, AgentId] = {}
        self._states: dict[AgentId, Device] = {}

    def add(self, agent_id: AgentId, endpoint: str) -> None:
        """A seat whose phone is to be watched."""
        self._agents[endpoint] = agent_id

    def remove(self, agent_id: AgentId) -> None:
        """The seat is gone."""
        endpoint = self.endpoint(agent_id)
        if endpoint is not None:
            del self._agents[endpoint]
            self._states.pop(agent_id, None)

    def endpoint(self, agent_id: AgentId) -> str | None:
        """The endpoint of a seat's phone."""
        return next((name for name, agent in self._agents.items() if agent == agent_id), None)

    def agent_of_channel(self, channel: str) -> AgentId | None:
        """The seat whose phone this Asterisk channel name (``PJSIP/ct-101-0000002a``) is."""
        return self._agents.get(channel.removeprefix(DEVICE_PREFIX).rpartition("-")[0])

    def handle(self, fields: Fields) -> None:
        """One AMI event with a device's state."""
        read = read_state(fields)
        agent_id = self._agents.get(read[0]) if read else None
        if read is None or agent_id is None or self._states.get(agent_id) == read[1]:
            return
        self._states[agent_id] = read[1]
        self._changed(agent_id, read[1])
