"""Proves who may use which route: every route, every role, nobody, and other people's pages."""

from collections.abc import Mapping

import pytest

from ccserver.catalogue import default_catalogue
from ccserver.documents import to_builtins
from ccserver.messaging.default import default_messaging
from ccserver.routing import DEFAULT_DOCUMENT
from ccserver.web.app import ROUTES
from tests.web.card_rooms import ATTACHMENT
from tests.web.fakes import CONTACT, INCIDENT, PASSWORD, RECORDING
from tests.web.rooms import TASK
from tests.web.service_rooms import INVOLVEMENT, UNIT
from tests.web.text_rooms import CONVERSATION
from tests.web.world import World

PEOPLE = ("anna", "boris", "chief", "root", "lost", "duty", "fire", "ears", "wires")
"""Two call takers, a supervisor, a system admin, a call taker without a seat, a supervisor with
one, a service's dispatcher, a quality officer and a telecom admin."""

ASKERS = (None, *PEOPLE)
"""They, and nobody."""


def only(*people: str) -> Mapping[str | None, int]:
    """The statuses of a route that only these may use."""
    return {**dict.fromkeys(PEOPLE, 403), None: 401, **dict.fromkeys(people, 200)}


EVERYBODY = dict.fromkeys(ASKERS, 200)
ANY_PERSON = only(*PEOPLE)
SEAT = only("anna", "boris", "duty")
CENTRE = only("anna", "boris", "chief", "root", "lost", "duty")
# The card is open: who administers the system says why, and to services that are not involved, and
# to those who look at what is over, it does not exist.
CARD_READERS = {**CENTRE, "root": 403, "fire": 404, "ears": 404}
CARD_WRITERS = {**CENTRE, "root": 403}
CARD_MAKERS = {who: 201 if status == 200 else status for who, status in CARD_WRITERS.items()}
SUPERVISION = only("chief", "root", "duty")
CARDS = only("anna", "boris", "chief", "root", "lost", "duty", "fire", "ears")
DESK_OF_FIRE = only("chief", "duty", "fire")
ROUTING = {**SUPERVISION, "wires": 200}
DIRECTORY = {**CENTRE, "wires": 200}
ADDRESSES = {**CENTRE, "fire": 200}
ADMINISTRATION = only("root")
SUPERVISING_SEAT = only("duty")
# Only anna's seat handled the recorded contact; to the others of the centre it does not exist.
LISTENERS = {**only("anna", "chief", "duty", "ears"), "boris": 404, "lost": 404, "root": 404}

NOTES: dict[str, object] = {"text": "x"}
READY: dict[str, object] = {"kind": "ready"}
PLAN = to_builtins(DEFAULT_DOCUMENT)
CATALOGUE_DATA = to_builtins(default_catalogue())
MESSAGING_DATA = to_builtins(default_messaging())

