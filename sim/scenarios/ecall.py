"""Cars and IP callers from their INVITE to the card, and what becomes of what they send.

Every step is on a real stack: Kamailio, Asterisk, ccserver. What is measured is what a call taker
feels: from the INVITE at the edge until the panels show the car's data.
"""

import time
from collections.abc import Callable

from ccserver.location import offset
from sim.car import URNS
from sim.panel import Message, PanelRefused
from sim.scenarios.base import Measured, Run, eventually, expect, scenario
from sim.scenarios.ecall_crash import crash
from sim.scenarios.ecall_faults import faults
from sim.scenarios.ecall_phones import phones
from sim.scenarios.ecall_scene import MOTORWAY, MSD_TIMEOUT_S, Scene, begin
from sim.scenarios.ecall_storm import storm
from sim.sip import Call

PARTS = ("cars", "phones", "faults", "storm")
SPECIAL_NUMBER = "1129"
"""What a network dials for eCalls that it hands over without data."""


@scenario(
    "ecall",
    "cars and IP callers: data on the card, asked again, refused, called back, 200 at a time",
)
async def ecall(run: Run) -> Measured:
    """Options: ``parts=cars,phones,faults,storm``, ``cars=200``, ``rate=20``."""
    parts = run.options.get("parts", ",".join(PARTS)).split(",")
    scene = await begin(run)
    if "cars" in parts:
        await _cars(scene)
    if "phones" in parts:
        await phones(scene)
    if "faults" in parts:
        await faults(scene)
    if "storm" in parts:
        await storm(scene)
    await run.nothing_left()
    return scene.measured


async def _cars(scene: Scene) -> None:
    await _automatic(scene)
    await _by_tls(scene)
    await _refusals(scene)
    await _cut_off_and_again(scene)
    await _called_back(scene)
    await _test_call(scene)
    await crash(scene)
    await _without_data(scene)
    await _by_another_centre(scene)
    await _while_dead(scene)


async def _automatic(scene: Scene) -> None:
    """A crash: data at once on the panel and the card, voice both ways, fresh data when asked."""
    car = await scene.car()
    began = time.monotonic()
    call = await car.connected()
    scene.ms("invite_to_answer_ms", began, time.monotonic())
    expect([ack.received for ack in car.heard.acks] == [True], f"acknowledged: {car.heard}")
    expect(car.heard.unreadable == 0, "and in a document that can be read")
    at, vehicle = await scene.vehicle(car.number, lambda v: v["msd"], what="the data is shown")
    scene.ms("invite_to_data_ms", began, at)
    view = vehicle["msd"]
    scene.shown_at(view, car.vehicle)
    expect(vehicle["kind"] == "automatic", f"automatic: {vehicle['kind']}")
    expect(vehicle["data"] == "received", f"received: {vehicle['data']}")
    told = (view["vin"], view["make"], view["direction_deg"], view["occupants"], view["trusted"])
    expect(told == (car.vehicle.vin, "Volkswagen", 90, 2, True), f"what the car said: {told}")
    expect(view["energy"] == ["gasolineTankPresent"], f"its energy: {view['energy']}")
    expect(len(view["recent"]) == 2, f"its trail: {view['recent']}")
    await scene.talk(car.number, call, car.voices)
    _, contact = await scene.contact(car.number)
    expect(contact["service"] == URNS["automatic"], f"the service: {contact['service']}")
    expect(contact["trunk"] == "operator", f"the trunk: {contact['trunk']}")
    contact_id = contact["contact_id"]
    await scene.places(contact_id, "msd")
    await _asked_again(scene, contact_id)
    moved = offset(MOTORWAY, 90, 25)
    car.move(latitude=moved.latitude, longitude=moved.longitude)
    sent_at = time.monotonic()
    expect(await car.send_data() == 200, "data that nobody asked for is taken")
    at, vehicle = await scene.vehicle(
        car.number, lambda v: v["count"] == 3, what="data that comes by itself is shown"
    )
    scene.ms("info_to_data_ms", sent_at, at)
    scene.shown_at(vehicle["msd"], car.vehicle)
    await scene.places(contact_id, "msd", 3)
    await _kept(scene, contact_id)
    await car.hang_up()


