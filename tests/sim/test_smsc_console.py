"""Whoever leaves a message centre running makes things happen in it by lines, and sees what came of
them; a line or an option that means nothing is answered, and nothing ends by it.
"""

import asyncio
import json
import sys

import pytest

from sim.smsc import Command, Faults, IdForm
from sim.smsc.serve import CentreConsole, make_centre, read_faults
from sim.typed import BadOption
from tests.sim.smsc_peer import Peer, reply

CITIZEN = "+37120000001"
PROCESS_S = 60.0
"""For a process that starts and ends, on a crowded machine."""


def test_chances_are_given_in_per_cent_and_times_in_seconds() -> None:
    options = {"throttled": "5", "answer_after_s": "0.5", "ids": "mixed", "seed": "7"}
    assert read_faults(options) == Faults(
        throttled=0.05, answer_after_s=0.5, ids=IdForm.MIXED, seed=7
    )


@pytest.mark.parametrize(
    "options",
    [{"throttle": "5"}, {"throttled": "often"}, {"throttled": "101"}, {"ids": "roman"}],
    ids=str,
)
def test_what_is_no_fault_is_said(options: dict[str, str]) -> None:
    with pytest.raises(BadOption):
        read_faults(options)


@pytest.mark.parametrize(
    "options", [{"port": "x"}, {"tls_certificate": "/nowhere"}, {"prot": "1"}], ids=str
)
def test_what_is_no_option_is_said(options: dict[str, str]) -> None:
    with pytest.raises(BadOption):
        make_centre(options)


async def test_lines_text_switch_off_and_change_faults_and_replies_are_printed() -> None:
    said: list[str] = []
    async with make_centre({"port": "0"}) as centre, Peer(centre.port) as peer:
        console = CentreConsole(centre, said.append)
        await peer.bind()
        await console.obey(f"{CITIZEN} Palīgā, deg!\n")
        assert (await peer.delivered()).content.decode("utf-16-be") == "Palīgā, deg!"
        await console.obey(f"data {CITIZEN} position")
        assert (await peer.delivered()).esm_class == 0x40
        await peer.ask(Command.SUBMIT_SM, reply(CITIZEN, b"hello"))
        await peer.delivered()
        await console.obey("set throttled=100")
        await console.obey(f"off {CITIZEN}")
        assert (await peer.ask(Command.SUBMIT_SM, reply(CITIZEN, b"hello"))).status == 0x58
        assert not centre.citizen(CITIZEN).reachable
        for line in ("", "nonsense", "set x=1", "hex zz", "hex 00", "counts", "help"):
            await console.obey(line)
    events = [json.loads(line) for line in said if line.startswith("{")]
    assert [event["event"] for event in events] == [
        "sent", "sent", "reply", "error", "error", "error", "injected", "counts",
    ]  # fmt: skip
    assert events[2]["text"] == "hello"


async def test_the_server_runs_as_a_process_until_it_is_told_to_end() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sim", "smsc", "port=0", "for_s=60",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(PROCESS_S):
        process.stdin.write(f"{CITIZEN} text\n".encode())
        events = [json.loads(await process.stdout.readline()) for _ in range(2)]
        process.terminate()
        events.append(json.loads(await process.stdout.readline()))
        assert await process.wait() == 0
    assert [event["event"] for event in events] == ["listening", "sent", "ended"]
    assert events[-1]["unacknowledged"] == 1
