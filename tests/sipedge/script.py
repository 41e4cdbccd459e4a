"""The edge's script (``asterisk-conf/kamailio/edge.js``) in the interpreter that runs it, alone.

A Kamailio of its own loads the rendered script and two functions more, which are reached by HTTP:
many questions in one request.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from ccserver.sipedge.conf import SOURCE_DIR
from ccserver.templates import render_folder
from sim.ports import PortBlock
from sim.stack import end
from sim.tools import load_tools

BATCH_CHARACTERS = 40_000
"""Of one request; Kamailio's buffer holds 65 536 octets."""
START_S = 10.0

CONFIG = """#!KAMAILIO
debug = 0
log_stderror = yes
children = 1
tcp_children = 1
listen = tcp:127.0.0.1:{port}
tcp_rd_buf_size = 65536
pv_buffer_size = 65536
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xhttp.so"
loadmodule "app_jsdt.so"
modparam("app_jsdt", "load", "{folder}/edge.js")
modparam("app_jsdt", "mode", 0)
request_route {{ exit; }}
event_route[xhttp:request] {{
    $var(result) = "";
    if ($hu == "/read") jsdt_run("test_read");
    if ($hu == "/plausible") jsdt_run("test_plausible");
    xhttp_reply("200", "OK", "text/plain", "$var(result)");
}}
"""

FUNCTIONS = """
function test_read() {
    var lines = value("$rb").split("\\n");
    KSR.pv.sets("$var(result)", JSON.stringify(lines.map(function (line) {
        var fields = line.split(" ");
        return read(textOf(fields[0]), fields[1], textOf(fields[2]));
    })));
    return 1;
}

function test_plausible() {
    var lines = value("$rb").split("\\n");
    KSR.pv.sets("$var(result)", lines.map(function (line) {
        return isPlausible(line) ? "1" : "0";
    }).join(""));
    return 1;
}
"""


class Script:
    """The script at work."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def plausible(self, messages: Sequence[bytes]) -> list[bool]:
        """What the script says of each message."""
        answers = ""
        for batch in _batches([message.hex() for message in messages]):
            answers += await self._ask("plausible", batch)
        assert len(answers) == len(messages)
        return [answer == "1" for answer in answers]

    async def read(self, bodies: Sequence[tuple[str, bytes, str]]) -> list[dict[str, Any]]:
        """What the script finds in each body, by Content-Type, body and Call-Info."""
        lines = [
            f"{content_type.encode('latin1').hex()} {body.hex()} {call_info.encode('latin1').hex()}"
            for content_type, body, call_info in bodies
        ]
        found: list[dict[str, Any]] = []
        for batch in _batches(lines):
            found += json.loads(await self._ask("read", batch))
        assert len(found) == len(bodies)
        return found

    async def _ask(self, path: str, body: str) -> str:
        async with self._session.post(f"{self._url}/{path}", data=body.encode()) as response:
            return await response.text()


def _batches(lines: Sequence[str]) -> list[str]:
    batches: list[list[str]] = [[]]
    size = 0
    for line in lines:
        if size + len(line) > BATCH_CHARACTERS and batches[-1]:
            batches.append([])
            size = 0
        batches[-1].append(line)
        size += len(line) + 1
    return ["\n".join(batch) for batch in batches]


@contextlib.asynccontextmanager
async def script(folder: Path) -> AsyncIterator[Script]:
    """Start it."""
    (path,) = render_folder(SOURCE_DIR, "edge.js", folder, {})
    path.write_text(path.read_text() + FUNCTIONS)
    ports = PortBlock()
    port = ports.ports.edge_control
    config = folder / "kamailio.cfg"
    config.write_text(CONFIG.format(port=port, folder=folder))
    kamailio = load_tools().kamailio
    assert kamailio is not None
    with (folder / "kamailio.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(kamailio, "-f", str(config), "-DD", "-E", "-m", "16", "-Y", str(folder)),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(START_S):
            while True:
                assert process.returncode is None, (folder / "kamailio.log").read_text()[-2000:]
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        connector = aiohttp.TCPConnector(force_close=True)
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield Script(f"http://127.0.0.1:{port}", session)
    finally:
        await end(process)
        ports.release()