CASES: Mapping[tuple[str, str], tuple[str, object, Mapping[str | None, int]]] = {
    ("POST", "/api/login"): (
        "/api/login",
        {"login": "anna", "password": "correct horse battery"},
        EVERYBODY,
    ),
    ("POST", "/api/logout"): ("/api/logout", None, EVERYBODY),
    ("GET", "/api/me"): ("/api/me", None, ANY_PERSON),
    ("PUT", "/api/me/language"): ("/api/me/language", {"language": "ru"}, ANY_PERSON),
    ("PUT", "/api/agent/presence"): ("/api/agent/presence", READY, SEAT),
    ("POST", "/api/agent/wrap-up/end"): ("/api/agent/wrap-up/end", None, SEAT),
    **{
        ("POST", f"/api/contacts/{{contact_id}}/{action}"): (
            f"/api/contacts/{CONTACT}/{action}".replace("{party_id}", "party-1"),
            None,
            SEAT,
        )
        for action in (
            *("answer", "reject", "hang-up", "hold", "resume", "mute", "unmute", "pick"),
            *("merge", "swap", "complete", "cancel", "parties/{party_id}/drop"),
        )
    },
    **{
        ("POST", f"/api/contacts/{{contact_id}}/{action}"): (
            f"/api/contacts/{CONTACT}/{action}",
            {"target": {"kind": "queue", "queue": "medical"}},
            SEAT,
        )
        for action in ("consult", "transfer", "invite")
    },
    **{
        ("POST", f"/api/contacts/{{contact_id}}/{action}"): (
            f"/api/contacts/{CONTACT}/{action}",
            {"mode": "listen"},
            SUPERVISING_SEAT,
        )
        for action in ("monitor", "take-over")
    },
    ("POST", "/api/cards/{incident_id}/call"): (
        f"/api/cards/{INCIDENT}/call",
        {"number": "+37126123456"},
        SEAT,
    ),
    ("POST", "/api/agent/wrap-up/extend"): ("/api/agent/wrap-up/extend", None, SEAT),
    ("PUT", "/api/agents/{agent_id}/presence"): (
        "/api/agents/agent-101/presence",
        READY,
        SUPERVISION,
    ),
    ("GET", "/api/callbacks"): ("/api/callbacks", None, CENTRE),
    ("POST", "/api/callbacks/{task_id}/call"): (f"/api/callbacks/{TASK}/call", None, SEAT),
    ("POST", "/api/callbacks/{task_id}/close"): (
        f"/api/callbacks/{TASK}/close",
        {"outcome": "not_needed", "note": ""},
        CENTRE,
    ),
    ("GET", "/api/cards/{incident_id}/services"): (
        f"/api/cards/{INCIDENT}/services",
        None,
        CARD_READERS,
    ),
    ("POST", "/api/cards/{incident_id}/services"): (
        f"/api/cards/{INCIDENT}/services",
        {"services": ["vugd"]},
        CARD_WRITERS,
    ),
    ("POST", "/api/involvements/{involvement_id}/steps"): (
        f"/api/involvements/{INVOLVEMENT}/steps",
        {"state": "seen", "key": "one"},
        DESK_OF_FIRE,
    ),
    ("POST", "/api/involvements/{involvement_id}/units/{unit_id}/steps"): (
        f"/api/involvements/{INVOLVEMENT}/units/{UNIT}/steps",
        {"state": "assigned", "key": "one"},
        DESK_OF_FIRE,
    ),
    ("GET", "/api/desk/incidents"): ("/api/desk/incidents?service=vugd", None, DESK_OF_FIRE),
    ("GET", "/api/desk/units"): ("/api/desk/units?service=vugd", None, DESK_OF_FIRE),
    ("POST", "/api/desk/units"): (
        "/api/desk/units?service=vugd",
        {"call_sign": "R-11"},
        DESK_OF_FIRE,
    ),
    ("PUT", "/api/desk/units/{unit_id}"): (
        f"/api/desk/units/{UNIT}?service=vugd",
        {"call_sign": "R-11"},
        DESK_OF_FIRE,
    ),
    ("DELETE", "/api/desk/units/{unit_id}"): (
        f"/api/desk/units/{UNIT}?service=vugd",
        None,
        DESK_OF_FIRE,
    ),
    ("GET", "/api/directory"): ("/api/directory", None, DIRECTORY),
    ("GET", "/api/routing"): ("/api/routing", None, ROUTING),
    ("PUT", "/api/routing"): ("/api/routing", {"document": PLAN}, ROUTING),
    ("POST", "/api/routing/check"): ("/api/routing/check", {"document": PLAN}, ROUTING),
    ("GET", "/api/routing/versions"): ("/api/routing/versions", None, ROUTING),
    ("GET", "/api/routing/versions/{version}"): ("/api/routing/versions/0", None, ROUTING),
    ("POST", "/api/routing/versions/{version}/restore"): (
        "/api/routing/versions/0/restore",
        {},
        ROUTING,
    ),
    ("GET", "/api/catalogue"): ("/api/catalogue", None, CARDS),
    ("POST", "/api/catalogue/guide"): ("/api/catalogue/guide", {"type": "fire"}, CARDS),
    ("GET", "/api/catalogue/current"): ("/api/catalogue/current", None, SUPERVISION),
    ("PUT", "/api/catalogue"): ("/api/catalogue", {"document": CATALOGUE_DATA}, SUPERVISION),
    ("POST", "/api/catalogue/check"): (
        "/api/catalogue/check",
        {"document": CATALOGUE_DATA},
        SUPERVISION,
    ),
    ("GET", "/api/catalogue/versions"): ("/api/catalogue/versions", None, SUPERVISION),
    ("GET", "/api/catalogue/versions/{version}"): (
        "/api/catalogue/versions/0",
        None,
        SUPERVISION,
    ),
    ("POST", "/api/catalogue/versions/{version}/restore"): (
        "/api/catalogue/versions/0/restore",
        {},
        SUPERVISION,
    ),
    ("GET", "/api/catalogue.yaml"): ("/api/catalogue.yaml", None, SUPERVISION),
    ("POST", "/api/catalogue/import"): ("/api/catalogue/import", CATALOGUE_DATA, SUPERVISION),
    ("GET", "/api/messaging"): ("/api/messaging", None, CARDS),
    ("GET", "/api/messaging/current"): ("/api/messaging/current", None, SUPERVISION),
    ("PUT", "/api/messaging"): ("/api/messaging", {"document": MESSAGING_DATA}, SUPERVISION),
    ("POST", "/api/messaging/read"): (
        "/api/messaging/read",
        {"templates": [], "text": "x"},
        SUPERVISION,
    ),
    ("POST", "/api/messaging/check"): (
        "/api/messaging/check",
        {"document": MESSAGING_DATA},
        SUPERVISION,
    ),
    ("GET", "/api/messaging/versions"): ("/api/messaging/versions", None, SUPERVISION),
    ("GET", "/api/messaging/versions/{version}"): (
        "/api/messaging/versions/0",
        None,
        SUPERVISION,
    ),
    ("POST", "/api/messaging/versions/{version}/restore"): (
        "/api/messaging/versions/0/restore",
        {},
        SUPERVISION,
    ),
    ("GET", "/api/messaging.yaml"): ("/api/messaging.yaml", None, SUPERVISION),
    ("POST", "/api/messaging/import"): ("/api/messaging/import", MESSAGING_DATA, SUPERVISION),
    ("GET", "/api/routing.yaml"): ("/api/routing.yaml", None, ROUTING),
    ("POST", "/api/routing/import"): ("/api/routing/import", PLAN, ROUTING),
    ("GET", "/api/audit"): ("/api/audit", None, SUPERVISION),
    ("GET", "/api/keys"): ("/api/keys", None, ADMINISTRATION),
    ("POST", "/api/keys"): (
        "/api/keys",
        {"name": "CAD", "scopes": ["events"]},
        {**ADMINISTRATION, "root": 201},
    ),
    ("DELETE", "/api/keys/{key_id}"): (
        "/api/keys/000000000000",
        None,
        {**ADMINISTRATION, "root": 404},
    ),
    ("GET", "/api/addresses"): ("/api/addresses?q=riga", None, ADDRESSES),
    ("GET", "/api/addresses/near"): ("/api/addresses/near?lat=56.95&lon=24.1", None, ADDRESSES),
    ("GET", "/api/addresses/{code}"): ("/api/addresses/101010101", None, ADDRESSES),
    ("GET", "/api/openapi.json"): ("/api/openapi.json", None, ANY_PERSON),
    ("GET", "/api/people"): ("/api/people", None, ADMINISTRATION),
    ("POST", "/api/people"): (
        "/api/people",
        {
            "login": "dita",
            "name": "Dita",
            "role": "call_taker",
            "language": "lv",
            "password": PASSWORD,
        },
        {**ADMINISTRATION, "root": 201},
    ),
    ("PATCH", "/api/people/{login}"): ("/api/people/anna", {"name": "Anna"}, ADMINISTRATION),
    ("DELETE", "/api/people/{login}"): ("/api/people/lost", None, ADMINISTRATION),
    ("GET", "/api/cards"): ("/api/cards", None, {**CENTRE, "ears": 200}),
    ("GET", "/api/cards/{incident_id}"): (f"/api/cards/{INCIDENT}", None, CARD_READERS),
    ("PUT", "/api/cards/{incident_id}/notes"): (
        f"/api/cards/{INCIDENT}/notes",
        NOTES,
        CARD_WRITERS,
    ),
    ("PUT", "/api/cards/{incident_id}/fields/{name}"): (
        f"/api/cards/{INCIDENT}/fields/priority",
        {"value": 5},
        CARD_WRITERS,
    ),
    ("GET", "/api/cards/{incident_id}/fields/{name}/history"): (
        f"/api/cards/{INCIDENT}/fields/priority/history",
        None,
        CARD_READERS,
    ),
    ("POST", "/api/cards/{incident_id}/merge"): (
        f"/api/cards/{INCIDENT}/merge",
        {"into": "another"},
        CARD_WRITERS,
    ),
    ("POST", "/api/cards/{incident_id}/split"): (
        f"/api/cards/{INCIDENT}/split",
        {"contact_ids": [CONTACT]},
        CARD_WRITERS,
    ),
    ("PUT", "/api/cards/{incident_id}/parent"): (
        f"/api/cards/{INCIDENT}/parent",
        {"parent_id": None},
        CARD_WRITERS,
    ),
    ("GET", "/api/cards/{incident_id}/related"): (
        f"/api/cards/{INCIDENT}/related",
        None,
        CARD_WRITERS,
    ),
    ("POST", "/api/cards/{incident_id}/undo"): (
        f"/api/cards/{INCIDENT}/undo",
        {"entry": "field_saved:summary:0"},
        CARD_WRITERS,
    ),
    ("POST", "/api/cards/{incident_id}/locations"): (
        f"/api/cards/{INCIDENT}/locations",
        {"kind": "incident", "source": "map", "lat": 56.9, "lon": 24.1},
        CARD_MAKERS,
    ),
    ("POST", "/api/cards/{incident_id}/attachments"): (
        f"/api/cards/{INCIDENT}/attachments",
        {"not": "a form"},
        CARD_MAKERS,
    ),
    ("GET", "/api/attachments/{attachment_id}"): (
        f"/api/attachments/{ATTACHMENT}",
        None,
        CARD_READERS,
    ),
    ("DELETE", "/api/attachments/{attachment_id}"): (
        f"/api/attachments/{ATTACHMENT}",
        None,
        CARD_WRITERS,
    ),
    ("PUT", "/api/cards/{incident_id}/presence"): (
        f"/api/cards/{INCIDENT}/presence",
        {"field": None},
        CARD_READERS,
    ),
    ("DELETE", "/api/cards/{incident_id}/presence"): (
        f"/api/cards/{INCIDENT}/presence",
        None,
        CARD_READERS,
    ),
    ("PUT", "/api/cards/{incident_id}/location"): (
        f"/api/cards/{INCIDENT}/location",
        {"location_id": None},
        CARD_WRITERS,
    ),
    ("GET", "/api/cards/{incident_id}/eido"): (f"/api/cards/{INCIDENT}/eido", None, CARD_READERS),
    ("GET", "/api/cards/{incident_id}/cap"): (f"/api/cards/{INCIDENT}/cap", None, CARD_READERS),
    # Whoever may come so far is told that plain JSON is no EIDO.
    ("POST", "/api/incidents"): (
        "/api/incidents",
        {},
        {who: 415 if status == 200 else status for who, status in CENTRE.items()},
    ),
    ("GET", "/api/incidents/{incident_id}/conversations"): (
        f"/api/incidents/{INCIDENT}/conversations",
        None,
        CARD_READERS,
    ),
    ("GET", "/api/incidents/{incident_id}/conversations/{conversation_id}/messages"): (
        f"/api/incidents/{INCIDENT}/conversations/{CONVERSATION}/messages",
        None,
        CARD_READERS,
    ),
    ("POST", "/api/conversations/{conversation_id}/messages"): (
        f"/api/conversations/{CONVERSATION}/messages",
        {"text": "Kur Jūs esat?"},
        {**SEAT, "anna": 201, "boris": 201, "duty": 201},
    ),
    ("POST", "/api/conversations/{conversation_id}/close"): (
        f"/api/conversations/{CONVERSATION}/close",
        {"disposition": None},
        SEAT,
    ),
    ("POST", "/api/conversations/{conversation_id}/reopen"): (
        f"/api/conversations/{CONVERSATION}/reopen",
        {},
        SEAT,
    ),
    # Of programs alone; those are proved with the texts of apps.
    ("POST", "/api/texts"): ("/api/texts", {"from": "+37126123456", "text": "Deg"}, only()),
    ("GET", "/api/texts/{conversation_id}/messages"): (
        f"/api/texts/{CONVERSATION}/messages",
        None,
        only(),
    ),
    # Of programs alone; those are proved with the locations.
    ("POST", "/api/contacts/{contact_id}/locations"): (
        f"/api/contacts/{CONTACT}/locations",
        {"lat": 56.9, "lon": 24.1, "source": "https"},
        only(),
    ),
    ("GET", "/api/recordings/{recording_id}/audio"): (
        f"/api/recordings/{RECORDING}/audio",
        None,
        LISTENERS,
    ),
    ("GET", "/api/map"): ("/api/map", None, ANY_PERSON),
    # This world has no map; that files reach who is signed in is proved with the tiles.
    ("GET", "/map/{file}"): (
        "/map/base.pmtiles",
        None,
        {**dict.fromkeys(PEOPLE, 404), None: 401},
    ),
    # Without an upgrade; that a missing session closes with 4401 is proved with the sockets.
    ("GET", "/api/ws"): ("/api/ws", None, dict.fromkeys(ASKERS, 426)),
    # Phones post here; of what becomes of it nobody is told.
    ("POST", "/aml"): ("/aml", None, EVERYBODY),
    ("GET", "/api/contacts/{contact_id}/emergency-data"): (
        f"/api/contacts/{CONTACT}/emergency-data",
        None,
        CARD_READERS,
    ),
    ("POST", "/api/contacts/{contact_id}/msd-requests"): (
        f"/api/contacts/{CONTACT}/msd-requests",
        {},
        {who: 202 if status == 200 else status for who, status in CENTRE.items()},
    ),
    ("POST", "/api/contacts/{contact_id}/clear-down"): (
        f"/api/contacts/{CONTACT}/clear-down",
        {},
        {who: 204 if status == 200 else status for who, status in CENTRE.items()},
    ),
    # Of programs alone; those are proved with the cars.
    ("POST", "/api/ecalls"): ("/api/ecalls", {"msd_hex": "02"}, only()),
    ("GET", "/livez"): ("/livez", None, EVERYBODY),
    ("GET", "/readyz"): ("/readyz", None, EVERYBODY),
    # The test comes from this machine; from elsewhere see test_health.
    ("GET", "/metrics"): ("/metrics", None, EVERYBODY),
    ("GET", "/{path:.*}"): ("/favicon.svg", None, dict.fromkeys(ASKERS, 404)),
}
"""Written down here once more, by hand: address to ask, body, and the status for each person."""


