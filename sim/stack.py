"""A whole private instance of the real centre: Asterisk, edge, ccserver, database, accounts, ports.

Used by the demo, by every scenario and by the tests. Every process leads a session of its own, so
that it is ended with all its children; and it gets SIGTERM when this process dies, however it dies.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec

from ccserver import db
from ccserver.accounts import AccountStore, AgentProfile, DeviceKind, Role
from ccserver.addresses import import_register, write_sample
from ccserver.config import (
    ACDSettings,
    AddressSettings,
    AMISettings,
    AMLSettings,
    ARISettings,
    AsteriskSettings,
    Config,
    DatabaseSettings,
    EdgeNodeSettings,
    LogSettings,
    RecordingSettings,
    SMSSettings,
    WebSettings,
)
from ccserver.sipedge import conf as edge_conf
from ccserver.telephony.asterisk_conf import render
from sim import edge as edges
from sim import evidence
from sim.ports import PortBlock
from sim.tools import Tools, load_tools

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02
SAMPLE_BUILDINGS = 20_000
"""Enough to search in as in the real register; made in two seconds."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A person with a phone."""

    login: str
    name: str
    extension: str
    device: DeviceKind = DeviceKind.SIP
    role: Role = Role.CALL_TAKER
    language: str = "lv"
    service: str | None = None
    """Whose, for a service's dispatcher."""


def seats(count: int, *, first: int = 101, device: DeviceKind = DeviceKind.SIP) -> list[Seat]:
    """Call takers ``taker101`` and so on."""
    return [
        Seat(f"taker{number}", f"Call taker {number}", str(number), device)
        for number in range(first, first + count)
    ]


class StackError(Exception):
    """A part of the stack did not come up; the text has its last words."""


