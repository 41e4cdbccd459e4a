"""Proves with ``kill -9`` at each step that no text and no reply is lost, and which come twice."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from ccserver.db import Database
from ccserver.sms import sends
from ccserver.sms.pdu import PDU, Command
from ccserver.sms.short_message import ShortMessage
from tests.sms.gate import body, operator, outgoing, part
from tests.sms.peers import Client, MessageCentre, message_centre
from tests.sms.serving import STEPS, TABLES

WAIT_S = 60.0
"""For something that must happen; only a failing test waits as long."""
BODIES = {1: body(b"one"), 2: part(b"ga!", 2, 2), 3: body(b"two"), 4: part(b"Pali", 1, 2)}
LONG = "Ūdens ceļas, kāpiet uz jumta. " * 5


@pytest.mark.parametrize("step", STEPS)
async def test_nothing_is_lost_by_who_is_killed_at(
    database: Database, database_url: str, step: str
) -> None:
    await database.write(_prepare)
    async with message_centre() as centre:
        acknowledged: set[int] = set()
        async with process(database_url, centre, step) as killed:
            client = await centre.client()
            await deliver(client, acknowledged)
            async with asyncio.timeout(WAIT_S):
                assert await killed.wait() == -signal.SIGKILL
        acknowledged |= answered(client)
        async with process(database_url, centre, "none"):
            again = await centre.client(1)
            await deliver(again, acknowledged)
            await until_over(database, again, acknowledged)
        await check_texts(database, step)
        check_replies(centre, await told(database), step)


def _prepare(session: Session) -> None:
    for statement in TABLES:
        session.execute(text(statement))
    at = datetime.now(UTC)  # the processes have the machine's clock
    for reply in (outgoing("m1", LONG, at=at), outgoing("m2", "Palīdzība", at=at)):
        sends.enqueue(session, reply, operator=operator(), bind="north-1")


async def deliver(client: Client, acknowledged: set[int]) -> None:
    """As an operator does: everything that was not acknowledged, in its order."""
    client.send(
        *(
            PDU(Command.DELIVER_SM, 0, sequence, octets)
            for sequence, octets in BODIES.items()
            if sequence not in acknowledged
        )
    )


def answered(client: Client) -> set[int]:
    return {
        pdu.sequence
        for pdu in client.received
        if pdu.command_id == Command.DELIVER_SM_RESP and pdu.status == 0
    }


async def until_over(database: Database, client: Client, acknowledged: set[int]) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            waiting = await database.read(sends.queued)
            pending = await database.read(
                lambda session: session.scalar(
                    text("SELECT count(*) FROM sms_inbox WHERE done_at IS NULL")
                )
            )
            if not waiting and not pending and acknowledged | answered(client) == set(BODIES):
                return
            await asyncio.sleep(0.05)


async def check_texts(database: Database, step: str) -> None:
    rows = await database.read(
        lambda session: [
            tuple(row) for row in session.execute(text("SELECT words, duplicate, whole FROM taken"))
        ]
    )
    assert {words for words, _, _ in rows} == {"one", "two", "Paliga!"}
    assert all(complete for _, _, complete in rows)
    firsts = sorted(words for words, duplicate, _ in rows if not duplicate)
    if step == "stored":
        # The operator did not hear that we have them: what it sends again is marked, not hidden.
        assert firsts == ["one", "two"]
        assert sorted(words for words, _, _ in rows) == ["Paliga!", "one", "one", "two", "two"]
    else:
        assert set(firsts) == {"Paliga!", "one", "two"} - {
            words for words, duplicate, _ in rows if duplicate
        }


async def told(database: Database) -> dict[str, str]:
    def read(session: Session) -> dict[str, str]:
        rows = session.execute(text("SELECT message_id, state FROM told"))
        return {str(row.message_id): str(row.state) for row in rows}

    return await database.read(read)


def check_replies(centre: MessageCentre, states: dict[str, str], step: str) -> None:
    submitted = [
        ShortMessage.parse(pdu.body)
        for client in centre.clients
        for pdu in client.received
        if pdu.command_id == Command.SUBMIT_SM
    ]
    order = [0 if one.concatenation is None else one.concatenation.number for one in submitted]
    # Each in its order; one that nobody knew of came twice.
    assert list(dict.fromkeys(order)) == [1, 2, 3, 0]
    assert order == sorted(order, key=lambda number: number or 9)
    assert set(states) == {"m1", "m2"}
    assert set(states.values()) <= {"sent", "unknown"}
    if step == "claimed":
        assert states["m1"] == "unknown"
    if step in {"submitted", "settling"}:
        assert "unknown" in states.values()
        assert len(order) == 5


@asynccontextmanager
async def process(
    url: str, centre: MessageCentre, step: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.sms.serving", url, str(centre.port), step,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.wait()
