"""The fake Asterisk answers commands with the statuses that the real one answers with.

The same assertions run over both: call control is tested against the fake, so the fake has to
refuse what Asterisk refuses.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from ccserver.telephony.actions import ARIRequests
from ccserver.telephony.ari import ARIClient
from ccserver.telephony.errors import ARIRefused
from tests.faults.asterisk import Asterisk
from tests.faults.links import ari_settings, fresh
from tests.faults.supervised import supervised, until
from tests.telephony.fakes import Channel, FakeAsterisk

OK = 200
GONE = "no-such-channel"


@dataclass
class Subject:
    """An Asterisk with one leg in our application, one elsewhere, one on offer; and a bridge."""

    ari: ARIRequests
    application: str
    inside: str
    outside: str
    bridge: str

    async def status(self, method: str, *path: str, params: dict[str, str]) -> int:
        try:
            await self.ari.request(method, path, params=params, json={"variables": {}})
        except ARIRefused as refused:
            return refused.status
        return OK


async def _fake() -> AsyncIterator[Subject]:
    asterisk = FakeAsterisk()
    inside = Channel("inside", "Local/s@wait-1", in_app=True, app="Stasis")
    outside = Channel("outside", "Local/s@wait-2", app="Wait")
    asterisk.channels = {"inside": inside, "outside": outside}
    subject = Subject(asterisk, "acd_main", "inside", "outside", "bridge-c1")
    await subject.status("POST", "bridges", subject.bridge, params={"type": "mixing"})
    yield subject


async def _real(asterisk: Asterisk) -> AsyncIterator[Subject]:
    application = fresh("contract")
    client = ARIClient(ari_settings(asterisk.http_port, application=application))
    async with supervised(client) as running:
        await running.ready()
        subject = Subject(
            client, application, *(f"{name}-{uuid.uuid4()}" for name in ("in", "out", "bridge"))
        )
        wanted = {"app": application}
        await client.request(
            "POST", ("channels", subject.inside), params={"endpoint": "Local/s@wait", **wanted}
        )
        await client.request(
            "POST",
            ("channels", subject.outside),
            params={"endpoint": "Local/s@wait", "context": "wait", "extension": "s"},
        )
        entered = asyncio.Event()

        async def listen() -> None:
            while not entered.is_set():
                event = await running.next_event()
                if event["type"] == "StasisStart" and event["channel"]["id"] == subject.inside:
                    entered.set()

        listening = asyncio.create_task(listen())
        await until(entered.is_set)
        await listening
        await subject.status("POST", "bridges", subject.bridge, params={"type": "mixing"})
        yield subject
        for leg in (subject.inside, subject.outside):
            await subject.status("DELETE", "channels", leg, params={})
        await subject.status("DELETE", "bridges", subject.bridge, params={})


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.asterisk)])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    fake = request.param == "fake"
    source = _fake() if fake else _real(request.getfixturevalue("asterisk"))
    async for made in source:
        yield made


async def test_statuses(subject: Subject) -> None:
    """One Asterisk for all of them, in this order."""
    s = subject
    leg, outside, nobody = (("channels", name) for name in (s.inside, s.outside, GONE))
    variable = {"variable": "X", "value": "1"}
    lease = {"variable": "TIMEOUT(absolute)", "value": "60"}
    music, mixing = {"mohClass": "default"}, {"type": "mixing"}
    snoop = {"spy": "both", "whisper": "out", "app": s.application}
    claim, bridge = ("events", "claim"), ("bridges", s.bridge)
    add, remove = (*bridge, "addChannel"), (*bridge, "removeChannel")
    again = {"endpoint": "Local/s@wait", "app": s.application}
    steps: list[tuple[str, str, tuple[str, ...], dict[str, str], int]] = [
        ("variable of a leg of ours", "POST", (*leg, "variable"), variable, OK),
        ("lease of a leg of ours", "POST", (*leg, "variable"), lease, OK),
        ("lease cleared", "POST", (*leg, "variable"), {**lease, "value": "0"}, OK),
        ("variables of a leg of ours", "POST", (*leg, "variables"), {}, OK),
        ("variables elsewhere", "POST", (*outside, "variables"), {}, 409),
        ("variables of nobody", "POST", (*nobody, "variables"), {}, 404),
        ("variable elsewhere", "POST", (*outside, "variable"), variable, 409),
        ("variable of nobody", "POST", (*nobody, "variable"), variable, 404),
        ("music elsewhere", "POST", (*outside, "moh"), music, 409),
        ("music of nobody", "POST", (*nobody, "moh"), music, 404),
        ("no music elsewhere", "DELETE", (*outside, "moh"), {}, 409),
        ("hang up nobody", "DELETE", nobody, {"reason": "normal"}, 404),
        ("claim of nobody", "POST", claim, {"channelId": GONE}, 404),
        ("claim of what is not on offer", "POST", claim, {"channelId": s.outside}, 404),
        ("bridge made again", "POST", bridge, mixing, 409),
        ("stranger leaves", "POST", remove, {"channel": s.inside}, 422),
        ("nobody leaves", "POST", remove, {"channel": GONE}, 400),
        ("join", "POST", add, {"channel": s.inside}, OK),
        ("join again", "POST", add, {"channel": s.inside}, OK),
        ("leave", "POST", remove, {"channel": s.inside}, OK),
        ("join of nobody", "POST", add, {"channel": GONE}, 400),
        ("join of what is elsewhere", "POST", add, {"channel": s.outside}, 422),
        ("join into nothing", "POST", ("bridges", GONE, "addChannel"), {"channel": s.inside}, 404),
        ("mute", "POST", (*leg, "mute"), {"direction": "in"}, OK),
        ("mute again", "POST", (*leg, "mute"), {"direction": "in"}, OK),
        ("unmute", "DELETE", (*leg, "mute"), {"direction": "in"}, OK),
        ("unmute again", "DELETE", (*leg, "mute"), {"direction": "in"}, OK),
        ("mute elsewhere", "POST", (*outside, "mute"), {"direction": "in"}, 409),
        ("mute nobody", "POST", (*nobody, "mute"), {"direction": "in"}, 404),
        ("ringing", "POST", (*leg, "ring"), {}, OK),
        ("no ringing", "DELETE", (*leg, "ring"), {}, OK),
        ("ringing elsewhere", "POST", (*outside, "ring"), {}, 409),
        ("snoop on nobody", "POST", (*nobody, "snoop", GONE), snoop, 404),
        ("originate again", "POST", leg, again, 409),
        ("bridge removed", "DELETE", bridge, {}, OK),
        ("bridge removed again", "DELETE", bridge, {}, 404),
        ("hang up", "DELETE", leg, {"reason": "congestion"}, OK),
    ]
    found = {}
    for name, method, path, params, _ in steps:
        given = {"application": s.application, **params} if path == claim else params
        found[name] = await s.status(method, *path, params=given)
        if name == "bridge removed again":
            # Asterisk may still be at it (409), which is as good to whoever removes.
            async with asyncio.timeout(30):
                while found[name] == 409:
                    found[name] = await s.status(method, *path, params=given)
    assert found == {name: wanted for name, *_, wanted in steps}
