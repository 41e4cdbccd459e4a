"""AML messages read per second, and how soon one that arrives has moved the open card's marker.

Run as ``python -m bench.aml``; prints one JSON line.

``parses_per_s`` is the rate of one core, in repetitions of a second of processor time each, so that
a busy machine does not tell: text messages of both versions, forms over HTTPS, and data messages
(unpacked by trial, then read).

``pushed_ms`` is from a message's arrival until the ``card`` message is with the push hub, on the
whole application (composed as ``ccserver serve`` does it, without Asterisk): ``https`` from before
the request until then, through the web server; ``sms`` from before a simulated operator writes the
PDU, through the SMS gateway. Calls live meanwhile, ``--calls`` of them; each message is for one.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp

from ccserver import db
from ccserver.aml.data_sms import text_of
from ccserver.aml_desk import AMLIntake
from ccserver.app import Application
from ccserver.config import LogSettings, SMSSettings
from ccserver.live import LiveContact
from ccserver.location.aml import AMLMessage
from ccserver.location.aml_form import AMLForm
from ccserver.log import configure
from ccserver.sms.gateway import SMSGateway
from ccserver.telephony.call import CallFacts
from ccserver.types import ContactId
from sim.aml import AMLPhone, Fix, packed
from sim.scenarios.latency import percentiles
from sim.smsc.centre import MessageCentre
from sim.smsc.link import Account
from tests.databases import BINARIES, Cluster
from tests.sms.peers import operator, settings
from tests.web.real import config

REPETITIONS = 5
MESSAGES = 200
CALLS = 50
BETWEEN_S = 0.02
PUSH_TIMEOUT_S = 10.0

PHONE = AMLPhone("+37120000001", datetime(2026, 11, 26, 12, 0, tzinfo=UTC))
FIX = Fix(56.9496, 24.1052, radius_m=14.0, altitude_m=12.5)


def rate(read: Callable[[], object]) -> dict[str, int]:
    """How often it runs in a second, over the repetitions."""
    rates = []
    for _ in range(REPETITIONS):
        count, began = 0, time.process_time()
        while (took := time.process_time() - began) < 1.0:
            for _ in range(500):
                read()
            count += 500
        rates.append(count / took)
    return {
        "min": round(min(rates)),
        "median": round(statistics.median(rates)),
        "max": round(max(rates)),
    }


def parses() -> dict[str, object]:
    """The readers' rates."""
    first, second = PHONE.text(FIX, 22), PHONE.text_2(FIX, 22)
    form, data = PHONE.form(FIX, 22), packed(first)
    return {
        "version_1": rate(lambda: AMLMessage.parse(first)),
        "version_2": rate(lambda: AMLMessage.parse(second)),
        "form": rate(lambda: AMLForm.parse(form)),
        "data_sms": rate(lambda: AMLMessage.parse(text_of(data) or "")),
    }


class Centre:
    """The application with calls that live, and ears on what is pushed."""

    def __init__(self, folder: Path, url: str, calls: int) -> None:
        db.upgrade(url)
        self.application = Application(config(folder, url))
        self.application.web.take_any_port()
        self.contacts = [ContactId(str(uuid.uuid4())) for _ in range(calls)]
        self._pushed: dict[ContactId, asyncio.Future[float]] = {}
        publish = self.application.hub.publish

        def noticed(message: dict[str, object], **audience: object) -> None:
            publish(message, **audience)  # type: ignore[arg-type]
            contacts = message["contact_ids"] if message["type"] == "card" else []
            for contact_id in contacts if isinstance(contacts, list) else []:
                if (waiting := self._pushed.pop(contact_id, None)) is not None:
                    waiting.set_result(time.perf_counter())

        self.application.hub.publish = noticed  # type: ignore[method-assign, assignment]

    def number(self, contact_id: ContactId) -> str:
        """The citizen's."""
        return f"+371200{self.contacts.index(contact_id):05d}"

    def call(self, contact_id: ContactId) -> None:
        """A citizen calls."""
        now, number = datetime.now(UTC), self.number(contact_id)
        app = self.application
        app.live.add(LiveContact(contact_id, now, number, False, "emergency", 5))
        facts = CallFacts(contact_id, now, number, False, "112")
        app.chronicle.open_card(facts, queue="emergency", priority=5)

    def phone(self, contact_id: ContactId) -> AMLPhone:
        """The telephone that calls."""
        return AMLPhone(self.number(contact_id), datetime.now(UTC))

    async def took(self, contact_id: ContactId, send: Callable[[], Awaitable[None]]) -> float:
        """Seconds from before ``send`` until the card of this contact is pushed."""
        pushed: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._pushed[contact_id] = pushed
        began = time.perf_counter()
        await send()
        async with asyncio.timeout(PUSH_TIMEOUT_S):
            return await pushed - began

    async def sms(self, smsc: MessageCentre, contact_id: ContactId, fix: Fix) -> None:
        """The phone sends a text message."""
        phone = self.phone(contact_id)
        await smsc.citizen(phone.number).send(phone.text(fix, 2))


