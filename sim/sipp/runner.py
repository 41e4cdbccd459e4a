"""Runs SIPp scenarios against a SIP port of this machine and reads back what happened.

SIPp's own short message log holds every message with its time to the microsecond; everything
reported here is read from it. Its times are moved to ``time.monotonic()``, the clock of phone
events, so that both can be compared.
"""

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
SCENARIO_DIR = Path(__file__).parent / "scenarios"
CALLS_MAX = 5000  # a test machine's own limit; more would measure SIPp
RATE_MAX = 200.0  # calls per second
HOLD_S_MAX = 600.0
ANSWER_S = 40.0  # a caller waits this long in the queue before the load gives up
PROBE_ANSWER_S = 3.0  # a scenario of bad input is answered at once or never
STOP_S = 15.0  # from the last call's end to SIPp's exit
KILL_S = 2.0
PAD_BYTES = 2000  # of one header in ``huge_headers``; twenty of them stay below one datagram
PROVISIONAL_CODES = (100, 180, 181, 182, 183)
FINAL_CODES = (
    *(301, 302, 305, 380),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416, 420, 421, 423),
    *(480, 481, 482, 483, 484, 485, 486, 488, 489, 491, 493, 494),
    *(500, 501, 502, 503, 504, 505, 513, 580, 600, 603, 604, 606),
)

SCENARIOS: Mapping[str, str] = {
    path.stem: path.read_text().split("<!-- ", 1)[1].split(" -->", 1)[0]
    for path in sorted(SCENARIO_DIR.glob("*.xml"))
    if path.stem != "load"
}
"""Names of the scenarios of bad input, each with what it does and what should be answered."""


class SIPpError(Exception):
    """SIPp could not run at all; the text says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the log. ``t`` is ``time.monotonic()``; ``code`` is ``None`` for a request."""

    t: float
    sent: bool
    call_id: str
    sequence: str
    method: str
    code: int | None


@dataclass(frozen=True, slots=True)
class CallTimes:
    """What happened to one call, times in ``time.monotonic()``; ``None`` where it did not."""

    call_id: str
    caller: str
    invite_t: float
    first_answer_t: float | None
    answered_t: float | None
    ended_t: float | None
    final_code: int | None

    @property
    def answer_s(self) -> float | None:
        """Seconds from INVITE to 200 OK."""
        return None if self.answered_t is None else self.answered_t - self.invite_t


