"""What the SIP edge costs a call, what it can take, and what a stranger's flood does to a trunk.

Run as ``python -m bench.edge [--calls 300]``; prints one JSON line. Times are from the INVITE,
about to be written to the socket, to its answer read from the socket.

* ``delay``: the same Asterisk is called by turns directly and through the edge, one call at a time,
  so that the machine's mood hits both; ``added`` is the difference of the medians. Once with an
  ordinary call, once with an eCall (multipart with MSD) beside the same ordinary call directly.
* ``rate``: a node that only answers stands behind the edge, as Asterisk would be the limit. The
  highest rate of which 99 % are answered within half a second, and the edge's processor time for a
  call. The load comes from one Python process, which is a limit, too.
* ``flood``: calls of a trunk with and without 1 000 INVITE/s from 50 unknown addresses, by turns.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from ccserver.config import EdgeNodeSettings
from sim.scenarios.latency import percentiles
from sim.stack import Stack, seats
from tests.sipedge.wire import EDGE, SDP, TRUNK, Answer, Peer, header, peer

RATES = (100, 200, 300, 400, 600, 800)
RATE_FOR_S = 4.0
IN_TIME_S = 0.5
FLOOD_PER_S = 1_000
BLOCKS = 4
TICKS = os.sysconf("SC_CLK_TCK")
BOUNDARY = "edge-bench"
MSD = "\x01" * 40
URN = "urn:service:sos.ecall.automatic"
ECALL_BODY = (
    f"--{BOUNDARY}\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--{BOUNDARY}\r\n"
    "Content-Type: application/EmergencyCallData.eCall.MSD\r\nContent-ID: <msd@car.invalid>\r\n"
    f"Content-Disposition: by-reference\r\n\r\n{MSD}\r\n--{BOUNDARY}--\r\n"
)
ECALL_HEADERS = {
    "Content-Type": f"multipart/mixed;boundary={BOUNDARY}",
    "Call-Info": "<cid:msd@car.invalid>;purpose=EmergencyCallData.eCall.MSD",
}


async def one_call(caller: Peer, **options: object) -> tuple[float, float]:
    """Seconds to the first answer and to the 200 OK."""
    invite = caller.request("INVITE", **options)  # type: ignore[arg-type]
    began = time.monotonic()
    answer = await caller.answer_to(invite, within_s=8.0)
    assert answer is not None, "no answer"
    assert answer.code == 200, answer.text
    caller.within(answer, invite, "ACK")
    caller.within(answer, invite, "BYE")
    await asyncio.sleep(0.02)
    return answer.first_at - began, answer.at - began


async def delays(stack: Stack, calls: int) -> dict[str, object]:
    """Directly and through the edge, by turns."""
    token = {"X-CCServer-Edge": stack.trunk_token}
    ecall = {"uri": URN, "headers": ECALL_HEADERS, "body": ECALL_BODY}
    taken: dict[str, list[tuple[float, float]]] = {"direct": [], "edge": [], "edge_ecall": []}
    async with (
        peer(stack.ports.sip, TRUNK) as near,
        peer(stack.ports.edge, TRUNK) as far,
    ):
        for number in range(calls + 5):
            turn = {
                "direct": await one_call(near, headers=token),
                "edge": await one_call(far),
                "edge_ecall": await one_call(far, **ecall),
            }
            if number >= 5:  # the first ones warm up
                for name, times in turn.items():
                    taken[name].append(times)
    result: dict[str, object] = {}
    for name, pairs in taken.items():
        result[name] = {
            "first_answer_ms": in_ms([first for first, _ in pairs]),
            "answered_ms": in_ms([last for _, last in pairs]),
        }
    medians = {name: statistics.median(last for _, last in p) for name, p in taken.items()}
    result["added_p50_ms"] = round((medians["edge"] - medians["direct"]) * 1e3, 2)
    result["added_ecall_p50_ms"] = round((medians["edge_ecall"] - medians["direct"]) * 1e3, 2)
    return result


def in_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    return percentiles(list(seconds))


class Node(Peer):
    """Answers everything at once, as an Asterisk without a dialplan would."""

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Answer a request."""
        text = data.decode("latin-1")
        if text.startswith(("SIP/2.0", "ACK")):
            return
        lines = [
            line
            for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:]
            if line.partition(":")[0] in {"Via", "From", "Call-ID", "CSeq", "Record-Route"}
        ]
        host, port = self.address
        to = header(text, "To")
        tag = "" if ";tag=" in to else ";tag=node"
        body = SDP if text.startswith("INVITE") else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.send(
            "SIP/2.0 200 OK\r\n" + "".join(f"{line}\r\n" for line in lines) + f"To: {to}{tag}\r\n"
            f"Contact: <sip:{host}:{port}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}",
            (str(addr[0]), int(addr[1])),
        )


