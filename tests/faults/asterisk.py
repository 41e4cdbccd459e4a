"""A real Asterisk with the smallest configuration that ARI and AMI need, for tests to break."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

ARI_USERNAME = "ccserver"
AMI_USERNAME = "ccserver"
PASSWORD = "a-password-of-the-tests-0123456789"
START_DEADLINE_S = 60.0
"""Forty times what a start takes on two idle cores."""
POLL_S = 0.02
STOP_DEADLINE_S = 15.0

MODULES = (
    "res_sorcery_config.so",
    "res_sorcery_memory.so",
    "pbx_config.so",
    "bridge_simple.so",
    "bridge_softmix.so",
    "app_stasis.so",
    "app_stasis_broadcast.so",
    "app_userevent.so",
    "app_queue.so",
    "func_groupcount.so",
    "res_http_websocket.so",
    "res_stasis.so",
    "res_stasis_answer.so",
    "res_stasis_broadcast.so",
    "res_stasis_playback.so",
    "res_stasis_recording.so",
    "res_stasis_snoop.so",
    "res_websocket_client.so",
    "res_ari.so",
    "res_ari_model.so",
    "res_ari_applications.so",
    "res_ari_asterisk.so",
    "res_ari_bridges.so",
    "res_ari_channels.so",
    "res_ari_events.so",
)

DIALPLAN = """\
[general]
static = yes
writeprotect = yes

[wait]
exten => s,1,Answer()
 same => n,Wait(60)

[broadcast]
exten => s,1,Answer()
 same => n,StasisBroadcast(2000,^acd_)
 same => n,NoOp(${STASISSTATUS})
 same => n,Wait(60)

[stasis]
exten => s,1,Stasis(acd_main)
 same => n,Hangup()
"""


@dataclass(frozen=True, slots=True)
class AsteriskBinary:
    """How Asterisk is run on this machine, and where its files lie."""

    command: tuple[str, ...]
    modules_dir: str
    data_dir: str


def find_binary() -> AsteriskBinary | None:
    """What set-up wrote into ``tools.json``, else an unpacked package beside it, else ``None``."""
    default = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    cache = Path(os.environ.get("CCSERVER_CACHE", f"{default}/ccserver"))
    tools = cache / "tools.json"
    if tools.is_file():
        found = json.loads(tools.read_text(encoding="utf-8"))["asterisk"]
        return AsteriskBinary(tuple(found["command"]), found["modules_dir"], found["data_dir"])
    root = cache / "apt-try" / "root"
    loader = root / "usr/lib64/ld-linux-x86-64.so.2"
    if not loader.exists():
        return None
    library_path = f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu"
    return AsteriskBinary(
        (str(loader), "--library-path", library_path, f"{root}/usr/sbin/asterisk"),
        f"{root}/usr/lib/x86_64-linux-gnu/asterisk/modules",
        f"{root}/usr/share/asterisk",
    )


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that were free a moment ago; all held at once so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Asterisk:
    """One process in a directory of its own; started, killed, stopped and continued at will."""

    def __init__(self, directory: Path, binary: AsteriskBinary, modules: Sequence[str] = MODULES):
        self.directory = directory
        self.http_port, self.ami_port = free_ports(2)
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None
        self._write_configuration(modules)

    def _write_configuration(self, modules: Sequence[str]) -> None:
        directory = self.directory
        for name in ("run", "log", "spool", "db", "keys", "agi"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        loads = "\n".join(f"load = {module}" for module in modules)
        files = {
            "asterisk.conf": f"""\
[directories]
astetcdir => {directory}
astmoddir => {self._binary.modules_dir}
astvarlibdir => {directory}
astdbdir => {directory}/db
astkeydir => {directory}/keys
astdatadir => {self._binary.data_dir}
astagidir => {directory}/agi
astspooldir => {directory}/spool
astrundir => {directory}/run
astlogdir => {directory}/log
[options]
hideconnect = yes
""",
            "modules.conf": f"[modules]\nautoload = no\n{loads}\n",
            "logger.conf": "[logfiles]\nmessages.log => notice,warning,error\n",
            "extensions.conf": DIALPLAN,
            "queues.conf": "[general]\n[emergency]\nstrategy = ringall\n",
            "stasis.conf": "[threadpool]\n",
            "http.conf": f"""\
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = {self.http_port}
sessionlimit = 200
""",
            "ari.conf": f"""\
[general]
enabled = yes
[{ARI_USERNAME}]
type = user
password = {PASSWORD}
password_format = plain
""",
            "manager.conf": f"""\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {self.ami_port}
[{AMI_USERNAME}]
secret = {PASSWORD}
read = system,call,agent,user,reporting,dialplan
write = system,call,agent,user,command,reporting,originate
""",
        }
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start it and return once it is booted: ARI answers 503 until then."""
        assert self._process is None
        self._process = subprocess.Popen(
            [*self._binary.command, "-C", str(self.directory / "asterisk.conf"), "-f"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_DEADLINE_S
        while not (_accepts(self.ami_port) and _serves_ari(self.http_port)):
            assert self._process.poll() is None, f"Asterisk ended: {self.log()}"
            assert time.monotonic() < deadline, f"Asterisk did not start: {self.log()}"
            time.sleep(POLL_S)

    def log(self) -> str:
        """Its own warnings and errors so far."""
        path = self.directory / "log" / "messages.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def kill(self) -> None:
        """``kill -9`` of the whole process group; does nothing where it is not running."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait(STOP_DEADLINE_S)
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    async def restart(self) -> None:
        """Start again after `kill`, without holding up the event loop."""
        await asyncio.to_thread(self.start)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _serves_ari(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        connection.request("GET", f"/ari/asterisk/ping?api_key={ARI_USERNAME}:{PASSWORD}")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
