"""Proves that people see who else has a card open."""

from tests.web.fakes import INCIDENT
from tests.web.world import World

PRESENCE = f"/api/cards/{INCIDENT}/presence"
ANNA = {"login": "anna", "name": "Anna Ozola", "field": "address"}
BORIS = {"login": "boris", "name": "Boris Petrovs", "field": None}


async def test_who_is_there_is_told_once_and_until_they_go(world: World) -> None:
    anna, boris = await world.person("anna"), await world.person("boris")
    assert (await anna.put(PRESENCE, {"field": "address"})).json() == {"people": [ANNA]}
    assert (await boris.put(PRESENCE, {})).json() == {"people": [ANNA, BORIS]}
    assert (await anna.put(PRESENCE, {"field": "address"})).json() == {"people": [ANNA, BORIS]}
    assert (await anna.ask("DELETE", PRESENCE)).json() == {}
    assert (await anna.ask("DELETE", PRESENCE)).json() == {}
    world.clock.seconds += 30
    world.presence.look()
    world.presence.look()
    assert world.pushed == [
        {"type": "card_presence", "incident_id": INCIDENT, "people": people}
        for people in ([ANNA], [ANNA, BORIS], [BORIS], [])
    ]


async def test_what_is_no_field_is_refused(world: World) -> None:
    anna = await world.person("anna")
    for body in ({"field": 1}, {"field": "x" * 65}, {"more": 1}, {"field": "\0"}):
        assert (await anna.put(PRESENCE, body)).status == 400
    assert not world.pushed
