"""Phones' states: only what is new is told, and only of phones that have a seat."""

import pytest

from ccserver.telephony.devices import Device, Devices, read_state
from ccserver.types import AgentId

SEAT = AgentId("agent-101")


def devices() -> tuple[Devices, list[tuple[AgentId, Device]]]:
    told: list[tuple[AgentId, Device]] = []
    known = Devices(lambda agent_id, device: told.append((agent_id, device)))
    known.add(SEAT, "ct-101")
    return known, told


class Message:
    """The headers of an AMI message."""

    def __init__(self, **headers: str) -> None:
        self._headers = headers

    def get(self, key: str, default: str = "") -> str:
        return self._headers.get(key, default)


def state(device: str, value: str) -> Message:
    return Message(Device=device, State=value)


@pytest.mark.parametrize(
    ("value", "device"),
    [
        ("NOT_INUSE", Device(reachable=True, busy=False)),
        ("INUSE", Device(reachable=True, busy=True)),
        ("BUSY", Device(reachable=True, busy=True)),
        ("RINGING", Device(reachable=True, busy=True)),
        ("RINGINUSE", Device(reachable=True, busy=True)),
        ("ONHOLD", Device(reachable=True, busy=True)),
        ("UNAVAILABLE", Device(reachable=False, busy=False)),
        ("INVALID", Device(reachable=False, busy=False)),
        ("UNKNOWN", Device(reachable=False, busy=False)),
    ],
)
def test_every_state_of_asterisk(value: str, device: Device) -> None:
    assert read_state(state("PJSIP/ct-101", value)) == ("ct-101", device)


@pytest.mark.parametrize(
    "fields",
    [Message(), state("", "INUSE"), state("PJSIP/ct-101", ""), state("Queue:emergency", "INUSE")],
)
def test_what_is_no_phone_is_not_read(fields: Message) -> None:
    assert read_state(fields) is None


def test_a_state_is_told_once_and_again_when_it_changes() -> None:
    known, told = devices()
    for value in ("NOT_INUSE", "NOT_INUSE", "INUSE", "RINGING", "UNAVAILABLE"):
        known.handle(state("PJSIP/ct-101", value))
    assert [(device.reachable, device.busy) for _, device in told] == [
        (True, False),
        (True, True),
        (False, False),
    ]


def test_a_list_that_comes_after_a_newer_event_is_not_believed() -> None:
    known, told = devices()
    known.handle(state("PJSIP/ct-101", "RINGING"))
    asked_at = known.events_seen
    known.handle(state("PJSIP/ct-101", "NOT_INUSE"))
    known.handle_list([state("PJSIP/ct-101", "RINGING")], asked_at=asked_at)
    assert told[-1] == (SEAT, Device(reachable=True, busy=False))


def test_a_list_tells_what_no_event_told() -> None:
    known, told = devices()
    known.handle(state("PJSIP/ct-101", "INUSE"))
    lost = [state("PJSIP/ct-101", "NOT_INUSE"), state("PJSIP/ct-999", "INUSE"), state("", "")]
    known.handle_list(lost, asked_at=known.events_seen)
    assert [device.busy for _, device in told] == [True, False]


def test_a_seat_that_comes_back_believes_the_next_list() -> None:
    known, told = devices()
    asked_at = known.events_seen
    known.handle(state("PJSIP/ct-101", "INUSE"))
    known.remove(SEAT)
    known.add(SEAT, "ct-101")
    known.handle_list([state("PJSIP/ct-101", "NOT_INUSE")], asked_at=asked_at)
    assert [device.busy for _, device in told] == [True, False]


def test_phones_without_a_seat_are_nobody() -> None:
    known, told = devices()
    known.handle(state("PJSIP/trunk", "INUSE"))
    assert told == []
    assert known.endpoint(AgentId("agent-999")) is None


@pytest.mark.parametrize(
    ("channel", "agent"),
    [
        ("PJSIP/ct-101-0000002a", SEAT),
        ("PJSIP/ct-1010-0000002a", None),
        ("PJSIP/ct-101", None),
        ("Local/ct-101@x-1", None),
        ("", None),
    ],
)
def test_whose_phone_a_channel_is(channel: str, agent: AgentId | None) -> None:
    assert devices()[0].agent_of_channel(channel) == agent