async def _asked_again(scene: Scene, contact_id: str) -> None:
    """The call taker asks for fresh data; a second request at once is refused."""
    contact = scene.chief.contacts[contact_id]
    taker = scene.panels[scene.taker_of(contact)]
    asked_at = time.monotonic()
    answer = await taker.act(contact_id, "msd-requests")
    expect(answer["state"] == "asked", f"asked: {answer}")
    try:
        await taker.act(contact_id, "msd-requests")
        expect(condition=False, what="a second request at once is refused")
    except PanelRefused as refused:
        expect(refused.code == "cannot_ask", f"with its reason: {refused}")
    at, vehicle = await scene.vehicle(
        contact["caller_number"],
        lambda v: v["count"] == 2 and v["request"]["state"] == "received",
        what="fresh data comes when it is asked for",
    )
    scene.ms("asked_to_data_ms", asked_at, at)
    expect(vehicle["msd"]["message_identifier"] == 2, "and it has the next number")


async def _kept(scene: Scene, contact_id: str) -> None:
    """Card, timeline and emergency data tell of all three messages."""
    await scene.told(contact_id, "msd_received", 3)
    await scene.told(contact_id, "msd_requested")
    card = await scene.card(contact_id)
    contact = next(c for c in card["contacts"] if c["contact_id"] == contact_id)
    expect(contact["service"] == URNS["automatic"], "the card knows what was asked for")
    items = await scene.items(
        contact_id,
        lambda found: [item["kind"] for item in found].count("msd") == 3,
        "three messages are kept",
    )
    expect("control" in [item["kind"] for item in items], "and what the car can be asked for")
    ways = {item["via"] for item in items}
    expect({"invite", "info"} <= ways, f"by which way they came: {ways}")


async def _by_tls(scene: Scene) -> None:
    """A car whose network encrypts: acknowledged, shown, and asked for fresh data."""
    car = await scene.car(protocol="tls")
    call = await car.connected()
    expect([ack.received for ack in car.heard.acks] == [True], f"acknowledged: {car.heard}")
    await scene.talk(car.number, call, car.voices)
    _, contact = await scene.contact(car.number, lambda c: c["state"] == "talking")
    await scene.panels[scene.taker_of(contact)].act(contact["contact_id"], "msd-requests")
    await scene.vehicle(car.number, lambda v: v["count"] == 2, what="fresh data comes by TLS")
    await car.hang_up()


async def _refusals(scene: Scene) -> None:
    """A car may refuse, say no to the request itself, or keep silent: each is shown."""
    car = await scene.car(kind="manual", protocol="tcp")
    await car.connected()
    _, contact = await scene.contact(car.number, lambda c: c["state"] == "talking")
    contact_id = contact["contact_id"]
    taker = scene.panels[scene.taker_of(contact)]
    for manner, states in (
        ("refuse", ("refused",)),
        ("reject", ("refused", "failed")),
        ("silent", ("no_answer",)),
    ):
        car.answers.on_request = manner
        asked_at = time.monotonic()

        async def asked() -> bool:
            try:
                return bool(await taker.act(contact_id, "msd-requests"))
            except PanelRefused as refused:
                expect(refused.code == "cannot_ask", f"a moment later one may ask: {refused}")
                return False

        await eventually("one may ask again", asked)
        at, vehicle = await scene.vehicle(
            car.number,
            _request_is(states),
            what=f"it is shown that the car does {manner}",
            after=asked_at,
            timeout_s=MSD_TIMEOUT_S + 8,
        )
        if manner == "refuse":
            expect(vehicle["request"]["reason"] == "unable", f"why: {vehicle['request']}")
            scene.ms("asked_to_refusal_ms", asked_at, at)
        expect(vehicle["count"] == 1, "no data came")
    await taker.act(contact_id, "clear-down")
    expect(car.call_now is not None, "the call was there")
    assert car.call_now is not None
    await car.call_now.wait_ended()
    await scene.told(contact_id, "cleared_down")


