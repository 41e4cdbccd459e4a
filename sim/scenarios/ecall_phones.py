"""IP callers of `sim.scenarios.ecall`: places of every shape, many at once, and by reference."""

from ccserver.location import Position, distance_m, offset
from sim.ng112 import BLOCKS, Place, Wish, place
from sim.panel import Message
from sim.pidf import SHAPES, circle, document
from sim.scenarios.base import expect
from sim.scenarios.ecall_scene import Scene
from sim.sip import Call

HERE = Position(56.95149, 24.11323)
SHAPE_WITHIN_M = 1_200.0
"""Between a caller and the middle of the shape around it: an arc band is large."""
MANNERS = ("slow", "refused", "missing", "elsewhere", "huge", "nonsense")
"""Of location servers from which nothing can be had."""


async def phones(scene: Scene) -> None:
    """Every shape, all that can come with a call, and places that lie elsewhere."""
    for name in SHAPES:
        await _one_shape(scene, name)
    await _everything(scene)
    await _by_reference(scene)
    await _by_bad_references(scene)


async def _called(
    scene: Scene, wish: Wish, service: str = "urn:service:sos"
) -> tuple[Call, Message]:
    phone = await scene.phone()
    call = await phone.call(wish, service=service)
    await call.answered()
    _, contact = await scene.contact(phone.number)
    return call, contact


async def _one_shape(scene: Scene, name: str) -> None:
    here = offset(HERE, 45, 300)
    wish = Wish(places=(place(name, here.latitude, here.longitude, confidence=95),))
    call, contact = await _called(scene, wish)
    if name == "civic":
        await _civic(scene, contact["contact_id"])
    else:
        (found,) = await scene.places(contact["contact_id"], "pidf_lo", what=name)
        away = distance_m(Position(found["lat"], found["lon"]), here)
        expect(away < SHAPE_WITHIN_M, f"{name} is where it was drawn: {away:.0f} m away")
    await call.bye()


async def _civic(scene: Scene, contact_id: str) -> None:
    """An address without coordinates is kept with what came."""
    await scene.items(contact_id, lambda found: "Brīvības" in str(found), "the address is kept")


async def _everything(scene: Scene) -> None:
    """Several places, all blocks of Additional Data, nested and in an unusual order."""
    east = offset(HERE, 90, 500)
    wish = Wish(
        places=(
            place("Circle", HERE.latitude, HERE.longitude, where="device"),
            place("Point", east.latitude, east.longitude, where="person", method="Cell"),
            place("civic", 0, 0),
        ),
        blocks=tuple(BLOCKS.values()),
        identifiers=True,
        nested=True,
        reversed=True,
    )
    call, contact = await _called(scene, wish, "urn:service:sos.fire")
    contact_id = contact["contact_id"]
    expect(contact["service"] == "urn:service:sos.fire", f"the service: {contact['service']}")
    await scene.places(contact_id, "pidf_lo", 2)
    wanted = {"location": 3, "additional": len(BLOCKS), "identifier": 2}

    def whole(items: list[Message]) -> bool:
        kinds = [item["kind"] for item in items]
        return all(kinds.count(kind) == count for kind, count in wanted.items())

    items = await scene.items(contact_id, whole, f"kept are {wanted}")
    errors = [item["error"] for item in items if item["error"]]
    expect(not errors, f"all can be read: {errors}")
    await call.bye()


async def _by_reference(scene: Scene) -> None:
    """The place lies at the network's location server."""
    for manner in ("ok", "bare"):
        here = offset(HERE, 200, 700)
        url = scene.held.keep(document(circle(here.latitude, here.longitude)), manner)
        call, contact = await _called(scene, Wish(places=(Place(url=url),)))
        (found,) = await scene.places(contact["contact_id"], "pidf_lo")
        away = distance_m(Position(found["lat"], found["lon"]), here)
        expect(away < 1, f"the place that was fetched: {away:.0f} m away")
        await call.bye()


async def _by_bad_references(scene: Scene) -> None:
    """Nothing can be had there: it is said, and nobody else's place is made of it."""
    urls = [scene.held.keep(document(circle(57, 25)), manner) for manner in MANNERS]
    urls.append("https://not-allowed.example/held/1")
    before = len(scene.held.asked)
    call, contact = await _called(scene, Wish(places=tuple(Place(url=url) for url in urls)))
    contact_id = contact["contact_id"]

    await scene.told(contact_id, "location_unreachable")
    card = await scene.card(contact_id)
    expect(not card["locations"], f"no place was made of it: {card['locations']}")
    expect(len(scene.held.asked) > before, "the servers that may be asked were asked")
    await call.bye()