class Stack:
    """One instance; ``async with Stack(...)`` starts and stops it."""

    def __init__(
        self,
        data_dir: Path,
        people: Sequence[Seat],
        *,
        host: str = HOST,
        passwords: Mapping[str, str] | None = None,
        sip_port: int | None = None,
        http_port: int | None = None,
        acd: ACDSettings | None = None,
        lease_s: int = 6,
        log_level: str = "info",
        trunk_out: str = "",
        tools: Tools | None = None,
        edge: bool = False,
        edge_port: int | None = None,
        trunk_token: str | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.people = list(people)
        self.tools = tools or load_tools()
        self._block = PortBlock(sip=sip_port, web=http_port, edge=edge_port)
        self.ports = self._block.ports
        self.host = host
        known = passwords or {}
        self.passwords = {
            seat.login: known.get(seat.login) or secrets.token_urlsafe(12) for seat in people
        }
        self.profiles: dict[str, AgentProfile] = {}
        self.trunk_token = trunk_token or secrets.token_hex(16)
        self.config = self._config(acd or ACDSettings(), lease_s, log_level, trunk_out)
        if edge:
            self.put_behind_edge(trunk_out=trunk_out)
        self._asterisk_config = self.config
        self.config_path = data_dir / "ccserver.toml"
        self.asterisk: asyncio.subprocess.Process | None = None
        self.ccserver: asyncio.subprocess.Process | None = None
        self.edge: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Stack":
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # -- addresses --------------------------------------------------------------------------------

    @property
    def panel_url(self) -> str:
        """Where a browser finds the panel."""
        return f"http://{self.host}:{self.ports.web}"

    @property
    def registrar(self) -> str:
        """Where phones register: at the edge, where there is one."""
        return f"sip:{self.host}:{self._outer_port}"

    @property
    def emergency_uri(self) -> str:
        """What a citizen's call is sent to."""
        return f"sip:112@{self.host}:{self._outer_port}"

    @property
    def _outer_port(self) -> int:
        return self.ports.edge if self.config.edge.enabled else self.ports.sip

    @property
    def trunk_headers(self) -> dict[str, str]:
        """What the SIP edge adds to a call from outside."""
        return {"X-CCServer-Edge": self.trunk_token}

    def take_texts(self, sms: SMSSettings, aml: AMLSettings | None = None) -> None:
        """Before the start: let ccserver bind to these operators, and take phones' positions."""
        self.config = msgspec.structs.replace(self.config, sms=sms, aml=aml or AMLSettings())

    def put_behind_edge(
        self,
        *,
        nodes: Sequence[EdgeNodeSettings] = (),
        trunk_out: str = "",
        calls_per_s_max: int = 200,
    ) -> None:
        """Before the start: an edge in front of this instance's Asterisk, or of these nodes."""
        settings = edges.edge_settings(
            self.data_dir,
            self.ports,
            host=self.host,
            nodes=tuple(nodes),
            trunk_out=trunk_out,
            calls_per_s_max=calls_per_s_max,
        )
        self.config = msgspec.structs.replace(self.config, edge=settings)
        self._asterisk_config = self.config

    def reach_asterisk_by(self, ari_port: int, ami_port: int) -> None:
        """Before the start: let ccserver talk to Asterisk by these ports (a proxy's)."""
        replace = msgspec.structs.replace
        self.config = replace(
            self.config,
            ari=replace(self.config.ari, url=f"http://{self.host}:{ari_port}/ari"),
            ami=replace(self.config.ami, port=ami_port),
        )

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bring everything up; raises `StackError`."""
        await self.prepare()
        await self.start_asterisk()
        if self.config.edge.enabled:
            await self.start_edge()
        await self.start_ccserver()

    async def prepare(self) -> None:
        """Configuration, database, accounts, Asterisk's files."""
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        evidence.begun(evidence.Scene(self.data_dir, self._console))
        self._write(self.config_path, toml_of(self.config))
        await asyncio.to_thread(db.upgrade, self.config.database.url)
        database = db.Database(self.config.database.url, request_timeout_s=10.0)
        try:
            store = AccountStore(database)
            known = {account.login for account in await store.accounts()}
            for seat in self.people:
                if seat.login in known:
                    await store.set_password(seat.login, self.passwords[seat.login])
                    continue
                takes_calls = bool(seat.extension)
                await store.add(
                    login=seat.login,
                    name=seat.name,
                    role=seat.role,
                    language=seat.language,
                    password=self.passwords[seat.login],
                    extension=seat.extension if takes_calls else None,
                    device=seat.device if takes_calls else None,
                    service=seat.service,
                )
            profiles = await store.agents()
        finally:
            await database.close()
        self.profiles = {profile.extension: profile for profile in profiles}
        render(self._asterisk_config, profiles)
        if self.config.edge.enabled:
            edge_conf.render(self.config)
        self._write(self.data_dir / "instance.json", msgspec.json.encode(self.describe()).decode())

    async def make_addresses(self, count: int = SAMPLE_BUILDINGS) -> None:
        """A made-up register of addresses, unless there is an index; ccserver need not be down."""
        path = Path(self.config.addresses.path)
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await asyncio.to_thread(_make_addresses, path, count)

    def describe(self) -> dict[str, object]:
        """Address, accounts and ports, as in ``instance.json``."""
        return {
            "panel": self.panel_url,
            "accounts": [
                {
                    "login": seat.login,
                    "password": self.passwords[seat.login],
                    "role": seat.role.value,
                    "service": seat.service,
                    "extension": seat.extension,
                    "device": seat.device.value,
                }
                for seat in self.people
            ],
            "phones": [
                {
                    "extension": profile.extension,
                    "sip_username": profile.sip_username,
                    "sip_password": profile.sip_password,
                    "registrar": self.registrar,
                }
                for profile in self.profiles.values()
            ],
            "ports": {name: getattr(self.ports, name) for name in self.ports.__dataclass_fields__},
            "emergency_uri": self.emergency_uri,
            "trunk_header": {"X-CCServer-Edge": self.trunk_token},
            "config": str(self.config_path),
            "data_dir": str(self.data_dir),
        }

    async def start_asterisk(self) -> float:
        """Start Asterisk and wait until it takes calls; gives the seconds it took."""
        began = time.monotonic()
        self.asterisk = await self._spawn("asterisk", [*self._console, "-f"])
        url = f"http://{self.host}:{self.ports.asterisk_http}/ari/asterisk/ping"
        await self._wait_for_http("asterisk", self.asterisk, url, basic=True)
        return time.monotonic() - began

    async def start_ccserver(self) -> float:
        """Start ccserver and wait until it is ready; gives the seconds it took."""
        began = time.monotonic()
        command = [sys.executable, "-m", "ccserver", "--config", str(self.config_path), "serve"]
        self.ccserver = await self._spawn("ccserver", command)
        await self._wait_for_http("ccserver", self.ccserver, f"{self.panel_url}/readyz")
        return time.monotonic() - began

    async def start_edge(self) -> float:
        """Start Kamailio and wait until it says how it is; gives the seconds it took."""
        began = time.monotonic()
        if self.tools.kamailio is None:
            raise StackError("Kamailio is not installed; run bin/setup")
        self.edge = await self._spawn("edge", edges.command(self.tools.kamailio, self.config.edge))
        url = f"http://127.0.0.1:{self.ports.edge_control}/health"
        await self._wait_for_http("edge", self.edge, url, token=self.config.edge.control_token)
        return time.monotonic() - began

    async def stop(self) -> None:
        """End every process of this instance; none is left afterwards."""
        # Also where it is called while an exception passes: then what the stack says is kept.
        evidence.ended(self.data_dir, badly=sys.exception() is not None)
        for process in (self.ccserver, self.edge, self.asterisk):
            await end(process)
        self.ccserver = self.edge = self.asterisk = None
        self._block.release()

    async def kill_ccserver(self) -> None:
        """``kill -9``: no goodbye."""
        assert self.ccserver is not None
        os.killpg(self.ccserver.pid, signal.SIGKILL)
        await self.ccserver.wait()
        self.ccserver = None

    def freeze_ccserver(self) -> None:
        """Stop it from running, as a hung process would; `thaw_ccserver` lets it go on."""
        assert self.ccserver is not None
        os.killpg(self.ccserver.pid, signal.SIGSTOP)

    def thaw_ccserver(self) -> None:
        """Let a frozen ccserver go on."""
        assert self.ccserver is not None
        os.killpg(self.ccserver.pid, signal.SIGCONT)

    async def kill_edge(self) -> None:
        """``kill -9`` of Kamailio with all its processes; `start_edge` brings it back."""
        assert self.edge is not None
        os.killpg(self.edge.pid, signal.SIGKILL)
        await self.edge.wait()
        self.edge = None

    def freeze_edge(self) -> None:
        """Stop the edge from running, as if its machine hung; `thaw_edge` lets it go on."""
        assert self.edge is not None
        os.killpg(self.edge.pid, signal.SIGSTOP)

    def thaw_edge(self) -> None:
        """Let a frozen edge go on."""
        assert self.edge is not None
        os.killpg(self.edge.pid, signal.SIGCONT)

    async def kill_asterisk(self) -> None:
        """``kill -9``: its calls are lost; `start_asterisk` brings it back."""
        assert self.asterisk is not None
        os.killpg(self.asterisk.pid, signal.SIGKILL)
        await self.asterisk.wait()
        self.asterisk = None

    def freeze_asterisk(self) -> None:
        """Stop Asterisk from running; `thaw_asterisk` lets it go on."""
        assert self.asterisk is not None
        os.killpg(self.asterisk.pid, signal.SIGSTOP)

    def thaw_asterisk(self) -> None:
        """Let a frozen Asterisk go on."""
        assert self.asterisk is not None
        os.killpg(self.asterisk.pid, signal.SIGCONT)

    async def asterisk_cli(self, command: str) -> str:
        """The output of one command of Asterisk's own console."""
        process = await asyncio.create_subprocess_exec(
            *self._console,
            "-rx",
            command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(START_TIMEOUT_S):
            output, _ = await process.communicate()
        return output.decode("utf-8", "replace")

    async def ari(self, method: str, path: str, **parameters: str) -> int:
        """One request to Asterisk past ccserver, to provoke a fault; gives the HTTP status."""
        settings = self.config.ari
        headers = {"Authorization": aiohttp.encode_basic_auth(settings.username, settings.password)}
        timeout = aiohttp.ClientTimeout(total=START_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
            session.request(method, f"{settings.url}/{path}", params=parameters) as response,
        ):
            return response.status

    # -- inside -----------------------------------------------------------------------------------

    @property
    def _console(self) -> tuple[str, ...]:
        """Asterisk's command with this instance's configuration."""
        configuration = Path(self.config.asterisk.config_dir) / "asterisk.conf"
        return (*self.tools.asterisk.command, "-C", str(configuration))

    def _config(self, acd: ACDSettings, lease_s: int, log_level: str, trunk_out: str) -> Config:
        base, ports = self.data_dir, self.ports
        asterisk = base / "asterisk"
        return Config(
            database=DatabaseSettings(url=f"sqlite:///{base / 'ccserver.db'}"),
            ari=ARISettings(
                url=f"http://{self.host}:{ports.asterisk_http}/ari",
                username="ccserver",
                password=secrets.token_urlsafe(24),
            ),
            ami=AMISettings(
                port=ports.ami, username="ccserver", password=secrets.token_urlsafe(24)
            ),
            asterisk=AsteriskSettings(
                config_dir=str(asterisk / "etc"),
                run_dir=str(asterisk / "run"),
                log_dir=str(asterisk / "log"),
                spool_dir=str(asterisk / "spool"),
                modules_dir=self.tools.asterisk.modules_dir,
                data_dir=self.tools.asterisk.data_dir,
                sounds_dir=self.tools.sounds_dir,
                bind_address=self.host,
                sip_port=ports.sip,
                http_port=ports.asterisk_http,
                rtp_port_first=ports.rtp_first,
                rtp_port_last=ports.rtp_last,
                trunk_token=self.trunk_token,
                trunk_out=trunk_out,
                lease_s=lease_s,
            ),
            recording=RecordingSettings(
                spool_dir=str(base / "spool"), store_dir=str(base / "recordings")
            ),
            web=WebSettings(
                host=self.host,
                port=ports.web,
                panel_dir=self.tools.panel_dir or str(base / "no-panel"),
                map_dirs=self.tools.map_dirs,
                sip_websocket_url=f"ws://{self.host}:{ports.asterisk_http}/ws",
            ),
            acd=acd,
            addresses=AddressSettings(path=str(base / "addresses.db")),
            log=LogSettings(level=log_level),
        )

    def _write(self, path: Path, text: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    async def _spawn(self, name: str, command: Sequence[str]) -> asyncio.subprocess.Process:
        with (self.data_dir / f"{name}.log").open("ab") as output:
            return await asyncio.create_subprocess_exec(
                "setpriv",
                "--pdeathsig",
                "TERM",
                "--",
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.data_dir,
                env=_environment(),
            )

    async def _wait_for_http(
        self,
        name: str,
        process: asyncio.subprocess.Process,
        url: str,
        *,
        basic: bool = False,
        token: str | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if basic:
            ari = self.config.ari
            headers["Authorization"] = aiohttp.encode_basic_auth(ari.username, ari.password)
        give_up_at = time.monotonic() + START_TIMEOUT_S
        async with aiohttp.ClientSession(
            headers=headers, timeout=aiohttp.ClientTimeout(total=2)
        ) as session:
            while time.monotonic() < give_up_at:
                if process.returncode is not None:
                    raise StackError(f"{name} ended at once: {self._last_words(name)}")
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                await asyncio.sleep(POLL_S)
        raise StackError(f"{name} was not ready in time: {self._last_words(name)}")

    def _last_words(self, name: str) -> str:
        lines = (self.data_dir / f"{name}.log").read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-15:])


def _make_addresses(path: Path, count: int) -> None:
    if path.exists():
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="addresses-") as folder:
        write_sample(Path(folder), count=count, seed=1)
        import_register(Path(folder), path, progress=lambda *_: None)


def _environment() -> dict[str, str]:
    """This process's environment; compiled modules may be kept, as in production."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT)}


async def end(process: asyncio.subprocess.Process | None) -> None:
    """SIGTERM to the process's own group, then SIGKILL; returns when it is gone."""
    if process is None or process.returncode is not None:
        return
    for number, patience_s in ((signal.SIGCONT, 0.0), (signal.SIGTERM, STOP_TIMEOUT_S)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if patience_s:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def toml_of(config: Config) -> str:
    """The configuration as a TOML file; `ccserver.config.load` reads it back."""
    return msgspec.toml.encode(_without_none(msgspec.to_builtins(config))).decode()


def _without_none(value: object) -> object:
    """TOML has no null: what is ``None`` is left out."""
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_without_none(each) for each in value]
    return value
