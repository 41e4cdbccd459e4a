"""The asyncio side of the phone process. The package's text shows its use and all events."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from sim.audio import Audio, Span, breaks, first_sound_at, hears, parties_heard, read_audio
from sim.phones import protocol
from sim.phones.protocol import Behaviour, CallStep

Event = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0  # importing the library takes a second on a busy machine
REPLY_S = 30.0
WAIT_S = 30.0  # a wait that ends well costs nothing, and a machine may be busy
TOLD_EVENTS = 20  # of what happened before a wait was in vain
CLOSE_S = 5.0  # the process itself takes 2 s at most, on a machine that lets it run
HISTORY_MAX = 100_000  # events kept for ``wait_for``; a scenario of an hour stays far below
QUEUE_MAX = 10_000  # events a slow iterator may be behind
LINE_BYTES_MAX = 1024 * 1024


class PhoneError(Exception):
    """The phone process refused a command, or is gone; the text says why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What one call heard. ``started_t`` is the time of its first sample, ``slip_s`` its error."""

    path: Path
    started_t: float
    rate: int
    samples: int
    slip_s: float

    def audio(self) -> Audio:
        """Read the file."""
        return read_audio(self.path)

    def parties(self) -> frozenset[int]:
        """Give every party whose tone is in it."""
        return parties_heard(self.audio().mono(), self.rate)

    def heard(self, party: int) -> list[Span]:
        """Give the spans in which a party was heard, in the time of events (``t``)."""
        return [
            Span(self.started_t + span.start_s, self.started_t + span.end_s)
            for span in hears(self.audio().mono(), self.rate, party)
        ]

    def breaks(self, party: int, *, longer_than_s: float = 0.05) -> list[Span]:
        """Give the breaks in a party's voice between its first and last sound, in time ``t``.

        ``heard`` bridges what is shorter than half a second; this does not.
        """
        return [
            Span(self.started_t + span.start_s, self.started_t + span.end_s)
            for span in breaks(self.audio().mono(), self.rate, party, longer_than_s=longer_than_s)
        ]

    def first_sound_t(self) -> float | None:
        """Give the time of the first sound of any kind."""
        first = first_sound_at(self.audio().mono(), self.rate)
        return None if first is None else self.started_t + first


class PhoneBank:
    """A process full of phones; up to 64 phones and 64 calls."""

    def __init__(
        self, *, record_dir: Path | None = None, log: Path | None = None, frame_ms: int = 10
    ) -> None:
        self._own_dir = None if record_dir else tempfile.TemporaryDirectory(prefix="phones-")
        self.record_dir = record_dir or Path(self._own_dir.name if self._own_dir else ".")
        self.sip_port = 0
        self._log = log
        self._frame_ms = frame_ms
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Event]] = {}
        self._history: deque[Event] = deque(maxlen=HISTORY_MAX)
        self._changed = asyncio.Condition()
        self._gone = False  # the process has ended
        self._queues: set[asyncio.Queue[Event]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """Give the process id, for tests that stop or kill it."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process; raises ``PhoneError`` if it does not come up."""
        self.record_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "sim.phones", "--record-dir", str(self.record_dir)]
        command += ["--frame-ms", str(self._frame_ms)]
        if self._log:
            command += ["--log", str(self._log)]
        with (self.record_dir / "phones.stderr").open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LINE_BYTES_MAX,
                start_new_session=True,
                # One thread of arithmetic is enough, and a pool would fight the media thread.
                env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            )
        self._reader = asyncio.create_task(self._read(), name="phone-events")
        try:
            ready = await self.wait_for("ready", timeout_s=START_S)
        except (TimeoutError, PhoneError) as error:
            await self.close()
            raise PhoneError(f"the phone process did not start: {self._last_words()}") from error
        self.sip_port = int(ready["port"])

    async def close(self) -> None:
        """End all calls and the process; afterwards nothing of it is left."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), CLOSE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if self._reader:
            await self._reader
        if self._own_dir:
            self._own_dir.cleanup()

    # Phones.

    async def add_phone(
        self,
        name: str,
        *,
        tone: int,
        registrar: str | None = None,
        username: str | None = None,
        password: str | None = None,
        sip_uri: str | None = None,
        display: str | None = None,
        voice: Path | None = None,
        expires_s: int = 300,
        behaviour: Behaviour | None = None,
    ) -> str:
        """Add a phone that speaks the tone of party ``tone`` (or the WAV file ``voice``).

        Gives its SIP URI, which in a direct call can be dialled as it is. With ``registrar``
        (``sip:host:port``) it registers at once and again every 2 s until it succeeds.
        """
        reply = await self._ask(
            protocol.Add(
                id=0,
                name=name,
                tone=tone,
                registrar=registrar,
                username=username,
                password=password,
                sip_uri=sip_uri,
                display=display,
                voice=str(voice) if voice else None,
                expires_s=expires_s,
                behaviour=behaviour or Behaviour(),
            )
        )
        return str(reply["uri"])

    async def remove_phone(self, name: str) -> None:
        """End a phone's calls, unregister and forget it."""
        await self._ask(protocol.Remove(id=0, name=name))

    async def set_behaviour(self, name: str, behaviour: Behaviour) -> None:
        """Give a phone another behaviour, from its next call on."""
        await self._ask(protocol.Behave(id=0, name=name, behaviour=behaviour))

    async def register(self, name: str) -> None:
        """Register again; the result is an event."""
        await self._ask(protocol.Register(id=0, name=name, active=True))

    async def unregister(self, name: str) -> None:
        """Take a phone's registration back; the result is an event."""
        await self._ask(protocol.Register(id=0, name=name, active=False))

    # Calls.

    async def call(
        self,
        phone: str,
        uri: str,
        *,
        headers: Mapping[str, str] | None = None,
        from_uri: str | None = None,
        hang_up_at: CallStep | None = None,
        hang_up_after_s: float | None = None,
    ) -> str:
        """Call ``uri`` and give the call's id at once; progress comes as events.

        ``headers`` are added to the INVITE, ``from_uri`` replaces the From; ``hang_up_at`` and
        ``hang_up_after_s`` override the phone's behaviour for this call.
        """
        call = f"{phone}>{next(self._numbers)}"
        await self._ask(
            protocol.Dial(
                id=0,
                name=phone,
                call=call,
                uri=uri,
                headers=dict(headers or {}),
                from_uri=from_uri,
                hang_up_at=hang_up_at,
                hang_up_after_s=hang_up_after_s,
            )
        )
        return call

    async def write(
        self, phone: str, uri: str, text: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a text to ``uri``; the answer is an event."""
        await self._ask(
            protocol.Write(id=0, name=phone, uri=uri, text=text, headers=dict(headers or {}))
        )

    async def answer(self, call: str) -> None:
        """Answer a ringing call."""
        await self._ask(protocol.Answer(id=0, call=call))

    async def reject(self, call: str, code: int = 486) -> None:
        """Refuse a ringing call (486 busy, 603 declined, 480 not there)."""
        await self._ask(protocol.Hangup(id=0, call=call, code=code))

    async def hangup(self, call: str) -> None:
        """End a call in whatever state: BYE, CANCEL or a refusal."""
        await self._ask(protocol.Hangup(id=0, call=call))

    async def hold(self, call: str) -> None:
        """Put the peer on hold by a re-INVITE."""
        await self._ask(protocol.Hold(id=0, call=call, active=True))

    async def unhold(self, call: str) -> None:
        """Take the peer back from hold."""
        await self._ask(protocol.Hold(id=0, call=call, active=False))

    async def send_dtmf(self, call: str, digits: str) -> None:
        """Send digits as RFC 4733 events."""
        await self._ask(protocol.Dtmf(id=0, call=call, digits=digits))

    async def stats(self) -> Event:
        """Give ``cpu_s`` used so far, ``t``, ``phones`` and ``calls``."""
        return await self._ask(protocol.Stats(id=0))

    async def recording(self, call: str, *, timeout_s: float = 5.0) -> Recording:
        """Wait for a call's finished recording (the call must have ended and had media)."""
        event = await self.wait_for("recording", call=call, timeout_s=timeout_s)
        return Recording(
            path=Path(event["path"]),
            started_t=float(event["started_t"]),
            rate=int(event["rate"]),
            samples=int(event["samples"]),
            slip_s=float(event["slip_s"]),
        )

    # Events.

    async def events(self) -> AsyncIterator[Event]:
        """Iterate over all events from now on, until the process ends.

        A reader more than ``QUEUE_MAX`` events behind gets ``PhoneError`` rather than a gap.
        """
        queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_MAX)
        self._queues.add(queue)
        try:
            while True:
                event = await queue.get()
                if queue not in self._queues:
                    raise PhoneError("the reader of phone events was too slow")
                yield event
                if event["event"] == "closed":
                    return
        finally:
            self._queues.discard(queue)

    def history(self, kind: str | None = None, **fields: object) -> list[Event]:
        """Give the past events of a kind with these fields, oldest first."""
        return [event for event in self._history if _matches(event, kind, fields)]

    async def wait_for(
        self, kind: str, *, timeout_s: float = WAIT_S, after: float = 0.0, **fields: object
    ) -> Event:
        """Give the first event of a kind with these fields and ``t >= after``, past or future.

        Raises ``TimeoutError`` naming what was awaited and what happened last instead,
        ``PhoneError`` if the process ends first.
        """
        deadline = time.monotonic() + timeout_s
        seen = 0
        async with self._changed:
            while True:
                events = list(itertools.islice(self._history, seen, None))
                for event in events:
                    if event["t"] >= after and _matches(event, kind, fields):
                        return event
                # Once the history is full its positions move, so look at all of it again.
                seen = len(self._history) if len(self._history) < HISTORY_MAX else 0
                if self._gone:
                    raise PhoneError(f"the phone process ended before {kind} {fields}")
                try:
                    async with asyncio.timeout(deadline - time.monotonic()):
                        await self._changed.wait()
                except TimeoutError:
                    raise TimeoutError(
                        f"no {kind} {fields} within {timeout_s} s; before: {self._lately()}"
                    ) from None

    # The process.

    async def _ask(self, command: protocol.Command) -> Event:
        process = self._process
        if process is None or process.stdin is None or self._gone:
            raise PhoneError("the phone process is not running")
        number = next(self._numbers)
        reply: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        try:
            line = msgspec.json.encode(msgspec.structs.replace(command, id=number)) + b"\n"
            process.stdin.write(line)
            async with asyncio.timeout(REPLY_S):
                with contextlib.suppress(ConnectionError):
                    await process.stdin.drain()
                answer = await reply
        finally:
            self._replies.pop(number, None)
        if "error" in answer:
            raise PhoneError(str(answer["error"]))
        result: Event = answer["result"]
        return result

    async def _read(self) -> None:
        """Take in what the process says, until it ends."""
        process = self._process
        if process is None or process.stdout is None:
            return
        while line := await process.stdout.readline():
            message: Event = json.loads(line)
            if "event" in message:
                await self._publish(message)
            else:
                reply = self._replies.get(message["id"] or 0)
                if reply and not reply.done():
                    reply.set_result(message)
        self._gone = True
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(PhoneError(f"the phone process ended: {self._last_words()}"))
        if not self._history or self._history[-1]["event"] != "closed":
            await self._publish({"event": "closed", "t": time.monotonic(), "crashed": True})
        async with self._changed:
            self._changed.notify_all()

    async def _publish(self, event: Event) -> None:
        for queue in list(self._queues):
            if queue.full():
                self._queues.discard(queue)
            else:
                queue.put_nowait(event)
        async with self._changed:
            self._history.append(event)
            self._changed.notify_all()

    def _lately(self) -> str:
        """Give the last events, each with the seconds since, for a wait that was in vain."""
        now = time.monotonic()
        first = max(len(self._history) - TOLD_EVENTS, 0)
        return "; ".join(
            f"{event['t'] - now:.1f} s {event['event']} "
            f"{event.get('call') or event.get('phone') or ''} {event.get('party', '')}".rstrip()
            for event in itertools.islice(self._history, first, None)
        )

    def _last_words(self) -> str:
        """Give the last line that the process wrote to its error output."""
        with contextlib.suppress(OSError):
            text = (self.record_dir / "phones.stderr").read_text(errors="replace").strip()
            return text.rpartition("\n")[2] or "no reason given"
        return "no reason given"


def _matches(event: Event, kind: str | None, fields: Mapping[str, object]) -> bool:
    return (kind is None or event["event"] == kind) and all(
        event.get(name) == value for name, value in fields.items()
    )
