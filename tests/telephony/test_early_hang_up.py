"""Proves on a real Asterisk that whoever hangs up before the arrival is written down has a card.

The hang-up may come between any two steps of the dialplan, and Asterisk then goes on with the
hang-up handler alone. Here it comes right after the handler is in place.
"""

import asyncio
from pathlib import Path

import pytest

from ccserver.telephony.queue_log import JournalKind, QueueLogReader
from sim.stack import Stack, seats
from tests.faults.supervised import until

pytestmark = [pytest.mark.asterisk, pytest.mark.stack]

DIALPLAN = """
[hangs-up-at-once]
exten => s,1,Set(CALLERID(num)=+37120000001)
 same => n,Set(__CONTACT_ID=${UUID()})
 same => n,Set(CHANNEL(hangup_handler_push)=caller-gone,s,1)
 same => n,Hangup()

[hangs-up-later]
exten => s,1,Set(CALLERID(num)=+37120000001)
 same => n,Set(__CONTACT_ID=${UUID()})
 same => n,Set(CHANNEL(hangup_handler_push)=caller-gone,s,1)
 same => n,Gosub(contact,arrived,1)
 same => n,Hangup()
"""


@pytest.mark.parametrize("where", ["hangs-up-at-once", "hangs-up-later"])
def test_the_arrival_is_written_once_and_before_the_end(where: str, tmp_path: Path) -> None:
    async def test() -> None:
        stack = Stack(tmp_path, seats(1))
        await stack.prepare()
        with (Path(stack.config.asterisk.config_dir) / "extensions.conf").open("a") as file:
            file.write(DIALPLAN)
        await stack.start_asterisk()
        try:
            await stack.asterisk_cli("module load res_clioriginate.so")
            await stack.asterisk_cli(f"channel originate Local/s@{where}/n application Wait 5")
            log = Path(stack.config.asterisk.log_dir) / "queue_log"
            await until(lambda: "CONTACTEND" in log.read_text())
        finally:
            await stack.stop()
        entries = QueueLogReader(log, tmp_path / "position").read()
        assert [entry.kind for entry in entries] == [JournalKind.ARRIVED, JournalKind.ENDED]
        arrived, ended = entries
        assert arrived.contact_id == ended.contact_id
        assert arrived.facts is not None
        assert (arrived.facts.caller_number, arrived.facts.called_number) == ("+37120000001", "112")

    asyncio.run(test())
