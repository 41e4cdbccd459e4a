"""Proves the stream without a socket: numbering, audience, resuming, and all of its bounds."""

import itertools
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.metrics import Metrics
from ccserver.types import AgentId, ServiceCode
from ccserver.web import push
from ccserver.web.push import CLOSE_SLOW, Listener, PushHub, Subscription
from tests.web.fakes import SEAT_A, SEAT_B


def subscribe(
    hub: PushHub, agent_id: AgentId | None = None, after: tuple[str, int] | None = None
) -> Subscription:
    return hub.subscribe(
        Listener(agent_id),
        epoch=hub.epoch_for(agent_id),
        after=after,
        snapshot=lambda: {"contacts": []},
    )


def waiting(subscription: Subscription) -> list[dict[str, Any]]:
    """Everything that the client can be sent now."""
    return [json.loads(data) for data in iter(subscription.take_now, None)]


def seqs(messages: list[dict[str, Any]]) -> list[int]:
    return [message["seq"] for message in messages]


def test_a_new_client_gets_a_snapshot_and_everything_after_it() -> None:
    hub = PushHub(epoch="e")
    hub.publish({"type": "contact"})
    client = subscribe(hub)
    hub.publish({"type": "contact_gone", "contact_id": "c"})
    snapshot, gone = waiting(client)
    assert snapshot == {
        "type": "snapshot",
        "contacts": [],
        "epoch": hub.epoch_for(None),
        "seq": 1,
    }
    assert gone == {"type": "contact_gone", "contact_id": "c", "seq": 2}


def test_a_message_may_be_changed_after_it_was_published() -> None:
    hub = PushHub()
    client = subscribe(hub)
    message: dict[str, object] = {"type": "contact", "at": datetime(2026, 1, 1, tzinfo=UTC)}
    hub.publish(message)
    message["type"] = "changed"
    assert waiting(client)[1] == {"type": "contact", "at": "2026-01-01T00:00:00Z", "seq": 1}
    assert "seq" not in message


def test_only_the_seat_sees_what_is_for_it_live_and_when_resuming() -> None:
    hub = PushHub()
    clients = {seat: subscribe(hub, seat) for seat in (SEAT_A, SEAT_B, None)}
    hub.publish({"type": "offer"}, agent_id=SEAT_A)
    hub.publish({"type": "contact"})
    hub.publish({"type": "offer"}, agent_id=SEAT_B)
    expected = {SEAT_A: [1, 2], SEAT_B: [2, 3], None: [2]}
    for seat, client in clients.items():
        assert seqs(waiting(client)[1:]) == expected[seat]
        again = subscribe(hub, seat, (hub.epoch_for(seat), 0))
        assert seqs(waiting(again)[1:]) == expected[seat]


def test_a_service_sees_what_concerns_it_and_others_outside_the_centre_see_no_people() -> None:
    hub = PushHub()
    fire, police = ServiceCode("fire"), ServiceCode("police")
    listeners = {
        "call taker": Listener(SEAT_A),
        "fire": Listener(service=fire, centre=False),
        "police": Listener(service=police, centre=False),
        "telecom": Listener(centre=False),
    }
    clients = {
        who: hub.subscribe(listener, epoch=who, after=None, snapshot=dict)
        for who, listener in listeners.items()
    }
    hub.publish({"type": "contact"})
    hub.publish({"type": "involvement"}, service=fire)
    hub.publish({"type": "routing", "version": 2})
    hub.publish({"type": "offer"}, agent_id=SEAT_A)
    hub.publish({"type": "offer"}, agent_id=SEAT_B)
    expected = {"call taker": [1, 2, 3, 4], "fire": [2, 3], "police": [3], "telecom": [3]}
    for who, listener in listeners.items():
        assert seqs(waiting(clients[who])[1:]) == expected[who]
        again = hub.subscribe(listener, epoch=who, after=(who, 0), snapshot=dict)
        assert seqs(waiting(again)[1:]) == expected[who]


def test_resuming_gives_exactly_what_was_missed() -> None:
    hub = PushHub()
    for _ in range(20):
        hub.publish({"type": "contact"})
    client = subscribe(hub, None, (hub.epoch_for(None), 13))
    hub.publish({"type": "contact"})
    resumed, *messages = waiting(client)
    # Its number is the client's own: were it the newest, a second break would lose the rest.
    assert resumed == {"type": "resumed", "epoch": hub.epoch_for(None), "seq": 13}
    assert seqs(messages) == list(range(14, 22))


def test_resuming_with_nothing_missed_is_no_snapshot() -> None:
    hub = PushHub()
    assert waiting(subscribe(hub, None, (hub.epoch_for(None), 0)))[0]["type"] == "resumed"
    hub.publish({"type": "contact"})
    assert len(waiting(subscribe(hub, None, (hub.epoch_for(None), 1)))) == 1


@pytest.mark.parametrize("seq", [-1, -(10**30), 6, 10**30])
def test_a_number_that_was_never_given_gets_a_snapshot(seq: int) -> None:
    hub = PushHub()
    for _ in range(5):
        hub.publish({"type": "contact"})
    assert waiting(subscribe(hub, None, (hub.epoch_for(None), seq)))[0]["type"] == "snapshot"


