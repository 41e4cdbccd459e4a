"""Kannel, whose SMPP nobody here wrote: its bearerbox and smsbox in a folder of their own.

They bind to a message centre like the product does, so that the simulated centre is held to what a
peer of twenty years' use expects, and the product's figures stand beside others'.
"""

import asyncio
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import aiohttp

from sim.stack import end

HOST = "127.0.0.1"
BEARERBOX = shutil.which("bearerbox", path="/usr/sbin:/usr/local/sbin:/usr/bin")
SMSBOX = shutil.which("smsbox", path="/usr/sbin:/usr/local/sbin:/usr/bin")
START_S = 30.0
REQUEST_S = 20.0
ADMIN = "admin"
ACCEPTED = 202
"""What its guide says that it answers where a text is queued."""
SEND_PATH = "/cgi-bin/sendsms"

CORE = """
group = core
admin-port = {admin_port}
admin-password = {admin}
admin-allow-ip = 127.0.0.1
smsbox-port = {box_port}
box-allow-ip = 127.0.0.1
log-file = "{folder}/bearerbox.log"
log-level = {log_level}
dlr-storage = internal
sms-incoming-queue-limit = -1
{store}

group = smsc
smsc = smpp
smsc-id = simulated
host = 127.0.0.1
port = {smsc_port}
transceiver-mode = true
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
reconnect-delay = 1
max-pending-submits = 10
"""
BOX = """
group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send_port}
log-file = "{folder}/smsbox.log"
log-level = {log_level}

group = sendsms-user
username = {admin}
password = {admin}
concatenation = true
max-messages = 5

group = sms-service
keyword = default
catch-all = true
get-url = "{get_url}"
max-messages = 0
omit-empty = true
accept-x-kannel-headers = false
"""


class KannelFailed(Exception):
    """It did not do what it was started for; the text says where it wrote why."""


class Kannel:
    """``async with Kannel(folder, smsc_port)`` runs it; ``get_url`` adds the smsbox.

    ``get_url`` is asked for each text that comes, with what its escapes say (``%p`` the sender,
    ``%b`` the octets and so on, as Kannel's user guide lists them).
    """

    def __init__(
        self,
        folder: Path,
        smsc_port: int,
        *,
        system_id: str = "ccserver",
        password: str = "secret",
        get_url: str | None = None,
        file_store: bool = False,
        log_level: int = 2,
    ) -> None:
        self.folder = folder
        self.bearerbox: asyncio.subprocess.Process | None = None
        self.smsbox: asyncio.subprocess.Process | None = None
        self.admin_port, box_port, self.send_port = free_ports(3)
        self._get_url, self._log_level = get_url, log_level
        store = f'store-type = file\nstore-location = "{folder}/kannel.store"'
        values = {
            "admin": ADMIN,
            "admin_port": self.admin_port,
            "box_port": box_port,
            "send_port": self.send_port,
            "folder": folder,
            "smsc_port": smsc_port,
            "system_id": system_id,
            "password": password,
            # A bearerbox wants to know of a box, even one that is never started.
            "get_url": get_url or f"http://{HOST}/",
            "log_level": log_level,
            "store": store if file_store else "",
        }
        self._text = (CORE + BOX).format_map(values)

    async def __aenter__(self) -> Self:
        assert BEARERBOX is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "kannel.conf"
        config.write_text(self._text)
        try:
            self.bearerbox = await self._start(BEARERBOX, config)
            await self._listens(self.admin_port, self.bearerbox)
            if self._get_url:
                assert SMSBOX is not None
                self.smsbox = await self._start(SMSBOX, config)
                await self._listens(self.send_port, self.smsbox)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await end(self.smsbox)
        await end(self.bearerbox)

    async def send(self, sender: str, to: str, text: str, *, receipts: str | None = None) -> None:
        """Have it submit a text, wide if it must be; ``receipts`` is asked for each of them."""
        wide = not text.isascii()
        query = {
            "username": ADMIN, "password": ADMIN, "from": sender, "to": to, "text": text,
            "charset": "UTF-8", "coding": "2" if wide else "0",
        }  # fmt: skip
        if receipts is not None:
            query |= {"dlr-mask": "31", "dlr-url": receipts}
        status, answer = await self._get(self.send_port, SEND_PATH, query)
        if status != ACCEPTED:
            raise KannelFailed(f"sendsms answered {status}: {answer}")

    async def status(self) -> str:
        """What its bearerbox says of itself."""
        return (await self._get(self.admin_port, "/status.txt", {"password": ADMIN}))[1]

    async def _get(self, port: int, path: str, query: Mapping[str, str]) -> tuple[int, str]:
        timeout = aiohttp.ClientTimeout(total=REQUEST_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{HOST}:{port}{path}", params=query) as response,
        ):
            return response.status, await response.text(errors="replace")

    async def _start(self, program: str, config: Path) -> asyncio.subprocess.Process:
        with (self.folder / f"{Path(program).name}.out").open("ab") as output:
            return await asyncio.create_subprocess_exec(
                program,
                # To the terminal it would otherwise tell of every octet.
                "--verbosity",
                str(self._log_level),
                str(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
            )

    async def _listens(self, port: int, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(START_S):
                while process.returncode is None:
                    try:
                        _, writer = await asyncio.open_connection(HOST, port)
                    except OSError:
                        await asyncio.sleep(0.05)
                    else:
                        writer.close()
                        return
        except TimeoutError:
            pass
        raise KannelFailed(f"does not listen on {port}; see {self.folder}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at this moment."""
    with_each = [socket.socket() for _ in range(count)]
    try:
        for each in with_each:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in with_each]
    finally:
        for each in with_each:
            each.close()
