"""The phone process: one pjsua2 endpoint, one thread, one loop.

The loop polls the library, reads commands, runs what is due and listens to the recordings. pjsua2's
own threads are only the media clock and the RTP receiver, in which no Python runs.
"""

import heapq
import itertools
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pjsua2 as pj
import soundfile

from sim.audio import PARTY_COUNT, TONE_RATE, write_tone
from sim.phones import protocol
from sim.phones.ear import wav_samples
from sim.phones.line import Phone, PhoneCall
from sim.phones.protocol import BadCommand

POLL_MS = 5  # a command waits at most this long; SIP and RTP wake the library at once
CALLS_MAX = 64  # compiled into the library (PJSUA_MAX_CALLS)
OUTPUT_BYTES_MAX = 16 * 1024 * 1024  # a reader this far behind is gone: leave loudly
LISTENS_PER_TURN = 2  # windows of sound analysed between two polls, 0.3 ms each
VOICE_S = 60.0  # pjsua2 leaves out one frame where a file starts again, so let that be seldom
FINISH_S = 2.0  # a recording that is not complete by then is reported as it is
SHUTDOWN_S = 1.5  # for BYEs, CANCELs and un-registrations to be answered; mostly it takes 30 ms
REMOVE_S = 0.7  # for the calls of a removed phone to end
READ_BYTES = 65536


