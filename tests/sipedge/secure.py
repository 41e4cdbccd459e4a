"""TLS for the edge's tests: certificates made by openssl for each run, and a peer by TLS or TCP."""

import asyncio
import contextlib
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from sim.stack import Stack
from tests.sipedge.wire import EDGE, TRUNK, Answer, Peer, header


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-keyout", str(self.key), "-out", str(self.certificate)),
        )

    def context(self, own: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """For a client that trusts it, and shows a certificate of its ``own`` if it has one."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if own is not None:
            context.load_cert_chain(*map(str, own))
        return context

    def sign(self, name: str) -> tuple[Path, Path]:
        """A certificate for ``name`` and its key."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request = self.folder / f"{name}.csr"
        openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(request)),
        )
        openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.certificate)),
            *("-CAkey", str(self.key), "-CAcreateserial", "-days", "2", "-copy_extensions", "copy"),
            *("-out", str(certificate)),
        )
        return certificate, key


async def read_message(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    body = await reader.readexactly(int(header(head, "Content-Length") or 0))
    code = int(head[8:11]) if head.startswith("SIP/2.0 ") else 0
    return Answer(code, head + body.decode(), 0.0)


def put_tls_on(stack: Stack, authority: Authority, *, ask_trunks: bool = True) -> None:
    """Before the start: TLS on an instance's edge, with a certificate of the trunks' or without."""
    certificate, key = authority.sign("edge")
    settings = msgspec.structs.replace(
        stack.config.edge,
        tls_port=stack.ports.edge_tls,
        tls_certificate=str(certificate),
        tls_key=str(key),
        tls_ca=str(authority.certificate) if ask_trunks else "",
    )
    stack.config = msgspec.structs.replace(stack.config, edge=settings)


class StreamPeer(Peer):
    """A peer by one connection of TLS or TCP."""

    def __init__(
        self, edge_port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(edge_port)
        self._writer = writer
        secure = writer.get_extra_info("ssl_object") is not None
        self._protocol = "TLS" if secure else "TCP"
        self._reading = asyncio.create_task(self._read(reader))

    @property
    def address(self) -> tuple[str, int]:
        """Where the connection comes from."""
        host, port = self._writer.get_extra_info("sockname")[:2]
        return str(host), int(port)

    @property
    def lost(self) -> bool:
        """Whether the edge has closed the connection."""
        return self._reading.done()

    def send(self, text: str, to: tuple[str, int] | None = None) -> None:
        """One message, as the Via of a connection wants it."""
        assert to is None, "a connection leads to the edge"
        self._writer.write(text.replace("SIP/2.0/UDP", f"SIP/2.0/{self._protocol}").encode())

    def close(self) -> None:
        """Close the connection."""
        self._reading.cancel()
        self._writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                text = (await read_message(reader)).text
                self.received.put_nowait((text, time.monotonic()))


@asynccontextmanager
async def stream_peer(
    port: int, address: str = TRUNK, context: ssl.SSLContext | None = None
) -> AsyncIterator[StreamPeer]:
    """A peer by TCP, or by TLS with ``context``; raises `OSError` where it is not let in."""
    reader, writer = await asyncio.open_connection(EDGE, port, local_addr=(address, 0), ssl=context)
    made = StreamPeer(port, reader, writer)
    try:
        yield made
    finally:
        made.close()
