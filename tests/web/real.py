"""The whole application on a real database and a free port, without an Asterisk.

Everything is composed as ``ccserver serve`` does it; what asks Asterisk is refused as it is while
Asterisk is away.
"""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ccserver.accounts import KeyStore, Role, Scope
from ccserver.app import Application
from ccserver.card import ContactOpened
from ccserver.config import Config
from ccserver.messaging import writing
from ccserver.services import UnitFacts
from ccserver.texts import Channel, IncomingText
from ccserver.types import ContactId, Medium, ServiceCode, UnitId
from ccserver.web import sessions
from ccserver.web.access import Route
from ccserver.webhooks import NewWebhook

PASSWORD = "correct horse battery"
SERVICE = "vugd"
SECRET = "0123456789abcdef"
CONTACT = ContactId("7a4e2c10-94f2-4b0e-8f6c-2b8f0c9d2e02")
UNIT = "7a4e2c10-94f2-4b0e-8f6c-2b8f0c9d2e77"
EXTENSIONS = {Role.CALL_TAKER: "101", Role.SUPERVISOR: "102"}


def config(directory: Path, url: str) -> Config:
    """Settings of a centre in a folder of its own."""
    link = {"username": "ccserver", "password": SECRET}
    folders = ("config", "run", "log", "spool", "modules", "data", "sounds")
    asterisk = {f"{name}_dir": str(directory / name) for name in folders}
    return msgspec.convert(
        {
            "database": {"url": url, "request_timeout_s": 20.0},
            "ari": {"url": "http://127.0.0.1:9/ari", **link},
            "ami": {"port": 9, **link},
            "asterisk": {**asterisk, "trunk_token": SECRET},
            "recording": {
                "spool_dir": str(directory / "spool"),
                "store_dir": str(directory / "data" / "recordings"),
            },
            "web": {"panel_dir": str(directory / "panel"), "port": 8080},
        },
        Config,
    )


@dataclass
class Centre:
    """A running server, who may ask it, and what is there to ask for."""

    application: Application
    callers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """The headers of each by a name: roles, keys, nobody."""
    known: dict[str, str] = field(default_factory=dict)
    """Of path parameters, values that exist."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.application.web.port}"

    @property
    def routes(self) -> tuple[Route, ...]:
        return self.application.web.routes


@asynccontextmanager
async def centre(directory: Path, template: Path) -> AsyncIterator[Centre]:
    """A running centre with a person of every role, keys, a card and a webhook."""
    with pytest.MonkeyPatch.context() as patch:
        # A busy machine is no fault of the server's.
        patch.setattr(sessions, "LOOKUP_TIMEOUT_S", 20.0)
        async with _serving(directory, template) as made:
            yield made


@asynccontextmanager
async def _serving(directory: Path, template: Path) -> AsyncIterator[Centre]:
    path = directory / "centre.db"
    shutil.copy(template, path)
    application = Application(config(directory, f"sqlite:///{path}"))
    application.web.take_any_port()
    made = Centre(application)
    await _people(made)
    await application.plan.load()
    await application.seats.load()
    await _keys(made)
    await _things(made)
    await application.web.start()
    try:
        yield made
    finally:
        await application.web.stop()
        application.addresses.close()
        await application.database.close()


async def _people(centre: Centre) -> None:
    accounts = centre.application.accounts
    for role in Role:
        if role is Role.INTEGRATOR:
            continue
        await accounts.add(
            login=role.value,
            name=role.value,
            role=role,
            language="lv",
            password=PASSWORD,
            extension=EXTENSIONS.get(role),
            service=SERVICE if role is Role.SERVICE_DISPATCHER else None,
        )
        token = await accounts.open_session(role.value, now=datetime.now(UTC), ttl_s=3_600)
        centre.callers[role.value] = {"Cookie": f"ccserver_session={token}", "X-CCServer": "1"}
    await accounts.add(
        login="spare", name="Spare", role=Role.QUALITY_OFFICER, language="lv", password=PASSWORD
    )
    centre.known |= {"login": "spare", "agent_id": "agent-101"}
    centre.callers["nobody"] = {"X-CCServer": "1"}


async def _keys(centre: Centre) -> None:
    keys = KeyStore(centre.application.database)
    for name, service in (("key", None), ("key_of_a_service", SERVICE)):
        made = await keys.add(name=name, scopes=list(Scope), service=service)
        centre.callers[name] = {"Authorization": f"Bearer {made.token}"}
    spare = await keys.add(name="spare", scopes=[Scope.EVENTS])
    centre.known["key_id"] = spare.key.key_id


async def _conversation(centre: Centre, now: datetime) -> str:
    """A citizen's text to be read, and to be answered by whoever may."""
    text = IncomingText("sms:1", Channel.APP, "key:other", "+37129123456", "112", "Deg", now)
    landed = await centre.application.database.write(
        lambda session: writing.add_incoming(session, text)
    )
    return landed.conversation.conversation_id


async def _things(centre: Centre) -> None:
    now = datetime.now(UTC)
    opened = ContactOpened(
        contact_id=CONTACT,
        medium=Medium.VOICE,
        queue="emergency",
        priority=5,
        caller_number="+37129123456",
        caller_number_hidden=False,
        called_number="112",
        arrived_at=now - timedelta(seconds=20),
    )
    head = await centre.application.cards.open_contact(opened)
    webhook, _ = await centre.application.integration.webhooks.add(
        NewWebhook("CAD", "http://127.0.0.1:9/"), by="system_admin", at=now
    )
    centre.known["conversation_id"] = await _conversation(centre, now)
    services = centre.application.services
    code = ServiceCode(SERVICE)
    await services.involve(head.incident_id, [code], by="call_taker")
    (involvement,) = await services.of_incident(head.incident_id)
    facts = UnitFacts("Riga 1", "engine", 6, active=True)
    await services.add_unit(code, facts, unit_id=UnitId(UNIT))
    centre.known |= {
        "involvement_id": str(involvement["involvement_id"]),
        "unit_id": UNIT,
        "incident_id": head.incident_id,
        "contact_id": CONTACT,
        "webhook_id": webhook.webhook_id,
        "name": "priority",
        "version": "0",
    }