class Engine:
    """All phones of this process; ``run`` returns when its input ends or ``quit`` is told."""

    def __init__(
        self, *, input_fd: int, output_fd: int, record_dir: Path, log: Path | None, frame_ms: int
    ) -> None:
        self.address = "127.0.0.1"
        self.rate = TONE_RATE
        self.frame_ms = frame_ms
        self.transport = -1
        self.phones: dict[str, Phone] = {}
        self.calls: dict[str, PhoneCall] = {}
        self._record_dir = record_dir
        self._input_fd, self._output_fd = input_fd, output_fd
        self._input, self._output = b"", bytearray()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._finished: list[PhoneCall] = []
        self._completing: deque[tuple[float, PhoneCall]] = deque()
        self._turn: deque[str] = deque()
        self._running = True
        self._endpoint = pj.Endpoint()
        self._start(log)
        self.silence = pj.AudioMediaPlayer()
        self.silence.createPlayer(str(self._silence_file()))

    # What phones and calls use.

    def now(self) -> float:
        """Give the monotonic time shared by all processes of this machine, in seconds."""
        return time.monotonic()

    def emit(self, kind: str, *, t: float | None = None, **data: object) -> None:
        """Report an event; it is written between two polls."""
        self._write({"event": kind, "t": self.now() if t is None else t, **data})

    def fault(self, where: str, error: Exception) -> None:
        """Report a fault of ours that must not reach the library."""
        self.emit("fault", where=where, error=f"{type(error).__name__}: {describe(error)}")

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something from the loop, later; actions check the state themselves."""
        heapq.heappush(self._timers, (self.now() + delay_s, next(self._numbers), action))

    def finished(self, call: PhoneCall) -> None:
        """Let go of a call as soon as no callback of it is running."""
        self._finished.append(call)

    def recording_path(self, call: str) -> Path:
        """Choose the file for a call's recording."""
        safe = re.sub(r"[^A-Za-z0-9.-]+", "_", call)
        return self._record_dir / f"{os.getpid()}-{next(self._numbers)}-{safe}.wav"

    # The loop.

    def run(self) -> None:
        """Serve until the input ends."""
        self.emit("ready", port=self.port(), pid=os.getpid())
        while self._running:
            self._step()
        self._shut_down()

    def _step(self) -> None:
        self._endpoint.libHandleEvents(POLL_MS)
        self._read_commands()
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            action = heapq.heappop(self._timers)[2]
            self._guard(action)
        for call in list(self.calls.values()):
            self._guard(lambda call=call: call.look(now))  # type: ignore[misc]
        self._listen()
        self._let_go(now)
        self._flush()

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self.fault("loop", error)

    def _listen(self) -> None:
        """Analyse a little sound, the calls taking turns."""
        if not self._turn:
            self._turn.extend(name for name, call in self.calls.items() if call.ear)
        for _ in range(min(LISTENS_PER_TURN, len(self._turn))):
            call = self.calls.get(self._turn.popleft())
            if call is None or call.ear is None:
                continue
            for kind, party, t in call.ear.listen():
                call.emit(kind, t=t, party=party)

    def _let_go(self, now: float) -> None:
        for call in self._finished:
            self.calls.pop(call.name, None)
            call.release()
            if call.ear is not None:
                self._completing.append((now + FINISH_S, call))
        self._finished.clear()
        for _ in range(len(self._completing)):
            deadline, call = self._completing.popleft()
            if not self._complete(call, late=now > deadline):
                self._completing.append((deadline, call))

    def _complete(self, call: PhoneCall, *, late: bool) -> bool:
        """Report a recording once the media thread, in its own time, has written its header."""
        ear = call.ear
        if ear is None:
            return True
        samples = wav_samples(ear.path)
        if samples is None and not late:
            return False
        call.emit(
            "recording",
            path=str(ear.path),
            started_t=ear.started_t,
            rate=ear.rate,
            samples=samples or 0,
            slip_s=round(ear.slip_s, 4),
        )
        ear.close()
        call.ear = None
        return True

    # Commands.

    def _read_commands(self) -> None:
        try:
            read = os.read(self._input_fd, READ_BYTES)
        except BlockingIOError:
            return
        if not read:
            self._running = False
            return
        *lines, self._input = (self._input + read).split(b"\n")
        if len(self._input) > protocol.LINE_BYTES_MAX:
            self._write({"id": None, "error": "a line longer than any command"})
            self._running = False
        for line in lines:
            if line.strip():
                self._command(line)

    def _command(self, line: bytes) -> None:
        number: int | None = None
        try:
            number = protocol.command_id(line)
            result = self._execute(protocol.parse_command(line))
            self._write({"id": number, "result": result})
        except BadCommand as error:
            self._write({"id": number, "error": str(error)})
        except pj.Error as error:
            self._write({"id": number, "error": describe(error)})
        except Exception as error:
            self._write({"id": number, "error": f"{type(error).__name__}: {error}"})

    def _execute(self, command: protocol.AnyCommand) -> dict[str, object]:
        match command:
            case protocol.Add():
                return {"uri": self._add(command)}
            case protocol.Dial():
                self._dial(command)
            case protocol.Write():
                self._phone(command.name).write(command)
            case protocol.Remove():
                self._remove(self._phone(command.name))
            case protocol.Behave():
                self._phone(command.name).behaviour = command.behaviour
            case protocol.Register():
                self._phone(command.name).setRegistration(command.active)
            case protocol.Stats():
                return self._stats()
            case protocol.Quit():
                self._running = False
            case _:
                self._execute_on_call(command)
        return {}

    def _execute_on_call(self, command: protocol.CallCommand) -> None:
        call = self.calls.get(command.call)
        if call is None or call.over:
            raise BadCommand(f"there is no call {command.call}")
        match command:
            case protocol.Answer():
                call.take()
            case protocol.Hangup():
                call.end(command.code)
            case protocol.Hold():
                call.hold(command.active)
            case protocol.Dtmf():
                call.dialDtmf(command.digits)

    def _phone(self, name: str) -> Phone:
        phone = self.phones.get(name)
        if phone is None:
            raise BadCommand(f"there is no phone {name}")
        return phone

    def _add(self, wanted: protocol.Add) -> str:
        if wanted.name in self.phones:
            raise BadCommand(f"there is a phone {wanted.name} already")
        if not 0 <= wanted.tone < PARTY_COUNT:
            raise BadCommand(f"tone is {wanted.tone}, expected 0 to {PARTY_COUNT - 1}")
        voice = Path(wanted.voice) if wanted.voice else self._tone_file(wanted.tone)
        if not voice.is_file():
            raise BadCommand(f"voice {voice} is no file")
        host = f"{self.address}:{self.port()}"
        if wanted.registrar:
            host = re.sub(r"^sips?:|[;>].*$", "", wanted.registrar)
        uri = wanted.sip_uri or f"sip:{wanted.username or wanted.name}@{host}"
        self.phones[wanted.name] = Phone(self, wanted, uri, voice)
        return uri

    def _dial(self, wanted: protocol.Dial) -> None:
        if wanted.call in self.calls:
            raise BadCommand(f"there is a call {wanted.call} already")
        if len(self.calls) >= CALLS_MAX:
            raise BadCommand(f"{CALLS_MAX} calls are all that one phone process carries")
        call = PhoneCall(self._phone(wanted.name), wanted.call)
        self.calls[wanted.call] = call
        try:
            call.dial(wanted)
        except pj.Error:
            self.calls.pop(wanted.call, None)
            raise

    def _remove(self, phone: Phone) -> None:
        for call in self.calls.values():
            if call.phone is phone:
                call.end()
        self.phones.pop(phone.name, None)
        # Its calls may still need it; the account goes when they have ended.
        self.after(REMOVE_S, phone.shutdown)

    def _stats(self) -> dict[str, object]:
        used = os.times()
        return {
            "cpu_s": used.user + used.system,
            "t": self.now(),
            "phones": len(self.phones),
            "calls": len(self.calls),
        }

    # The library.

    def _start(self, log: Path | None) -> None:
        self._endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = CALLS_MAX
        config.uaConfig.userAgent = "ccserver-sim"
        config.logConfig.consoleLevel = 0
        config.logConfig.level = 5 if log else 0
        config.logConfig.msgLogging = 1 if log else 0
        config.logConfig.filename = str(log) if log else ""
        media = config.medConfig
        media.clockRate = media.sndClockRate = self.rate
        media.audioFramePtime = self.frame_ms
        media.noVad = True  # a pause in the voice is silence, not a missing stream
        media.ecTailLen = 0
        media.sndAutoCloseTime = -1
        media.quality = 1
        self._endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.port = 0
        transport.boundAddress = self.address
        self.transport = self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self._endpoint.libStart()
        self._endpoint.audDevManager().setNullDev()
        priorities = {"PCMA/8000/1": 255, "PCMU/8000/1": 254}
        for codec in self._endpoint.codecEnum2():
            self._endpoint.codecSetPriority(codec.codecId, priorities.get(codec.codecId, 0))

    def port(self) -> int:
        """Give the UDP port of all phones."""
        address: str = self._endpoint.transportGetInfo(self.transport).localName
        return int(address.rpartition(":")[2])

    def _tone_file(self, party: int) -> Path:
        path = self._record_dir / f"tone-{os.getpid()}-{party}.wav"
        if not path.exists():
            write_tone(path, party, duration_s=VOICE_S)
        return path

    def _silence_file(self) -> Path:
        path = self._record_dir / f"silence-{os.getpid()}.wav"
        soundfile.write(path, np.zeros(self.rate, dtype=np.int16), self.rate, subtype="PCM_16")
        return path

    def _shut_down(self) -> None:
        """End calls, unregister, and let go of all that the library holds before the library."""
        self._say_goodbye()
        self._forget()
        self._endpoint.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)
        self.emit("closed")
        os.set_blocking(self._output_fd, True)
        self._flush()

    def _say_goodbye(self) -> None:
        for call in list(self.calls.values()):
            self._guard(call.end)
        registered = [phone for phone in self.phones.values() if phone.getInfo().regIsActive]
        for phone in registered:
            self._guard(lambda phone=phone: phone.setRegistration(False))  # type: ignore[misc]
        deadline = self.now() + SHUTDOWN_S
        while self.now() < deadline and (self.calls or self._completing or registered):
            self._endpoint.libHandleEvents(POLL_MS)
            self._let_go(self.now())
            registered = [phone for phone in registered if phone.getInfo().regIsActive]

    def _forget(self) -> None:
        for _, call in self._completing:
            self._complete(call, late=True)
        for call in self.calls.values():
            call.release()
        for phone in self.phones.values():
            phone.forget_addressees()
            phone.shutdown()
        # A deleted wrapper deletes the library's object, so no name may outlive this function.
        self.calls.clear()
        self.phones.clear()
        self._completing.clear()
        self._finished.clear()
        self._timers.clear()
        del self.silence

    # Output.

    def _write(self, message: dict[str, object]) -> None:
        self._output += json.dumps(message).encode() + b"\n"

    def _flush(self) -> None:
        while self._output:
            try:
                written = os.write(self._output_fd, self._output[:READ_BYTES])
            except BlockingIOError:
                if len(self._output) > OUTPUT_BYTES_MAX:
                    raise SystemExit("the reader of phone events is too far behind") from None
                return
            except BrokenPipeError:
                self._output.clear()
                self._running = False
                return
            del self._output[:written]


def describe(error: Exception) -> str:
    """Say what went wrong; pjsua2's errors keep their sentence elsewhere."""
    if isinstance(error, pj.Error):
        return f"{error.title}: {error.reason}"
    return str(error)
