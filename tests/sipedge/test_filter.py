"""Whom the administrator's lists keep out (programs, users, addresses), and whom they must not.

A trunk never is filtered, and nothing that a caller may lawfully write costs the call; nor does a
timer that is wrong.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from ccserver.__main__ import main
from ccserver.config import SCANNERS, EdgeFilterSettings
from ccserver.sipedge import conf
from ccserver.sipedge.client import EdgeClient, EdgeRefused
from sim.stack import Stack, seats, toml_of
from tests.sipedge.site import eventually
from tests.sipedge.wire import TRUNK, Answer, Peer, header, peer

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    # One edge for all: what one test has written into its lists, the next must not meet.
    pytest.mark.xdist_group("filter"),
]

LISTS = EdgeFilterSettings(
    allowed_agents=("scanner of Riga",),
    blocked_users=("sipvicious", "100:1"),
    allowed_users=("sipvicious-desk",),
)
PAUSE_S = 0.05
"""Between two calls of one trunk, which may make 200 a second: a quick machine would make more."""
SILENCE_S = 1.0
"""Longer than the edge takes to answer; a lost datagram is sent again in it."""


class Edge:
    """An edge in front of one Asterisk, with lists."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.port = stack.ports.edge
        self._hosts = itertools.count(1)

    def log(self) -> str:
        return (self.stack.data_dir / "edge.log").read_text()

    def telephone(self) -> str:
        """The address of a telephone that no other test has used."""
        return f"127.0.2.{next(self._hosts)}"

    def render(self, **changed: object) -> None:
        """Write the configuration with other lists."""
        lists = msgspec.structs.replace(LISTS, **changed)
        settings = msgspec.structs.replace(self.stack.config.edge, filter=lists)
        self.stack.config = msgspec.structs.replace(self.stack.config, edge=settings)
        conf.render(self.stack.config)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    stack = Stack(tmp_path_factory.mktemp("edge") / "stack", seats(1), edge=True)
    made = Edge(stack)
    try:
        await stack.prepare()
        made.render()
        await stack.start_asterisk()
        await stack.start_edge()
        yield made
    finally:
        await stack.stop()


async def ask(edge: Edge, address: str, within_s: float = 5.0, **headers: str) -> Answer | None:
    async with peer(edge.port, address) as asker:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = asker.request("OPTIONS", headers=named)
        return await asker.answer_to(request, within_s=within_s)


async def banned(edge: Edge, agent: str) -> None:
    """Says that name, gets no answer, and none under a good name either."""
    address = edge.telephone()
    assert await ask(edge, address, SILENCE_S, User_Agent=agent) is None, agent
    assert f"event=banned reason=scanner source={address} " in edge.log(), agent
    assert await ask(edge, address, SILENCE_S) is None, agent


async def test_every_scanner_of_the_list_is_banned_by_its_beginning(edge: Edge) -> None:
    await asyncio.gather(*(banned(edge, f"{name.upper()}/1.2 (x)") for name in SCANNERS))


@pytest.mark.parametrize(
    "agent", ["Acme scanner phone", "Snom-sipcli", "gul", "", '"', "friendly scanner"]
)
async def test_a_telephone_with_such_a_word_in_its_name_passes(edge: Edge, agent: str) -> None:
    assert await ask(edge, edge.telephone(), User_Agent=agent) is not None


async def test_what_is_allowed_passes_although_it_is_blocked(edge: Edge) -> None:
    address = edge.telephone()
    assert await ask(edge, address, User_Agent="scanner of Riga 2") is not None
    assert await ask(edge, address, From="<sip:sipvicious-desk-2@a.example>;tag=1") is not None
    await banned(edge, "scanner of Tartu")


@pytest.mark.parametrize(
    "sender",
    [
        "<sip:sipvicious7@a.example>;tag=1",
        '"SIPvicious" <sip:a@b>;tag=1',
        '"100:1 x" <sip:a@b>;tag=1',
    ],
)
async def test_a_user_of_the_list_is_not_heard_but_nobody_is_banned(
    edge: Edge, sender: str
) -> None:
    address = edge.telephone()
    assert await ask(edge, address, SILENCE_S, From=sender) is None
    assert f"event=dropped reason=blocked_user source={address}\n" in edge.log()
    assert await ask(edge, address) is not None, "others at that address are not to blame"


@pytest.mark.parametrize("name", [*SCANNERS[:3], "sipvicious"])
async def test_a_trunk_is_heard_whatever_it_calls_itself(edge: Edge, name: str) -> None:
    async with peer(edge.port, TRUNK) as caller:
        said = {"User-Agent": name, "From": f'"{name}" <sip:{name}@a.example>;tag=1'}
        await called(caller, said)
    assert f"source={TRUNK}" not in edge.log()


