"""A bind over TLS is with the operator and nobody else."""

import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from ccserver.sms import session as edge
from ccserver.sms.pdu import Command
from ccserver.sms.session import Session
from tests.sms.peers import (
    Hurry,
    Inbox,
    deliver,
    message_centre,
    operator,
    running,
    settings,
    text_body,
)
from tests.sms.sessions import SOON_S, session_to


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own authority, for smsc.test, with its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=smsc.test"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=DNS:smsc.test"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


async def test_a_bind_over_tls_trusts_the_operators_authority_and_name(certificate: Path) -> None:
    inbox = Inbox()
    async with message_centre(server_tls(certificate)) as centre:
        session = session_to(centre, inbox, tls=True, tls_ca=str(certificate), tls_name="smsc.test")
        async with running(session):
            await inbox.until(lambda: session.ready)
            client = await centre.client()
            client.send(deliver(7))
            await client.answer_to(Command.DELIVER_SM_RESP, 7)
            assert await session.submit(text_body(), timeout_s=5) == "1"
            client.drop()
            await inbox.until(lambda: session.counters["bound"] == 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tls_name": "other.test"}, "SSLCertVerificationError"),
        ({"tls_name": "smsc.test", "tls_ca": ""}, "SSLCertVerificationError"),
        ({"tls_name": "smsc.test", "tls_ca": "/nowhere/ca.pem"}, "FileNotFoundError"),
    ],
)
async def test_nobody_else_is_told_the_password(
    certificate: Path, changes: dict[str, str], reason: str
) -> None:
    inbox = Inbox()
    async with message_centre(server_tls(certificate)) as centre:
        trust: dict[str, object] = {"tls_ca": str(certificate), **changes}
        bind = settings(centre.port, tls=True, **trust)
        session = Session(bind, operator(bind), inbox, chance=Hurry())
        async with running(session):
            await inbox.until(lambda: session.why_down == reason)
        assert all(not client.received for client in centre.clients)


async def test_a_host_that_does_not_answer_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The kernel takes the connection, and nobody ever says a word of TLS.
    monkeypatch.setattr(edge, "CONNECT_TIMEOUT_S", SOON_S)
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as server:
        bind = settings(server.getsockname()[1], tls=True)
        session = Session(bind, operator(bind), inbox, chance=Hurry())
        async with running(session):
            await inbox.until(lambda: session.why_down == "TimeoutError")
