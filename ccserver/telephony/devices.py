"""What is known of the call takers' phones: reachable, and in a call of whatever origin.

From AMI's device states. ARI's ``deviceState`` subscription can deadlock Asterisk 22, so it is
never used.
"""

from collections.abc import Callable, Iterable
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
        self._events = 0
        self._last_event: dict[AgentId, int] = {}

    def add(self, agent_id: AgentId, endpoint: str) -> None:
        """A seat whose phone is to be watched."""
        self._agents[endpoint] = agent_id

    def remove(self, agent_id: AgentId) -> None:
        """The seat is gone."""
        endpoint = self.endpoint(agent_id)
        if endpoint is not None:
            del self._agents[endpoint]
            self._states.pop(agent_id, None)
            self._last_event.pop(agent_id, None)

    def endpoint(self, agent_id: AgentId) -> str | None:
        """The endpoint of a seat's phone."""
        return next((name for name, agent in self._agents.items() if agent == agent_id), None)

    def agent_of_channel(self, channel: str) -> AgentId | None:
        """The seat whose phone this Asterisk channel name (``PJSIP/ct-101-0000002a``) is."""
        return self._agents.get(channel.removeprefix(DEVICE_PREFIX).rpartition("-")[0])

    def handle(self, fields: Fields) -> None:
        """One AMI event with a device's state."""
        read = self._read(fields)
        if read is None:
            return
        self._events += 1
        self._last_event[read[0]] = self._events
        self._take(*read)

    @property
    def events_seen(self) -> int:
        """To be noted when the list of all states is asked for; see `handle_list`."""
        return self._events

    def handle_list(self, items: Iterable[Fields], *, asked_at: int) -> None:
        """The answer to a question for all states, asked when ``events_seen`` was ``asked_at``.

        An event that came since is newer than the list: the list is read by whoever asked, events
        by somebody else, so a state may arrive here after the one that replaced it. Believed, it
        would keep calls from a free phone until the next question.
        """
        for fields in items:
            read = self._read(fields)
            if read is not None and self._last_event.get(read[0], 0) <= asked_at:
                self._take(*read)

    def _read(self, fields: Fields) -> tuple[AgentId, Device] | None:
        read = read_state(fields)
        agent_id = self._agents.get(read[0]) if read else None
        return (agent_id, read[1]) if read is not None and agent_id is not None else None

    def _take(self, agent_id: AgentId, device: Device) -> None:
        if self._states.get(agent_id) != device:
            self._states[agent_id] = device
            self._changed(agent_id, device)
