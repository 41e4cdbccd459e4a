"""Proves the live part: who is told in which moment, alarms that stand and go, a database that is
away, and the figures that the law asks for.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from ccserver.db import Database, DatabaseUnavailable
from ccserver.metrics import Metrics
from ccserver.services import (
    InvolvementId,
    ReasonNeeded,
    ServiceDesk,
    ServiceStore,
    Terms,
    UnitFacts,
    UnknownService,
)
from ccserver.services_on_cards import CardIncidents
from ccserver.types import IncidentId, ServiceCode
from tests.services.conftest import AMBULANCE, FIRE, POLICE, second, told, unit_id


class Book:
    """Three services, one of them given less time."""

    def terms(self, service: ServiceCode) -> Terms | None:
        known = {FIRE: Terms(), AMBULANCE: Terms(seen_timeout_s=10.0), POLICE: Terms()}
        return known.get(service)

    def refusal_reasons(self) -> Collection[str]:
        return ("no_units",)

    def delay_reasons(self) -> Collection[str]:
        return ("traffic",)


@dataclass
class Stage:
    """A desk whose time is moved by hand, and everything that it tells, by step of the loop."""

    database: Database
    now: datetime = field(default_factory=lambda: second(20))
    told: list[tuple[int, dict[str, object], ServiceCode | None]] = field(default_factory=list)
    step: int = 0

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.desk = ServiceDesk(
            ServiceStore(self.database, CardIncidents()),
            Book(),
            publish=self.publish,
            changed=self.card,
            now=lambda: self.now,
            metrics=self.metrics,
        )

    def publish(self, message: dict[str, object], service: ServiceCode | None) -> None:
        if not self.told or self.told[-1][0] != self.step:
            asyncio.get_running_loop().call_soon(self._next_step)
        self.told.append((self.step, message, service))

    def _next_step(self) -> None:
        self.step += 1

    def card(self, incident_id: IncidentId) -> None:
        self.publish({"type": "card", "incident_id": incident_id}, None)

    def types(self) -> list[object]:
        return [message["type"] for _, message, _ in self.told]

    def alarms(self) -> list[tuple[object, object]]:
        found = []
        for _, message, _ in self.told:
            if message["type"] == "alarm":
                data = message["data"]
                assert isinstance(data, dict)
                found.append((message["code"], data["active"]))
        return found

    def count(self, name: str) -> float:
        value = self.metrics.registry.get_sample_value(f"{name}_count")
        assert value is not None
        return value


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


def key_of(involvement: dict[str, object]) -> InvolvementId:
    return InvolvementId(str(involvement["involvement_id"]))


async def test_all_services_are_told_in_one_step_of_the_loop(
    stage: Stage, incident_id: IncidentId
) -> None:
    await stage.desk.involve(incident_id, [FIRE, AMBULANCE, POLICE], by="anna", note="fire")
    assert stage.types() == ["involvement"] * 3 + ["card"]
    assert {step for step, _, _ in stage.told} == {0}
    assert [service for _, _, service in stage.told] == [FIRE, AMBULANCE, POLICE, None]
    _, message, _ = stage.told[0]
    incident = message["incident"]
    assert isinstance(incident, dict)
    assert incident["caller_number"] == "+37129123456"
    assert stage.count("ccserver_service_sent_seconds") == 1


async def test_a_repeated_request_tells_nobody_twice(stage: Stage, incident_id: IncidentId) -> None:
    for _ in range(2):
        sent = await stage.desk.involve(incident_id, [FIRE], by="anna", key="one")
        assert sent[0]["state"] == "sent"
    assert stage.types() == ["involvement", "card"]


async def test_an_unknown_service_sends_none(stage: Stage, incident_id: IncidentId) -> None:
    with pytest.raises(UnknownService) as unknown:
        await stage.desk.involve(incident_id, [FIRE, ServiceCode("navy")], by="anna")
    assert unknown.value.services == ["navy"]
    assert await stage.desk.of_incident(incident_id) == []
    assert stage.told == []


async def test_a_refusal_takes_a_reason_and_raises_an_alarm_until_others_are_sent(
    stage: Stage, incident_id: IncidentId
) -> None:
    (sent,) = await stage.desk.involve(incident_id, [FIRE], by="anna")
    with pytest.raises(ReasonNeeded) as needed:
        await stage.desk.report(key_of(sent), told("refused"))
    assert needed.value.reasons == ["no_units"]
    await stage.desk.report(key_of(sent), told("refused", reason="no_units"))
    assert stage.alarms() == [("service_refused", True)]
    (standing,) = stage.desk.standing()
    data = standing["data"]
    assert isinstance(data, dict)
    assert (data["sent_by"], data["reason"]) == ("anna", "no_units")
    await stage.desk.involve(incident_id, [POLICE], by="boris")
    assert stage.alarms()[1:] == [("service_refused", False)]
    assert stage.desk.standing() == []


async def test_a_refusal_that_is_taken_back_alarms_no_longer(
    stage: Stage, incident_id: IncidentId
) -> None:
    (sent,) = await stage.desk.involve(incident_id, [FIRE], by="anna")
    await stage.desk.report(key_of(sent), told("refused", reason="no_units"))
    await stage.desk.report(key_of(sent), told("accepted"))
    assert stage.alarms() == [("service_refused", True), ("service_refused", False)]


async def test_what_nobody_sees_alarms_first_the_card_then_the_supervisor(
    stage: Stage, incident_id: IncidentId
) -> None:
    sent = await stage.desk.involve(incident_id, [FIRE, AMBULANCE], by="anna")
    assert await stage.desk.look() == 10.0
    stage.now += timedelta(seconds=10)
    assert await stage.desk.look() == 10.0
    assert stage.alarms() == [("service_overdue", True)]
    stage.now += timedelta(seconds=10)
    await stage.desk.report(key_of(sent[0]), told("received"))
    await stage.desk.look()
    assert stage.alarms()[1:] == [("service_overdue", False), ("service_unseen", True)]
    stage.now += timedelta(seconds=10)
    await stage.desk.look()
    assert stage.alarms()[3:] == [("service_overdue", True)]
    assert [alarm["code"] for alarm in stage.desk.standing()] == [
        "service_unseen",
        "service_overdue",
    ]
    await stage.desk.report(key_of(sent[0]), told("seen"))
    await stage.desk.report(key_of(sent[1]), told("accepted"))
    assert stage.desk.standing() == []
    assert stage.count("ccserver_service_seen_seconds") == 2


async def test_alarms_outlive_the_process(stage: Stage, incident_id: IncidentId) -> None:
    await stage.desk.involve(incident_id, [FIRE], by="anna")
    stage.now += timedelta(seconds=30)
    await stage.desk.look()
    after = Stage(stage.database, now=stage.now + timedelta(seconds=30))
    await after.desk.recall()
    assert [alarm["code"] for alarm in after.desk.standing()] == ["service_overdue"]
    await after.desk.look()
    assert [alarm["code"] for alarm in after.desk.standing()] == ["service_unseen"]


async def test_the_watch_wakes_for_what_is_sent_later(
    stage: Stage, incident_id: IncidentId
) -> None:
    looks: asyncio.Queue[float] = asyncio.Queue()
    look = stage.desk.look

    async def looked() -> float:
        wait_s = await look()
        looks.put_nowait(wait_s)
        return wait_s

    stage.desk.look = looked  # type: ignore[method-assign]
    watching = asyncio.create_task(stage.desk.run())
    assert await looks.get() == 30.0
    await stage.desk.involve(incident_id, [AMBULANCE], by="anna")
    assert await looks.get() == 10.0
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_nothing_is_pretended_while_the_database_is_away(
    stage: Stage, incident_id: IncidentId
) -> None:
    await stage.database.close()
    with pytest.raises(DatabaseUnavailable):
        await stage.desk.involve(incident_id, [FIRE], by="anna")
    with pytest.raises(DatabaseUnavailable):
        await stage.desk.report(InvolvementId("any"), told("seen"))
    assert stage.told == []


async def test_the_watch_survives_a_database_that_is_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccserver.services.desk.RETRY_S", 0.0)
    failures: list[Exception] = [DatabaseUnavailable("away"), RuntimeError("odd")]
    done = asyncio.Event()

    async def look() -> float:
        if failures:
            raise failures.pop(0)
        done.set()
        return 30.0

    stage.desk.look = look  # type: ignore[method-assign]
    watching = asyncio.create_task(stage.desk.run())
    await done.wait()
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_units_are_told_to_their_desks(stage: Stage, incident_id: IncidentId) -> None:
    unit = await stage.desk.add_unit(FIRE, UnitFacts("R-11"), unit_id=unit_id())
    (sent,) = await stage.desk.involve(incident_id, [FIRE], by="anna")
    told_before = len(stage.told)
    stage.now += timedelta(seconds=40)
    dispatched = told("dispatched", units=(unit["unit_id"],))
    await stage.desk.report(key_of(sent), dispatched)
    assert stage.types()[told_before:] == ["involvement", "unit", "card"]
    assert stage.count("ccserver_service_dispatched_seconds") == 1
    with pytest.raises(ReasonNeeded):
        await stage.desk.report_unit(key_of(sent), unit["unit_id"], told("delayed"))  # type: ignore[arg-type]
    late = told("delayed", reason="traffic")
    involvement = await stage.desk.report_unit(key_of(sent), unit["unit_id"], late)  # type: ignore[arg-type]
    units = involvement["units"]
    assert isinstance(units, list)
    assert units[0]["eido"] == {"primary": "NotAvailable", "secondary": "Delayed"}


async def test_a_changed_card_is_told_to_every_desk_that_has_it(
    stage: Stage, incident_id: IncidentId
) -> None:
    await stage.desk.involve(incident_id, [FIRE, POLICE], by="anna")
    stage.told.clear()
    enough = asyncio.Event()
    publish = stage.publish

    def told(message: dict[str, object], service: ServiceCode | None) -> None:
        publish(message, service)
        if len(stage.told) == 2:
            enough.set()

    stage.desk._publish = told
    following = asyncio.create_task(stage.desk.run())
    for _ in range(3):
        stage.desk.card_changed(IncidentId("no-such"))
        stage.desk.card_changed(incident_id)
    await enough.wait()
    assert sorted(str(service) for _, _, service in stage.told) == ["vp", "vugd"]
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
