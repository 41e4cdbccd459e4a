"""Proves that the commands of the how-to for other systems do what it says, against the real
application: each block of it is run as it stands there."""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standardwebhooks

from ccserver.outbox import EventType, OutboxEvent, record
from ccserver.types import IncidentId, ServiceCode
from ccserver.webhooks.signing import headers, new_secret
from tests.databases import sqlite_template  # noqa: F401  (fixture)
from tests.web.real import SERVICE, Centre, centre

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "integrate.md"
WAIT_S = 60.0
"""For a program that must answer; only a failing test waits as long."""


def blocks(language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"the page has no {language}"
    return found


@pytest.fixture
async def real(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Centre]:  # noqa: F811
    async with centre(tmp_path, sqlite_template) as made:
        yield made


def environment(real: Centre) -> dict[str, str]:
    key = real.callers["key_of_a_service"]["Authorization"].removeprefix("Bearer ")
    return {
        **os.environ,
        "CCSERVER": real.url,
        "KEY": key,
        "INCIDENT": real.known["incident_id"],
        "INVOLVEMENT": real.known["involvement_id"],
        "no_proxy": "*",
    }


async def test_the_commands_do_what_the_page_says(real: Centre, tmp_path: Path) -> None:
    # The reader copies the webhook's id from an answer; so does this line.
    webhook = 'WEBHOOK=$(sed -n \'s/.*"webhook_id":"\\([^"]*\\)".*/\\1/p\' "$OUT" | tail -1)\n'
    script = "set -euo pipefail\n" + webhook.join(
        f"{{ {one}}} | tee -a $OUT\necho\n" for one in blocks("sh")
    )
    # Nobody is called from a test.
    script = script.replace("https://cad.example.lv/", "http://127.0.0.1:9/")
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, env={**environment(real), "OUT": str(tmp_path / "answers")},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, errors = await asyncio.wait_for(process.communicate(), WAIT_S)
    assert process.returncode == 0, errors.decode()
    text = told.decode()
    for expected in (
        f'"service":"{SERVICE}"',
        '"secret":"whsec_',
        '"taken":false',
        '"deliveries":[]',
        '"timeline":',
        "callComponent",
    ):
        assert expected in text, (expected, text)
    (involvement,) = await real.application.services.of_incident(
        IncidentId(real.known["incident_id"])
    )
    steps = involvement["steps"]
    assert isinstance(steps, list)
    assert [step["state"] for step in steps][-3:] == ["received", "accepted", "dispatched"]


async def test_the_listener_hears_what_it_missed_and_what_comes(real: Centre) -> None:
    database = real.application.database
    newest = await real.application.integration.outbox.newest()
    looking = asyncio.create_task(real.application.integration.streams.run())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", blocks("python")[0],
        env={**environment(real), "AFTER": str(newest)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        event = OutboxEvent(
            EventType.INVOLVEMENT_CHANGED,
            "one",
            IncidentId(real.known["incident_id"]),
            datetime.now(UTC),
            service=ServiceCode(SERVICE),
        )
        await database.write(lambda session: record(session, event))
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), WAIT_S)).decode()
        assert EventType.INVOLVEMENT_CHANGED.value in line
        assert int(line.split()[0]) == newest + 1
    finally:
        looking.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def test_the_receiver_believes_the_centre_and_nobody_else() -> None:
    page: dict[str, object] = {}
    exec(blocks("python")[1], page)  # noqa: S102 - the page itself is what is tested
    received = page["received"]
    assert callable(received)
    secret, body = new_secret(), json.dumps({"id": "1"})
    now = int(datetime.now(UTC).timestamp())
    assert received(secret, headers([secret], "1", now, body.encode()), body) == {"id": "1"}
    forged = headers([new_secret()], "1", now, body.encode())
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        received(secret, forged, body)