class Load(Peer):
    """Calls at a rate; each is acknowledged and hung up as soon as it is answered."""

    def __init__(self, edge_port: int) -> None:
        super().__init__(edge_port)
        self.sent: dict[str, tuple[str, float]] = {}
        self.times: list[float] = []
        self.refused = 0

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Finish a call that was answered."""
        now = time.monotonic()
        text = data.decode("latin-1")
        if not text.startswith("SIP/2.0 ") or not header(text, "CSeq").endswith("INVITE"):
            return
        code = int(text[8:11])
        found = self.sent.pop(header(text, "Call-ID"), None) if code >= 200 else None
        if found is None:
            return
        invite, began = found
        if code == 200:
            self.times.append(now - began)
        else:
            self.refused += 1
        answer = Answer(code, text, now)
        self.within(answer, invite, "ACK")
        if code == 200:
            self.within(answer, invite, "BYE")

    async def run(self, rate: float, for_s: float) -> int:
        """Place calls; gives how many."""
        began = time.monotonic()
        for number in itertools.count(1):
            invite = self.request("INVITE")
            now = time.monotonic()
            self.sent[header(invite, "Call-ID")] = (invite, now)
            self.send(invite)
            if now - began > for_s:
                await asyncio.sleep(IN_TIME_S)
                return number
            ahead = number / rate - (now - began)
            await asyncio.sleep(max(ahead, 0))
        raise AssertionError("unreachable")


def cpu_s(group: int) -> float:
    """Processor time of every process of a group so far."""
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


async def rates(folder: Path) -> dict[str, object]:
    """How many calls a second pass, and what each costs."""
    loop = asyncio.get_running_loop()
    stack = Stack(folder, seats(1), edge=True)
    found: dict[str, object] = {"sustained_per_s": 0}
    async with AsyncExitStack() as exits:
        _, node = await loop.create_datagram_endpoint(
            lambda: Node(0), local_addr=(EDGE, stack.ports.sip)
        )
        exits.callback(node.close)
        stack.put_behind_edge(
            nodes=[EdgeNodeSettings(name="node", uri=f"sip:{EDGE}:{stack.ports.sip}")],
            calls_per_s_max=10_000,
        )
        exits.push_async_callback(stack.stop)
        await stack.prepare()
        await stack.start_edge()
        assert stack.edge is not None
        _, load = await loop.create_datagram_endpoint(
            lambda: Load(stack.ports.edge), local_addr=(TRUNK, 0)
        )
        exits.callback(load.close)
        await load.run(50, 1.0)
        for rate in RATES:
            load.times.clear()
            load.sent.clear()
            before = cpu_s(stack.edge.pid)
            began = time.monotonic()
            count = await load.run(rate, RATE_FOR_S)
            took = time.monotonic() - began - IN_TIME_S
            cost_ms = (cpu_s(stack.edge.pid) - before) / count * 1e3
            in_time = sum(each < IN_TIME_S for each in load.times)
            if in_time < 0.99 * count:
                break
            found = {
                "sustained_per_s": round(count / took),
                "edge_cpu_ms_per_call": round(cost_ms, 3),
                "answered_ms": in_ms(load.times),
            }
    return found


async def floods(stack: Stack, calls: int) -> dict[str, object]:
    """A trunk's calls with and without a stranger's flood."""
    taken: dict[str, list[float]] = {"calm": [], "flooded": []}
    sent = 0
    async with peer(stack.ports.edge, TRUNK) as caller:
        for _ in range(3):
            await one_call(caller)
        for block in range(2 * BLOCKS):
            name = ("calm", "flooded")[block % 2]
            process = None
            if name == "flooded":
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "bench.edge_flood"),
                    *(str(stack.ports.edge), str(FLOOD_PER_S)),
                    stdout=asyncio.subprocess.PIPE,
                )
                assert process.stdout is not None
                assert await process.stdout.readline() == b"ready\n"
            for _ in range(calls // BLOCKS):
                taken[name].append((await one_call(caller))[1])
            if process is not None:
                process.send_signal(signal.SIGINT)
                output, _ = await process.communicate()
                sent += int(output or 0)
    log = (stack.data_dir / "edge.log").read_text("utf-8", "replace")
    return {
        "calm_ms": in_ms(taken["calm"]),
        "flooded_ms": in_ms(taken["flooded"]),
        "flood_messages": sent,
        "lines_logged": log.count("event=dropped"),
    }


async def measure(calls: int) -> dict[str, object]:
    """Everything, one after the other."""
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        stack = Stack(Path(folder) / "stack", seats(1), edge=True)
        try:
            await stack.prepare()
            await stack.start_asterisk()
            await stack.start_edge()
            result: dict[str, object] = {"calls": calls, "load": os.getloadavg()[0]}
            result["delay"] = await delays(stack, calls)
            result["flood"] = await floods(stack, calls)
        finally:
            await stack.stop()
        result["rate"] = await rates(Path(folder) / "rate")
    return result


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.calls))))


if __name__ == "__main__":
    main()