def _request_is(states: tuple[str, ...]) -> Callable[[Message], bool]:
    return lambda vehicle: (vehicle["request"] or {}).get("state") in states


async def _cut_off_and_again(scene: Scene) -> None:
    """The network is lost and the car calls again: on the same card, or one that leads to it."""
    car = await scene.car(redial_for_s=20.0, redial_pause_s=0.2)
    call = await car.connected()
    await scene.talk(car.number, call, car.voices)
    _, first = await scene.contact(car.number)
    incident = (await scene.card(first["contact_id"]))["incident_id"]
    car.drop()
    again_at = time.monotonic()
    call = await car.redial()
    _, second = await scene.contact(
        car.number, lambda c: c["contact_id"] != first["contact_id"], after=again_at
    )
    await scene.talk(car.number, call, car.voices, after=again_at)
    _, vehicle = await scene.vehicle(car.number, lambda v: v["msd"], what="data", after=again_at)
    expect(vehicle["msd"]["message_identifier"] == 2, "the second call has fresh data")

    card = await scene.card(second["contact_id"])
    if card["incident_id"] != incident:
        await scene.proposed(card["incident_id"], incident)
    scene.measured["redial_on_same_card"] = card["incident_id"] == incident
    await car.hang_up()
    # The lost call ends by itself or is hung up: a call taker would do that.
    await _hang_up_lost(scene, first["contact_id"])


async def _hang_up_lost(scene: Scene, contact_id: str) -> None:
    contact = scene.chief.contacts.get(contact_id)
    if contact is not None and contact["agent_id"]:
        taker = scene.panels[scene.taker_of(contact)]
        try:
            await taker.act(contact_id, "hang-up")
        except PanelRefused as refused:
            expect(refused.status in (404, 409), f"it may be over already: {refused}")


async def _called_back(scene: Scene) -> None:
    """The car answers by itself, is known again, and sends fresh data."""
    car = await scene.car()
    call = await car.connected()
    _, contact = await scene.contact(car.number, lambda c: c["state"] == "talking")
    taker = scene.panels[scene.taker_of(contact)]
    card = await scene.card(contact["contact_id"])
    await taker.act(contact["contact_id"], "clear-down")
    await call.wait_ended()

    async def idle() -> bool:
        return taker.agents.get(taker.agent_id or "", {}).get("state") == "idle"

    await eventually("the call taker is idle again", idle)
    began = time.monotonic()
    placed = await taker.post(f"/api/cards/{card['incident_id']}/call", {"number": car.number})

    async def answered() -> Call | None:
        return car.heard.callbacks[-1] if car.heard.callbacks else None

    back: Call = await eventually("the car is called back", answered)
    scene.ms("call_back_to_answer_ms", began, time.monotonic())
    scene.measured["psap_callback"] = back.invite.get("Priority") or "not said"
    contact_id = placed["contact_id"]

    async def reachable() -> Message | None:
        vehicle = scene.chief.contacts.get(contact_id, {}).get("vehicle")
        return vehicle if vehicle and vehicle["can_request"] else None

    await eventually("the car can be asked in the call-back", reachable)
    assert back.media is not None
    await back.media.hears(scene.panels.index(taker))
    car.answers.on_request = "send"
    await taker.act(contact_id, "msd-requests")

    async def fresh() -> bool:
        vehicle = scene.chief.contacts.get(contact_id, {}).get("vehicle")
        return bool(vehicle and vehicle["msd"] and vehicle["msd"]["message_identifier"] == 2)

    await eventually("fresh data comes in the call-back", fresh)
    await back.bye()


async def _test_call(scene: Scene) -> None:
    """A workshop's test waits in its own queue, is marked, and counts nowhere."""
    before = await _counted(scene)
    car = await scene.car(kind="test", speak=0)
    await car.connected()
    _, contact = await scene.contact(car.number)
    expect(contact["test"] is True, "the panels show that it is a test")
    expect(contact["queue"] == "ecall_test", f"its queue: {contact['queue']}")
    _, vehicle = await scene.vehicle(car.number, lambda v: v["msd"], what="its data is shown")
    expect(vehicle["kind"] == "test", f"its kind: {vehicle['kind']}")
    await car.hang_up()
    card = await scene.card(contact["contact_id"])
    expect(card["contacts"][0]["test"] is True, "the card says that it was a test")
    after = await _counted(scene)
    expect(before == after, f"it is in no statistics: {before} then {after}")
    tasks = (await scene.chief.get("/api/callbacks"))["callbacks"]
    expect(not [t for t in tasks if t["number"] == car.number], "and nobody calls it back")


