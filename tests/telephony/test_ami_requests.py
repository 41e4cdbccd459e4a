"""Actions over AMI: deadlines, lists, refusals, and that none is ever sent twice.

Proves on a real Asterisk that every action ends in an answer or in one named error within its
deadline, that an unanswered one is never sent again after a reconnect, and that no value can
smuggle in a second action or a call.
"""

import asyncio

import pytest

from ccserver.telephony.ami import ACTIONS_PENDING_MAX, LIST_EVENTS_MAX, AMIClient
from ccserver.telephony.ami_protocol import FieldValue
from ccserver.telephony.errors import AMIListTooLong, AMIRefused, AMITimeout, AMIUnavailable
from sim.proxy import Direction, FaultProxy, ProxiedConnection
from tests.faults.asterisk import Asterisk
from tests.faults.links import ami_settings
from tests.faults.supervised import WITHIN_S, supervised, until

pytestmark = pytest.mark.asterisk


async def test_not_connected_is_told_at_once() -> None:
    with pytest.raises(AMIUnavailable):
        await AMIClient(ami_settings(1)).request("Ping")


async def test_queue_add_resolves(asterisk: Asterisk) -> None:
    """Asterisk 22 answers it like any other action; a list must not be guessed from its text."""
    client = AMIClient(ami_settings(asterisk.ami_port))
    member = {"Queue": "emergency", "Interface": "Local/s@wait/added"}
    async with supervised(client) as running:
        await running.ready()
        added = await client.request("QueueAdd", member)
        assert added.message.get("Message") == "Added interface to queue"
        assert added.events == ()
        with pytest.raises(AMIRefused, match="Already there"):
            await client.request("QueueAdd", member)
        await client.request("QueueRemove", member)
        event = await running.next_event()
        while event.event != "QueueMemberAdded":
            event = await running.next_event()
        assert event.get("Interface") == "Local/s@wait/added"


async def test_lists_are_collected_to_their_end(asterisk: Asterisk) -> None:
    client = AMIClient(ami_settings(asterisk.ami_port))
    async with supervised(client) as running:
        await running.ready()
        status, channels = await asyncio.gather(
            client.request("QueueStatus", {"Queue": "emergency"}),
            client.request("CoreShowChannels"),
        )
        assert status.events[0].event == "QueueParams"
        assert {each.event for each in channels.events} <= {"CoreShowChannel"}


async def test_command_output_keeps_its_lines(asterisk: Asterisk) -> None:
    client = AMIClient(ami_settings(asterisk.ami_port))
    async with supervised(client) as running:
        await running.ready()
        answer = await client.request("Command", {"Command": "core show uptime"})
        assert len(answer.message.get_all("Output")) == 2