def test_every_route_of_the_application_is_in_the_matrix(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    app = World(tmp_path_factory.mktemp("world")).app
    assert {(route.method, route.path) for route in app[ROUTES]} == set(CASES)


@pytest.mark.parametrize("login", ASKERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
async def test_matrix(world: World, case: tuple[str, str], login: str | None) -> None:
    path, body, expected = CASES[case]
    world.cards.any_id = True
    person = world.nobody() if login is None else await world.person(login)
    versioned = ("/routing", "/catalogue", "/messaging", "/notes", "/fields/")
    headers = {"If-Match": '"0"'} if any(part in path for part in versioned) else None
    answer = await person.ask(case[0], path, body=body, headers=headers)
    assert answer.status == expected[login]
    refused = answer.status in (401, 403)
    assert not (refused and (world.control.actions or world.cards.version))
    assert not (refused and (any(world.fields.saves.values()) or world.places.told))
    assert not (refused and (world.attachments.removed or world.attachments.kept[1:]))
    assert not (refused and world.pushed)
    assert not (refused and (world.routing.kept or world.people.changes or world.people.removed))
    assert not (refused and (world.callbacks.asked or world.exchange.taken))
    assert not (refused and (world.conversations.done or world.app_texts.told))
    assert not (answer.status != 200 and world.recordings.listens)


FROM_ANYWHERE = {("POST", "/aml")}
"""Nothing is done there in the name of whoever asks."""

UNSAFE = [
    case
    for case in CASES
    if case[0] in ("POST", "PUT", "PATCH", "DELETE") and case not in FROM_ANYWHERE
]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-CCServer": ""},
        {"X-CCServer": "0"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},  # another port is another origin
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("case", UNSAFE, ids=lambda case: f"{case[0]} {case[1]}")
async def test_unsafe_requests_of_other_sites_are_refused(
    world: World, case: tuple[str, str], headers: dict[str, str]
) -> None:
    path, body, _ = CASES[case]
    anna = await world.person("anna")
    answer = await anna.ask(case[0], path, body=body, headers={"If-Match": '"0"', **headers})
    assert (answer.status, answer.json()["code"]) == (403, "csrf")
    assert not world.control.actions
    assert not world.accounts.verified
    assert world.cards.version == 0
    assert anna.token in world.accounts.sessions


async def test_our_own_origin_is_accepted_over_http_and_behind_a_tls_proxy(world: World) -> None:
    anna = await world.person("anna")
    for scheme in ("http", "https"):
        answer = await anna.put(
            "/api/agent/presence", READY, headers={"Origin": f"{scheme}://{world.host}"}
        )
        assert answer.status == 200


async def test_a_preflight_of_another_site_is_not_granted(world: World) -> None:
    answer = await world.nobody().ask(
        "OPTIONS",
        "/api/agent/presence",
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"},
    )
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_head_asks_for_the_same_rights_as_get(world: World) -> None:
    assert (await world.nobody().ask("HEAD", "/api/me")).status == 401
    assert (await (await world.person("anna")).ask("HEAD", "/api/me")).status == 200