async def _counted(scene: Scene) -> list[str]:
    """The lines of the metrics that count contacts, but for those that say they count tests."""
    text = (await scene.chief.download("/metrics")).decode()
    wanted = ("ccserver_contacts_total", "ccserver_answer_seconds_count")
    lines = [line for line in text.splitlines() if line.startswith(wanted)]
    return [line for line in lines if "test" not in line]


async def _without_data(scene: Scene) -> None:
    """An eCall of a circuit-switched network: known by the dialled number, and without data."""
    stored = await scene.chief.get("/api/routing")
    document = stored["document"]
    entry = {
        "number": SPECIAL_NUMBER,
        "queue": "ecall",
        "service": "urn:service:sos.ecall",
    }
    document["entries"] = [*document["entries"], entry]
    await scene.chief.put(
        "/api/routing",
        {"document": document, "comment": "eCalls of the circuit-switched network"},
        headers={"If-Match": f'"{stored["newest"]}"'},
    )
    phone = await scene.phone()

    async def routed() -> Call | None:
        call = await phone.call(service=f"sip:{SPECIAL_NUMBER}@127.0.0.1")
        return call if (await call.final()).code == 200 else None

    call: Call = await eventually("the number is taken", routed)
    _, contact = await scene.contact(phone.number, lambda c: c["vehicle"])
    vehicle = contact["vehicle"]
    expect(contact["queue"] == "ecall", f"its queue: {contact['queue']}")
    expect(vehicle["data"] == "none", f"no data is said plainly: {vehicle}")
    expect(vehicle["msd"] is None, "and none is made up")
    await scene.talk(phone.number, call, phone.voices)
    await call.bye()


async def _by_another_centre(scene: Scene) -> None:
    """A manufacturer's centre hands an eCall over by the API (EN 16102); told twice, it is one."""
    car = await scene.car(speak=0)
    car.timestamp = int(time.time())
    octets = car.part().body
    wanted = {"msd_hex": octets.hex(), "caller_number": car.number, "reference": "TPS-1"}
    headers = {"Idempotency-Key": "tps-1"}
    first = await scene.network.post("/api/ecalls", wanted, headers=headers)
    again = await scene.network.post("/api/ecalls", wanted, headers=headers)
    expect(first["incident_id"] == again["incident_id"], "the same request is the same card")
    expect(first["oddities"] == [], f"the data is as it should be: {first['oddities']}")
    card = await scene.chief.get(f"/api/cards/{first['incident_id']}")
    places = [one for one in card["locations"] if one["source"] == "msd"]
    expect(len(places) == 1, f"the card has the car's place: {card['locations']}")


async def _while_dead(scene: Scene) -> None:
    """ccserver is dead when a car calls: somebody answers, and the data is there afterwards."""
    stack = scene.run.stack
    await stack.kill_ccserver()
    car = await scene.car()
    assert car.voices is not None
    (voice,) = car.voices
    began = time.monotonic()
    call = await car.connected()
    expect([ack.received for ack in car.heard.acks] == [True], "the edge acknowledges alone")
    await scene.run.bank.wait_for("heard", party=voice, after=began, timeout_s=20.0)
    scene.measured["dead_invite_to_heard_s"] = round(time.monotonic() - began, 1)
    expect(await car.send_data() == 200, "the edge takes more data")
    await stack.start_ccserver()
    _, contact = await scene.contact(
        car.number,
        lambda c: c["vehicle"] and c["vehicle"]["count"] == 2,
        what="data that came meanwhile is shown",
        timeout_s=30.0,
    )
    await scene.places(contact["contact_id"], "msd", 2)
    expect(call.is_up, "and the call was never dropped")
    await car.hang_up()