async def test_names_survive_a_network_that_splits_their_characters(
    ami_proxy: FaultProxy,
) -> None:
    def split(_c: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        whole = [data]
        bytewise = [data[index : index + 1] for index in range(len(data))]
        return bytewise if direction is Direction.TO_CLIENT else whole

    client = AMIClient(ami_settings(ami_proxy.port))
    name = "Jānis Bērziņš 🚒"
    member = {"Queue": "emergency", "Interface": "Local/s@wait/named"}
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.transform = split
        await client.request("QueueAdd", {**member, "MemberName": name})
        status = await client.request("QueueStatus", {"Member": member["Interface"]})
        await client.request("QueueRemove", member)
        assert [each.get("Name") for each in status.events if each.event == "QueueMember"] == [name]


async def test_refusals_carry_asterisks_text_and_the_link_stays(asterisk: Asterisk) -> None:
    client = AMIClient(ami_settings(asterisk.ami_port))
    async with supervised(client) as running:
        await running.ready()
        with pytest.raises(AMIRefused, match="unknown command"):
            await client.request("Nonsense")
        await client.request("Ping")
        assert client.generation == 1


async def test_action_without_an_answer_ends_at_its_deadline_and_a_late_answer_is_dropped(
    ami_proxy: FaultProxy,
) -> None:
    client = AMIClient(ami_settings(ami_proxy.port))
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.stall()
        with pytest.raises(AMITimeout):
            await client.request("QueueStatus", deadline_s=0.2)
        ami_proxy.resume()
        await client.request("Ping")
        assert client.counters["timeouts"] == 1
        assert client.counters["late"] >= 2
        assert client.counters["malformed"] == 0
        assert client.generation == 1


async def test_list_that_never_ends_ends_at_its_deadline(ami_proxy: FaultProxy) -> None:
    def endless(_c: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        if direction is Direction.TO_CLIENT and b"QueueStatusComplete" in data:
            return [data.partition(b"Event: QueueStatusComplete")[0]]
        return [data]

    client = AMIClient(ami_settings(ami_proxy.port))
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.transform = endless
        with pytest.raises(AMITimeout):
            await client.request("QueueStatus", deadline_s=0.3)


async def test_list_beyond_the_bound_is_refused_and_the_link_stays(ami_proxy: FaultProxy) -> None:
    def flood(_c: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        if direction is Direction.TO_CLIENT and b"EventList: start" in data:
            action_id = data.partition(b"ActionID: ")[2].partition(b"\r\n")[0]
            head, _, rest = data.partition(b"\r\n\r\n")
            item = b"Event: QueueMember\r\nActionID: " + action_id + b"\r\n\r\n"
            return [head + b"\r\n\r\n", item * (LIST_EVENTS_MAX + 1), rest]
        return [data]

    client = AMIClient(ami_settings(ami_proxy.port))
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.transform = flood
        with pytest.raises(AMIListTooLong):
            await client.request("QueueStatus")
        ami_proxy.transform = None
        await client.request("Ping")
        assert client.generation == 1


async def test_unanswered_action_fails_with_the_connection_and_is_never_sent_again(
    ami_proxy: FaultProxy,
) -> None:
    client = AMIClient(ami_settings(ami_proxy.port), event_classes=("system", "user"))
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.stall()
        once = asyncio.create_task(
            client.request("UserEvent", {"UserEvent": "Once"}, deadline_s=WITHIN_S * 3)
        )
        await until(lambda: b"UserEvent: Once" in ami_proxy.sent())
        ami_proxy.drop()
        with pytest.raises(AMIUnavailable):
            await asyncio.wait_for(once, WITHIN_S)
        ami_proxy.resume()
        await running.ready_again()
        await client.request("UserEvent", {"UserEvent": "Afterwards"})
        assert ami_proxy.sent().count(b"UserEvent: Once") == 1


async def test_answers_are_matched_by_their_id_whatever_their_order(
    ami_proxy: FaultProxy,
) -> None:
    held = bytearray()

    def reverse(_c: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        if direction is Direction.TO_SERVER:
            return [data]
        held.extend(data)  # TCP may cut an answer anywhere
        answers = [each + b"\r\n\r\n" for each in bytes(held).split(b"\r\n\r\n") if each]
        wanted = [each for each in answers if b"Event Sent" in each or b"uptime" in each]
        if not held.endswith(b"\r\n\r\n") or len(wanted) < 2:
            return []
        held.clear()
        return [*reversed(answers)]

    client = AMIClient(ami_settings(ami_proxy.port))
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.transform = reverse
        sent, uptime = await asyncio.gather(
            client.request("UserEvent", {"UserEvent": "First"}),
            client.request("Command", {"Command": "core show uptime"}),
        )
        assert sent.message.get("Message") == "Event Sent"
        assert uptime.message.get_all("Output")


async def test_repeated_answer_is_dropped(ami_proxy: FaultProxy) -> None:
    client = AMIClient(ami_settings(ami_proxy.port))
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.transform = lambda _c, direction, data: (
            [data, data] if direction is Direction.TO_CLIENT else [data]
        )
        await client.request("Ping")
        await client.request("Ping")
        await until(lambda: client.counters["late"] >= 1)
        assert client.generation == 1


async def test_too_many_unanswered_actions_are_refused(
    ami_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ACTIONS_PENDING_MAX > 100
    monkeypatch.setattr("ccserver.telephony.ami.ACTIONS_PENDING_MAX", 5)
    client = AMIClient(ami_settings(ami_proxy.port))
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.stall()
        waiting = [asyncio.create_task(client.request("Ping")) for _ in range(5)]
        await until(lambda: ami_proxy.sent().count(b"Action: Ping") >= 1)
        with pytest.raises(AMIUnavailable, match="wait for answers"):
            await client.request("Ping")
        ami_proxy.resume()
        await asyncio.wait_for(asyncio.gather(*waiting), WITHIN_S)


INJECTIONS: list[tuple[str, dict[str, FieldValue]]] = [
    ("QueueAdd", {"Queue": "emergency\r\n\r\nAction: Originate"}),
    ("QueueAdd", {"Queue": "emergency\nInterface: Local/x"}),
    ("QueueAdd", {"Queue\r\nAction": "Originate"}),
    ("QueueAdd", {"Variable": ["a=1", "b=\r\nAction: Logoff"]}),
    ("QueueAdd\r\nAction: Originate", {}),
    ("Ping ", {}),
    ("", {}),
]
CALLS: list[tuple[str, dict[str, FieldValue]]] = [
    ("Originate", {"Channel": "Local/s@wait"}),
    ("originate", {"Channel": "Local/s@wait"}),
    ("Command", {"Command": "channel originate Local/s@wait application Wait 1"}),
    ("Command", {"command": "  Channel   Originate Local/s@wait application Wait 1"}),
    ("Command", {"Command": "originate Local/s@wait"}),
]


@pytest.mark.parametrize(("action", "fields"), [*INJECTIONS, *CALLS])
async def test_second_actions_and_calls_are_refused_before_anything_is_sent(
    ami_proxy: FaultProxy, action: str, fields: dict[str, FieldValue]
) -> None:
    client = AMIClient(ami_settings(ami_proxy.port))
    with pytest.raises(ValueError):  # noqa: PT011 (each case has its own text)
        await client.request(action, fields)
    async with supervised(client) as running:
        await running.ready()
        before = ami_proxy.sent()
        with pytest.raises(ValueError):  # noqa: PT011
            await client.request(action, fields)
        assert ami_proxy.sent() == before
        await client.request("Ping")
        assert b"Originate" not in ami_proxy.sent()