class Takers(AMLIntake):
    """Implements `ccserver.sms.ports.Takers` for positions alone."""

    def __init__(self, stored: Callable[[], None]) -> None:
        super().__init__(keep_s=3_600.0)
        self._stored = stored

    def texts(self, session: object, texts: Sequence[object]) -> None:
        """There are none."""

    def deliveries(self, session: object, deliveries: Sequence[object]) -> None:
        """There are none."""

    def stored(self, kinds: Collection[str]) -> None:
        """The desk has work."""
        self._stored()


async def pushes(folder: Path, url: str, options: argparse.Namespace) -> dict[str, object]:
    """How soon cards are pushed."""
    made = Centre(folder, url, options.calls)
    app = made.application
    await app.plan.load()
    await app.web.start()
    smsc = MessageCentre([Account("centre", "secret12")])
    await smsc.listen()
    known = SMSSettings(operators=(operator(settings(smsc.port)),))
    gateway = SMSGateway(app.database, known, Takers(app.aml.wake), clock=app.clock)
    services = (app.journal.run(), app.aml.run(), gateway.run())
    tasks = [asyncio.create_task(service) for service in services]
    found: dict[str, list[float]] = {"https": [], "sms": []}
    dice = random.Random(1)
    try:
        await smsc.until(lambda: smsc.bound, "the gateway is bound")
        for contact_id in made.contacts:
            made.call(contact_id)
        async with aiohttp.ClientSession() as http:

            async def post(body: bytes) -> None:
                address = f"http://127.0.0.1:{app.web.port}/aml"
                async with http.post(address, data=body) as answer:
                    await answer.read()

            for number in range(options.messages):
                contact_id = dice.choice(made.contacts)
                fix = Fix(56.9 + number / 1e5, 24.1, radius_m=14.0)
                form = made.phone(contact_id).form(fix, 2)
                found["https"].append(await made.took(contact_id, partial(post, form)))
                await asyncio.sleep(BETWEEN_S)
                found["sms"].append(
                    await made.took(contact_id, partial(made.sms, smsc, contact_id, fix))
                )
                await asyncio.sleep(BETWEEN_S)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await smsc.die()
        await app.web.stop()
        app.addresses.close()
        await app.database.close()
    return {how: percentiles(seconds) for how, seconds in found.items()}


def main() -> int:
    """Measure and print; the status is 0 when everything was pushed."""
    parser = argparse.ArgumentParser(prog="python -m bench.aml", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="of each way")
    parser.add_argument("--calls", type=int, default=CALLS, help="that live")
    options = parser.parse_args()
    configure(LogSettings(level="error"))
    line: dict[str, object] = {"bench": "aml", "cpus": os.cpu_count(), "parses_per_s": parses()}
    folder = Path(tempfile.mkdtemp(prefix="ccserver-bench-"))
    try:
        url = f"sqlite:///{folder}/bench.db"
        line["pushed_ms"] = told = {"sqlite": asyncio.run(pushes(folder, url, options))}
        if BINARIES:
            cluster = Cluster(Path(tempfile.mkdtemp(prefix="ccserver-pg-")), durable=True)
            try:
                cluster.start()
                cluster.execute("CREATE DATABASE bench")
                told["postgresql"] = asyncio.run(pushes(folder, cluster.url("bench"), options))
            finally:
                cluster.stop()
                shutil.rmtree(cluster.folder)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