LAWFUL = (
    {"From": "\"Pat O'Brien\" <sip:o'brien@a.example>;tag=1"},
    {"From": "Anna -- Riga <sip:anna--%27x%27@xn--rga-1na.example;user=phone>;tag=1"},
    {"From": '"a=b, c; \\" \\\\ OR 1=1 --" <sip:%22x%22;p=%60@a.example>;tag=1'},
    {"Contact": "<sip:o'brien%27--@127.0.0.1:9;x=y>"},
    {"Geolocation": "<https://loc.example/a?b='c'--&d=%27,e>, <cid:x'y@z>;a=\"b\""},
    {"User-Agent": 'O\'Phone "2" -- %27 `x`'},
    {"Subject": "'; DROP TABLE calls; --"},
)
"""An SQL filter takes offence at each."""


@pytest.mark.parametrize("headers", LAWFUL)
async def test_no_lawful_sign_costs_a_caller_the_call(edge: Edge, headers: dict[str, str]) -> None:
    async with peer(edge.port, TRUNK) as caller:
        await called(caller, headers)
    async with peer(edge.port, edge.telephone()) as telephone:
        invite = telephone.request("INVITE", headers=headers)
        answer = await telephone.answer_to(invite, within_s=8)
        assert answer is not None
        assert answer.code == 401, "Asterisk wants to know who it is"
        telephone.within(answer, invite, "ACK")


@pytest.mark.parametrize("value", ["x", "", "60;x=y", "-1"])
@pytest.mark.parametrize("name", ["Expires", "Session-Expires", "x", "Min-SE"])
async def test_a_timer_that_nobody_can_read_costs_no_call(
    edge: Edge, name: str, value: str
) -> None:
    """Asterisk is silent to the whole call."""
    async with peer(edge.port, TRUNK) as caller:
        await called(caller, {name: value})


@pytest.mark.parametrize("value", ["1800", "1800;refresher=uac", "1800 ; refresher=uas"])
async def test_a_good_timer_reaches_asterisk(edge: Edge, value: str) -> None:
    async with peer(edge.port, TRUNK) as caller:
        answer = await called(caller, {"Session-Expires": value, "Supported": "timer"})
        assert answer.first("Session-Expires").startswith("1800;refresher=ua")


async def called(caller: Peer, headers: dict[str, str] | None = None) -> Answer:
    """A call that is answered and hung up; gives the answer."""
    invite = caller.request("INVITE", headers=headers)
    answer = await caller.answer_to(invite, within_s=8)
    assert answer is not None
    assert answer.code == 200, answer.text
    caller.within(answer, invite, "ACK")
    caller.within(answer, invite, "BYE")
    return answer


async def test_an_address_is_blocked_and_let_in_again_while_calls_go_on(edge: Edge) -> None:
    bad, good = edge.telephone(), edge.telephone()
    control = EdgeClient(edge.stack.config.edge)
    stop = asyncio.Event()

    async def calls() -> int:
        count = 0
        async with peer(edge.port, TRUNK) as caller:
            while not stop.is_set():
                await called(caller)
                count += 1
                await asyncio.sleep(PAUSE_S)
        return count

    async with peer(edge.port, TRUNK) as talking:
        invite = talking.request("INVITE")
        talk = await talking.answer_to(invite, within_s=8)
        assert talk is not None
        talking.within(talk, invite, "ACK")
        going_on = asyncio.create_task(calls())
        try:
            # A trunk's network within what is blocked stays a trunk's.
            edge.render(blocked_addresses=(bad, "127.0.0.0/23"))
            await control.reload()
            assert await ask(edge, bad, SILENCE_S) is None
            assert f"event=dropped reason=blocked_address source={bad}\n" in edge.log()
            assert await ask(edge, good) is not None
            with pytest.raises(EdgeRefused):
                await asyncio.gather(control.reload(), control.reload())
            await asyncio.sleep(2)  # the edge reads its list once a second at most
            edge.render()
            await control.reload()
            assert await ask(edge, bad) is not None
        finally:
            stop.set()
            await control.close()
            assert await going_on > 0
        talking.within(talk, invite, "BYE")
        ended = await eventually_answered(talking, header(invite, "Call-ID"))
        assert ended.startswith("SIP/2.0 200")


async def eventually_answered(asker: Peer, call_id: str) -> str:
    """The answer to the BYE of a call."""
    while True:
        text = await asker.heard("SIP/2.0", within_s=8)
        if header(text, "Call-ID") == call_id and header(text, "CSeq").endswith("BYE"):
            return text


async def test_the_command_line_has_the_edge_take_over_the_addresses(edge: Edge) -> None:
    await asyncio.sleep(2)
    file = edge.stack.data_dir / "reload.toml"
    file.write_text(toml_of(edge.stack.config))
    before = edge.log().count("event=reload status=200")
    assert await asyncio.to_thread(main, ["--config", str(file), "edge", "reload"]) == 0
    await eventually(lambda: edge.log().count("event=reload status=200") > before, "the line")


async def test_empty_lists_filter_nobody(edge: Edge) -> None:
    edge.render(blocked_agents=(), allowed_agents=(), blocked_users=(), allowed_users=())
    await edge.stack.kill_edge()
    await edge.stack.start_edge()
    for name in SCANNERS:
        address = edge.telephone()
        sender = f"<sip:{name[:3]}@a.example>;tag=1"
        assert await ask(edge, address, User_Agent=name, From=sender) is not None, name