@dataclass(frozen=True, slots=True)
class LoadResult:
    """All calls of a load in order of their INVITEs; ``exit_status`` 0 of SIPp: all went well."""

    calls: tuple[CallTimes, ...]
    exit_status: int

    @property
    def finals(self) -> Counter[int | None]:
        """Count the final answers to INVITE."""
        return Counter(call.final_code for call in self.calls)

    def latencies_s(self) -> list[float]:
        """Give the times from INVITE to 200 OK, sorted."""
        return sorted(call.answer_s for call in self.calls if call.answer_s is not None)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What was answered to a scenario: (method, code) in order of arrival, all calls together."""

    name: str
    answers: tuple[tuple[str, int], ...]
    exit_status: int
    requests: tuple[str, ...] = field(default=())

    def codes(self, method: str | None = None) -> tuple[int, ...]:
        """Give the codes, of one method or of all."""
        return tuple(code for name, code in self.answers if method in (None, name))

    @property
    def final(self) -> int | None:
        """Give the first final answer; ``None`` where there was none."""
        return next((code for _, code in self.answers if code >= 200), None)


async def run_load(
    port: int,
    *,
    calls: int,
    rate: float,
    hold_s: float,
    number: str = "112",
    callers: Iterable[str] = (),
    echo: bool = True,
    answer_s: float = ANSWER_S,
    sipp: str = "sipp",
    workdir: Path | None = None,
) -> LoadResult:
    """Place ``calls`` calls to ``number`` at ``port``, ``rate`` a second, each held ``hold_s``.

    ``callers`` are the numbers in From and P-Asserted-Identity, used in turn. With ``echo`` the
    callers send back what they hear, otherwise they stay silent. Raises ``ValueError`` beyond the
    bounds above and ``SIPpError`` where SIPp does not run.
    """
    if not 1 <= calls <= CALLS_MAX or not 0 < rate <= RATE_MAX or not 0 <= hold_s <= HOLD_S_MAX:
        raise ValueError(f"calls {calls}, rate {rate} or hold_s {hold_s} is out of bounds")
    numbers = list(callers) or [f"+3712{index:07d}" for index in range(min(calls, 1000))]
    limit_s = calls / rate + hold_s + answer_s + STOP_S
    options = ["-m", str(calls), "-l", str(calls), "-s", number]
    # SIPp takes whole calls per period; a period of ten seconds gives rates down to 0.1.
    options += ["-r", str(max(round(rate * 10), 1)), "-rp", "10000"]
    options += ["-rtp_echo"] if echo else []
    template = (SCENARIO_DIR / "load.xml").read_text()
    scenario = _render(template, answer_s=answer_s, hold_s=hold_s)
    with _directory(workdir) as place:
        status, messages = await _run(_Job(sipp, port, scenario, numbers, options, limit_s), place)
    return LoadResult(_calls(messages, numbers), status)


async def run_scenario(
    name: str,
    port: int,
    *,
    number: str = "112",
    calls: int = 1,
    hold_s: float = 0.3,
    caller: str = "+37120000000",
    answer_s: float = PROBE_ANSWER_S,
    sipp: str = "sipp",
    workdir: Path | None = None,
) -> ScenarioResult:
    """Run one of ``SCENARIOS`` against ``port``; raises ``KeyError`` for another name."""
    if name not in SCENARIOS:
        raise KeyError(name)
    if not 1 <= calls <= CALLS_MAX:
        raise ValueError(f"calls {calls} is out of bounds")
    template = (SCENARIO_DIR / f"{name}.xml").read_text()
    scenario = _render(template, answer_s=answer_s, hold_s=hold_s)
    options = ["-m", str(calls), "-r", "10", "-s", number, "-d", str(round(hold_s * 1000))]
    options += ["-key", "pad", "x" * PAD_BYTES, "-default_behaviors", "none"]
    limit_s = calls / 10 + hold_s + 4 * max(answer_s, PROBE_ANSWER_S)
    with _directory(workdir) as place:
        job = _Job(sipp, port, scenario, [caller], options, limit_s)
        status, messages = await _run(job, place)
    received = [message for message in messages if not message.sent]
    answers = tuple((m.sequence.partition(" ")[2], m.code) for m in received if m.code is not None)
    requests = tuple(message.method for message in received if message.code is None)
    return ScenarioResult(name, answers, status, requests)


def _render(template: str, *, answer_s: float, hold_s: float) -> str:
    """Fill in what SIPp's format has no word for: "any final answer", and times."""
    # SIPp's clock runs for the first receive it stands at, so each of them carries the time.
    wait = f'timeout="{round(answer_s * 1000)}" ontimeout="9"'
    lines = [f'  <recv response="{code}" optional="true" {wait}/>' for code in PROVISIONAL_CODES]
    lines += [f'  <recv response="200" optional="true" rrs="true" next="2" {wait}/>']
    lines += [f'  <recv response="{c}" optional="true" next="1" {wait}/>' for c in FINAL_CODES]
    lines += [f'  <recv response="487" next="1" {wait}/>']
    filled = template.replace("  <!-- final answers -->", "\n".join(lines))
    return filled.replace("[hold]", str(max(round(hold_s * 1000), 1)))


def _directory(workdir: Path | None) -> contextlib.AbstractContextManager[str | Path]:
    if workdir is not None:
        workdir.mkdir(parents=True, exist_ok=True)
        return contextlib.nullcontext(workdir)
    return tempfile.TemporaryDirectory(prefix="sipp-")


@dataclass(frozen=True, slots=True)
class _Job:
    """One run of SIPp: the scenario's text, the callers' numbers, options, a bound in time."""

    sipp: str
    port: int
    scenario: str
    numbers: list[str]
    options: list[str]
    limit_s: float


