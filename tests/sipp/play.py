"""Runs one of the scenarios beside this file with SIPp and gives every message, octet by octet.

Binary bodies: SIPp puts a file's octets into a message as they are, NUL included, by
``[file name="…"]``, and counts them in ``[len]``. So an MSD goes as a car sends it, and needs no
Content-Transfer-Encoding.
"""

import asyncio
import contextlib
import os
import re
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.sipp.runner import free_ports

SCENARIOS = Path(__file__).parent / "scenarios"
LIMIT_S = 60.0
STOP_S = 15.0
PORTS = 4  # SIPp takes its RTP port and the three above it
HEAD = re.compile(rb"\n\w+ message (sent|received) [\[(](\d+)[\])] bytes ?:\r?\n\r?\n")


class SIPpFailed(AssertionError):
    """SIPp met what its scenario does not allow; the text has the end of its error log."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a run."""

    sent: bool
    octets: bytes

    @property
    def start(self) -> str:
        """Its first line."""
        return self.octets.partition(b"\r\n")[0].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Played:
    """All messages of a run in order."""

    messages: tuple[Message, ...]

    def received(self, start: str) -> tuple[bytes, ...]:
        """What came and begins with these characters."""
        return tuple(m.octets for m in self.messages if not m.sent and m.start.startswith(start))

    def answers(self, method: str) -> tuple[bytes, ...]:
        """The final answers to requests of a method."""
        found = self.received("SIP/2.0 ")
        wanted = re.compile(rb"\r\nCSeq:\s*\d+ " + method.encode() + rb"\r\n", re.IGNORECASE)
        return tuple(each for each in found if wanted.search(each) and each[8:9] != b"1")


async def play(
    name: str,
    port: int,
    folder: Path,
    *,
    service: str = "112",
    host: str = "127.0.0.1",
    local_host: str = "127.0.1.1",
    transport: str = "u1",
    hold_s: float = 0.2,
    files: Mapping[str, bytes] | None = None,
    keys: Mapping[str, str] | None = None,
    call_id: str | None = None,
) -> Played:
    """Play a scenario once; raises `SIPpFailed` where it does not go as written."""
    _lay_out(folder, files or {})
    log = folder / "messages.log"
    every = {"caller": "+37120000001", **(keys or {})}
    command = ["sipp", f"{host}:{port}", "-sf", str(SCENARIOS / f"{name}.xml"), "-s", service]
    command += ["-i", local_host, "-p", str(free_ports(local_host, 1)), "-t", transport]
    command += ["-mi", local_host, "-mp", str(free_ports(local_host, PORTS))]
    command += [
        "-d",
        str(round(hold_s * 1000)),
        "-m",
        "1",
        "-nostdin",
        "-timeout",
        f"{LIMIT_S:.0f}s",
    ]
    command += ["-trace_msg", "-message_file", log.name, "-trace_err", "-error_file", "errors.log"]
    command += ["-cid_str", call_id or secrets.token_hex(8)]
    for key, value in every.items():
        command += ["-key", key, value]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb"},
    )
    try:
        async with asyncio.timeout(LIMIT_S + STOP_S):
            status = await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    played = Played(messages_of(log.read_bytes() if log.exists() else b""))
    if status != 0:
        errors = folder / "errors.log"
        told = errors.read_text(errors="replace")[-3000:] if errors.exists() else "no word"
        flow = "\n".join(("> " if m.sent else "< ") + m.start for m in played.messages)
        raise SIPpFailed(f"SIPp ended with {status}\n{flow}\n{told}")
    return played


def _lay_out(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)


def messages_of(log: bytes) -> tuple[Message, ...]:
    """Read SIPp's log of messages by the lengths that it gives."""
    messages, at = [], 0
    while (head := HEAD.search(log, at)) is not None:
        at = head.end() + int(head[2])
        messages.append(Message(head[1] == b"sent", log[head.end() : at]))
    return tuple(messages)