def test_another_process_or_another_person_gets_a_snapshot() -> None:
    hub = PushHub()
    hub.publish({"type": "contact"})
    for epoch in (PushHub().epoch_for(None), hub.epoch_for(SEAT_A), "", "x"):
        assert waiting(subscribe(hub, None, (epoch, 1)))[0]["type"] == "snapshot"
    assert hub.epoch_for("a", "bc") != hub.epoch_for("ab", "c")


def test_what_fell_out_of_the_ring_is_made_up_by_a_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(push, "RING_MESSAGES_MAX", 10)
    hub = PushHub()
    for _ in range(25):
        hub.publish({"type": "contact"})
    epoch = hub.epoch_for(None)
    assert seqs(waiting(subscribe(hub, None, (epoch, 15)))[1:]) == list(range(16, 26))
    assert waiting(subscribe(hub, None, (epoch, 14)))[0]["type"] == "snapshot"


def test_the_ring_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "RING_BYTES_MAX", 10_000)
    hub = PushHub()
    for _ in range(100):
        hub.publish({"type": "contact", "filler": "x" * 1_000})
    epoch = hub.epoch_for(None)
    assert len(waiting(subscribe(hub, None, (epoch, 92)))) == 9
    assert waiting(subscribe(hub, None, (epoch, 80)))[0]["type"] == "snapshot"
    hub.publish({"type": "contact", "filler": "x" * 20_000})
    assert waiting(subscribe(hub, None, (epoch, 100)))[0]["type"] == "snapshot"
    assert waiting(subscribe(hub, None, (epoch, 101)))[0]["type"] == "resumed"


def test_a_slow_client_ends_and_neither_grows_nor_slows_the_others() -> None:
    hub = PushHub()
    slow, quick = subscribe(hub), subscribe(hub)
    waiting(quick)
    received = 0
    for _ in range(push.PENDING_MESSAGES_MAX + 500):
        hub.publish({"type": "contact"})
        if hub.seq % 100 == 0:
            received += len(waiting(quick))
        assert slow.pending_bytes <= push.PENDING_BYTES_MAX
    assert slow.close_code == CLOSE_SLOW
    assert slow.pending_bytes == 0
    assert received == hub.seq
    assert quick.close_code is None
    assert hub.subscriptions == 1


def test_a_slow_client_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "PENDING_BYTES_MAX", 10_000)
    hub = PushHub()
    slow = subscribe(hub)
    for _ in range(20):
        hub.publish({"type": "contact", "filler": "x" * 1_000})
        assert slow.pending_bytes <= 10_000
    assert slow.close_code == CLOSE_SLOW


def test_the_first_reason_to_end_stands() -> None:
    client = subscribe(PushHub())
    client.end(4401)
    client.end(1001)
    assert client.close_code == 4401
    assert not client.put(b"late")


def test_a_message_that_cannot_be_written_neither_raises_nor_takes_a_number() -> None:
    metrics = Metrics()
    hub = PushHub(metrics=metrics)
    client = subscribe(hub)
    hub.publish({"type": "contact", "what": object()})
    hub.publish({"type": "contact", "what": "\ud800"})
    hub.publish({"type": "contact"})
    assert seqs(waiting(client)) == [0, 1]
    assert metrics.registry.get_sample_value("ccserver_push_unencodable_total") == 2
    assert metrics.registry.get_sample_value("ccserver_push_messages_total") == 1


SEATS: tuple[AgentId | None, ...] = (SEAT_A, SEAT_B, None)


@given(seed=st.integers(0, 2**32), ring=st.integers(1, 30))
def test_whatever_breaks_whenever_every_client_sees_what_it_may_once_and_in_order(
    seed: int, ring: int
) -> None:
    """Random publishing, breaking off in mid-replay and coming back, against a plain list."""
    choice = random.Random(seed)  # noqa: S311
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push, "RING_MESSAGES_MAX", ring)
        hub = PushHub()
        published: list[AgentId | None] = []
        seen: dict[AgentId | None, list[int]] = {seat: [] for seat in SEATS}
        last: dict[AgentId | None, tuple[str, int] | None] = dict.fromkeys(SEATS)
        for _ in range(8):
            clients = {seat: subscribe(hub, seat, last[seat]) for seat in SEATS}
            for _ in range(choice.randrange(20)):
                published.append(choice.choice(SEATS))
                hub.publish({"type": "contact"}, agent_id=published[-1])
            for seat, client in clients.items():
                messages = waiting(client)
                for message in messages[: choice.randrange(len(messages) + 1)]:
                    if message["type"] == "snapshot":
                        visible = [
                            number
                            for number, audience in enumerate(published, 1)
                            if audience in (None, seat) and number <= message["seq"]
                        ]
                        seen[seat] = visible
                    elif message["type"] != "resumed":
                        seen[seat].append(message["seq"])
                    last[seat] = (hub.epoch_for(seat), message["seq"])
                hub.unsubscribe(client)
        for seat in SEATS:
            upto = last[seat][1] if last[seat] else 0  # type: ignore[index]
            assert seen[seat] == [
                number
                for number, audience in itertools.islice(enumerate(published, 1), upto)
                if audience in (None, seat)
            ]