async def _run(job: _Job, place: str | Path) -> tuple[int, list[Message]]:
    """Run SIPp in ``place`` until it ends or its time is over; give its status and log."""
    directory, sipp, limit_s = Path(place), job.sipp, job.limit_s
    (directory / "scenario.xml").write_text(job.scenario)
    callers = "".join(f"{number}\n" for number in job.numbers)
    (directory / "callers.csv").write_text("SEQUENTIAL\n" + callers)
    log = directory / "messages.tsv"
    log.unlink(missing_ok=True)
    command = [sipp, f"{HOST}:{job.port}", "-sf", "scenario.xml", "-inf", "callers.csv"]
    command += [
        "-i",
        HOST,
        "-p",
        str(free_ports(HOST, 1)),
        "-mi",
        HOST,
        "-mp",
        str(free_ports(HOST, 4)),
    ]
    command += ["-nostdin", "-timeout", f"{round(limit_s)}s", *job.options]
    command += ["-trace_shortmsg", "-shortmessage_file", log.name]
    command += ["-trace_err", "-error_file", "errors.log"]
    clock = time.time() - time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "TERM": "dumb"},
        )
    except OSError as error:
        raise SIPpError(f"{sipp} cannot be started: {error}") from error
    try:
        async with asyncio.timeout(limit_s + STOP_S):
            _, errors = await process.communicate()
    except TimeoutError as error:
        raise SIPpError(f"{sipp} did not end within {limit_s + STOP_S:.0f} s") from error
    finally:
        await _kill(process)
    status = process.returncode or 0
    if not log.exists():
        reason = errors.decode(errors="replace").strip() or "it sent nothing"
        raise SIPpError(f"{sipp} ended with {status}: {reason[-500:]}")
    return status, _messages(log.read_text(errors="replace"), clock)


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), KILL_S)


def free_ports(host: str, count: int) -> int:
    """Give the first of ``count`` neighbouring UDP ports that are free now at an address."""
    for _ in range(100):
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            first.bind((host, 0))
            port = int(first.getsockname()[1])
            try:
                for offset in range(1, count):
                    other = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    other.bind((host, port + offset))
            except (OSError, OverflowError):
                continue
            return port
    raise SIPpError(f"no {count} neighbouring UDP ports are free")


def _messages(log: str, clock: float) -> list[Message]:
    """Read SIPp's short message log: date, time, epoch, S or R, Call-ID, CSeq, start line."""
    messages = []
    for line in log.splitlines():
        columns = line.split("\t")
        if len(columns) < 7:
            continue
        start = columns[6]
        answer = start.startswith("SIP/2.0 ") and start[8:11].isdigit()
        messages.append(
            Message(
                t=float(columns[2]) - clock,
                sent=columns[3] == "S",
                call_id=columns[4],
                sequence=columns[5].removeprefix("CSeq:"),
                method=columns[5].rpartition(" ")[2] if answer else start.partition(" ")[0],
                code=int(start[8:11]) if answer else None,
            )
        )
    return messages


def _calls(messages: list[Message], numbers: list[str]) -> tuple[CallTimes, ...]:
    by_call: dict[str, list[Message]] = {}
    for message in messages:
        by_call.setdefault(message.call_id, []).append(message)
    calls = []
    for index, (call_id, history) in enumerate(by_call.items()):
        sent = [m.t for m in history if m.sent and m.method == "INVITE" and m.code is None]
        answers = [m for m in history if not m.sent and m.code and m.method == "INVITE"]
        finals = [m for m in answers if m.code is not None and m.code >= 200]
        byes = [m.t for m in history if m.method == "BYE" and m.code is None]
        if sent:
            final = finals[0] if finals else None
            calls.append(
                CallTimes(
                    call_id=call_id,
                    caller=numbers[index % len(numbers)],
                    invite_t=sent[0],
                    first_answer_t=answers[0].t if answers else None,
                    answered_t=final.t if final and final.code == 200 else None,
                    ended_t=byes[0] if byes else None,
                    final_code=final.code if final else None,
                )
            )
    return tuple(calls)
