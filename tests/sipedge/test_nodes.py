"""Several Asterisks behind one edge: one that died or hangs is left, one that recovered comes back.

The callers' own redial is what saves a call whose Asterisk died; it must land at another.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccserver.config import EdgeNodeSettings
from sim.stack import Stack, seats
from tests.sipedge.wire import Answer, Peer, peer

pytestmark = [pytest.mark.asterisk, pytest.mark.stack]

UNREADABLE = ({"Contact": "x"}, {"Contact": "<sip:"})
LEFT_WITHIN_S = 3.0
BACK_WITHIN_S = 5.0


class Site:
    """Two Asterisks, an edge in front of them, and somebody who calls."""

    def __init__(self, first: Stack, second: Stack, caller: Peer) -> None:
        self.first, self.second, self.caller = first, second, caller

    def node_of(self, answer: Answer) -> str:
        port = answer.first("X-Node") or answer.first("Contact")
        return "first" if str(self.first.ports.sip) in port else "second"

    async def call(self) -> Answer:
        answer = await self.caller.call()
        assert answer is not None, "nobody answered"
        assert answer.code == 200
        return answer

    def log(self) -> str:
        return (self.first.data_dir / "edge.log").read_text()

    async def calls_of(self, stack: Stack) -> int:
        line = next(
            line
            for line in (await stack.asterisk_cli("core show channels count")).splitlines()
            if "processed" in line
        )
        return int(line.split()[0])

    async def wait_for(self, what: Callable[[], bool], within_s: float) -> None:
        give_up_at = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < give_up_at, self.log()[-2000:]
            await asyncio.sleep(0.05)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    token = "token-of-both-nodes-0123456789"
    second = Stack(tmp_path / "second", seats(1), trunk_token=token)
    first = Stack(tmp_path / "first", seats(1), edge=True, trunk_token=token)
    nodes = tuple(
        EdgeNodeSettings(name=name, uri=f"sip:127.0.0.1:{stack.ports.sip}")
        for name, stack in (("first", first), ("second", second))
    )
    first.put_behind_edge(nodes=nodes)
    try:
        for stack in (first, second):
            await stack.prepare()
            await stack.start_asterisk()
        await first.start_edge()
        async with peer(first.ports.edge) as caller:
            yield Site(first, second, caller)
    finally:
        await first.stop()
        await second.stop()


async def test_calls_are_spread_over_the_nodes(site: Site) -> None:
    for _ in range(6):
        await site.call()
    counts = Counter({"first": await site.calls_of(site.first)})
    counts["second"] = await site.calls_of(site.second)
    assert counts == {"first": 3, "second": 3}


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_a_node_that_is_lost_is_left_and_comes_back(site: Site, how: str) -> None:
    for _ in range(2):
        await site.call()
    before = await site.calls_of(site.second)
    if how == "killed":
        await site.first.kill_asterisk()
    else:
        site.first.freeze_asterisk()
    lost_at = time.monotonic()
    # Whoever redials at once is answered, by the other one.
    slowest = 0.0
    answered = 0
    while time.monotonic() < lost_at + LEFT_WITHIN_S:
        began = time.monotonic()
        await site.call()
        slowest = max(slowest, time.monotonic() - began)
        answered += 1
        await asyncio.sleep(0.1)
    assert slowest < LEFT_WITHIN_S
    # From now on nobody even waits for the lost one.
    for _ in range(4):
        began = time.monotonic()
        await site.call()
        assert time.monotonic() - began < 1.0
    assert await site.calls_of(site.second) - before == answered + 4
    assert "event=node_down" in site.log()

    if how == "killed":
        await site.first.start_asterisk()
    else:
        site.first.thaw_asterisk()
    await site.wait_for(lambda: "event=node_up" in site.log(), BACK_WITHIN_S)
    before = await site.calls_of(site.first)
    for _ in range(4):
        await site.call()
    assert await site.calls_of(site.first) - before == 2


async def test_a_call_that_asterisk_cannot_read_takes_no_node_away(site: Site) -> None:
    """Asterisk is silent to it, as if it were dead."""
    for header in UNREADABLE:
        invite = site.caller.request("INVITE", headers=header)
        answer = await site.caller.answer_to(invite, within_s=8)
        assert answer is not None
        assert answer.code == 503, answer.text
        site.caller.within(answer, invite, "ACK")
    assert site.log().count("event=node_silent") == 2 * len(UNREADABLE), "both were tried"
    assert "event=node_down" not in site.log()


async def test_callers_are_tried_everywhere_where_no_node_answers_probes(site: Site) -> None:
    await site.first.kill_asterisk()
    await site.second.kill_asterisk()
    await site.wait_for(lambda: site.log().count("event=node_down") >= 2, LEFT_WITHIN_S + 1)
    answer = await site.caller.call(within_s=8)
    assert answer is not None
    assert answer.code == 503, "the network takes another way"
    assert answer.first("Retry-After")
