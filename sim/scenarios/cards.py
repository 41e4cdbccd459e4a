"""Three callers report one crash: the card is filled, joined, sent to services, and followed.

The people of the centre work by the API that their panels use; two services answer, one at a desk
with a WebSocket, one by a system of its own with an API key. Times are what a person would feel.
"""

import asyncio
import json
import sys
import time
import uuid
from collections import Counter

import jsonschema

from ccserver.accounts import Scope
from ccserver.config import ACDSettings
from ccserver.exchange.document import schema
from ccserver.location import Position, distance_m, offset
from ccserver.location.xml import local_name, read_xml
from sim.panel import Message, PanelRefused, Program
from sim.scenarios.base import Measured, Run, eventually, expect, scenario
from sim.scenarios.incident import (
    ACCIDENT,
    ADMIN,
    ANSWERS,
    AT_THE_END,
    FIRE,
    PATIENT,
    QUALITY,
    SERVICES,
    WHILE_THEY_TALK,
    Caller,
    Crash,
    at,
    card_of,
    contacts_of,
    network_tells,
    note,
    of_service,
    save,
    step,
)
from sim.scenarios.recorded import SEALED_WITHIN_S

QUICK = ACDSettings(wrap_up_s=0.2)
BUILDINGS = 2_000

SEEN_TIMEOUT_S = 5.0
"""Of the State Police, so that the alarm of an unread incident is due within the scenario."""

NEAR_M = 180.0
"""How far from the first place the others say that the crash is."""
CELL_RADIUS_M = 900.0
LATE_S = 22.0
"""After the call, when a telephone has its first good fix: AML allows some 20 s."""

SAME_MOMENT_S = 1.0
"""Between what a desk and what another system learn, also on a busy machine: nobody would say that
one was told first."""

DRIVE = ("dispatched", "en_route", "on_scene", "cleared")


@scenario(
    "card",
    "three callers report one crash; services are sent, cards joined, ccserver killed, all kept",
)
async def card(run: Run) -> Measured:
    """From the first ring to the quality officer's look."""
    crash = await _begin(run)
    await _first_caller(crash)
    await _send_services(crash)
    fire_unit = await _services_accept(crash)
    await _others_call(crash)
    await _nobody_sees_it(crash)
    await _late_location(crash)
    await _join(crash)
    await _two_editors(crash)
    await _killed_in_between(crash, fire_unit)
    await _end_of_service(crash, fire_unit)
    await _exported(crash)
    await _calls_end(crash)
    await _quality(crash)
    return crash.measured


# -- the people and their keys --------------------------------------------------------------------


async def _begin(run: Run) -> Crash:
    await run.start(takers=3, acd=QUICK, people=[FIRE, QUALITY, ADMIN])
    await run.stack.make_addresses(BUILDINGS)
    admin, chief = await run.panel(ADMIN), await run.panel("supervisor")

    async def key(name: str, *scopes: Scope, service: str | None = None) -> Program:
        wanted = {"name": name, "scopes": list(scopes), "service": service}
        token = (await admin.post("/api/keys", wanted))["token"]
        return await run.exits.enter_async_context(Program(run.stack.panel_url, token))

    ambulance = await key(
        "NMPD",
        Scope.INCIDENTS_READ,
        Scope.INVOLVEMENTS_WRITE,
        service="nmpd",
    )
    network = await key("Mobile network", Scope.CONTACTS_WRITE)
    stored = await chief.get("/api/catalogue/current")
    for service in stored["document"]["services"]:
        if service["code"] == "vp":
            service["seen_timeout_s"] = SEEN_TIMEOUT_S
    await chief.put(
        "/api/catalogue",
        {"document": stored["document"], "comment": "an impatient police"},
        headers={"If-Match": f'"{stored["newest"]}"'},
    )
    return Crash(run, chief, await run.panel(FIRE), ambulance, network)


async def _answered(crash: Crash) -> Caller:
    """The next caller is with the next call taker; the others are busy or rest."""
    run, number = crash.run, len(crash.callers)
    panel = await run.panel(run.takers[number])
    call = await run.call()
    calling = await run.bank.wait_for("calling", call=call)
    incoming = await run.bank.wait_for("incoming", phone=run.takers[number].login)
    contact_id = incoming["headers"]["x-ccserver-contact"][0]
    told_at, _ = await panel.wait_for(
        lambda m: m["type"] == "card" and contact_id in m["contact_ids"]
    )
    if not crash.callers:
        crash.ms("invite_to_card_ms", calling["t"], told_at)
    await run.bank.wait_for("heard", call=call, party=number)
    card = await panel.card_of(contact_id)
    caller = Caller(panel, call, run.caller_tone(number), contact_id, card["incident_id"])
    crash.callers.append(caller)
    await eventually("they talk", caller.talks)
    return caller


# -- the first caller -----------------------------------------------------------------------------


async def _first_caller(crash: Crash) -> None:
    caller = await _answered(crash)
    began = time.monotonic()
    await save(caller, "type", ACCIDENT)
    crash.ms("first_save_ms", began)
    guidance = await _asked(caller)
    proposed = {one["service"] for one in guidance["services"]}
    expect(proposed == set(SERVICES), f"the services are proposed: {sorted(proposed)}")
    await save(caller, "hazards", guidance["hazards"])
    await save(caller, "priority", guidance["priority"])
    await save(caller, "summary", "Two cars, one person trapped")
    await save(caller, f"person:{uuid.uuid4()}", PATIENT)
    await _addressed(crash)
    place = (await crash.card())["location"]
    expect(place["why"] == "chosen", f"the click on the map counts: {place}")


async def _asked(caller: Caller) -> Message:
    """Answer what the catalogue wants to know, one question after another."""
    answers: Message = {}
    while True:
        body = {"type": ACCIDENT, "answers": answers}
        guidance = await caller.panel.post("/api/catalogue/guide", body)
        wanted = [q["code"] for q in guidance["questions"] if q["code"] not in answers]
        if not wanted:
            expect(set(answers) == set(ANSWERS), f"asked: {sorted(answers)}")
            return guidance
        expect(wanted[0] in ANSWERS, f"an unexpected question: {wanted[0]}")
        answers[wanted[0]] = ANSWERS[wanted[0]]
        await save(caller, "answers", answers, over=len(answers) - 1)


async def _addressed(crash: Crash) -> None:
    """An address of the register, and then the very place beside it on the map."""
    panel, path = crash.first.panel, f"/api/cards/{crash.first.incident_id}/locations"
    began = time.monotonic()
    found = (await panel.get("/api/addresses", q="brivibas 1 riga"))["addresses"]
    crash.ms("address_search_ms", began)
    address = next((a for a in found if a["kind"] == "building" and a["lat"] is not None), None)
    expect(address, f"the register has a building in Brīvības iela, Rīga: {found}")
    assert address is not None
    typed = {"text": address["text"], "code": address["code"]}
    where = {"kind": "incident", "lat": address["lat"], "lon": address["lon"]}
    await panel.post(path, where | {"source": "address", "address": typed, "address_version": 0})
    crash.place = offset(Position(address["lat"], address["lon"]), 90, 30)
    await panel.post(path, where | {"source": "map", **at(crash.place)})


# -- services -------------------------------------------------------------------------------------


async def _send_services(crash: Crash) -> None:
    """All three at one moment, to a desk by push and to a system that asks, during the call."""
    caller = crash.first
    began = crash.sent_at = time.monotonic()

    async def asks() -> float:
        """The ambulance's own system, which has no stream: it looks again and again."""

        async def incidents() -> object:
            return (await crash.ambulance.get("/api/desk/incidents"))["incidents"]

        await eventually("the ambulance has it", incidents)
        return time.monotonic()

    listener = asyncio.create_task(asks(), name="ambulance")
    try:
        sent = await caller.panel.post(
            f"/api/cards/{caller.incident_id}/services",
            {"services": list(SERVICES), "note": "Trapped person", "key": "send-1"},
        )
        desk_at, message = await crash.fire.wait_for(of_service("vugd"), after=began)
        asked_at = await listener
    finally:
        listener.cancel()
    crash.involved = {one["service"]: one["involvement_id"] for one in sent["involvements"]}
    expect(set(crash.involved) == set(SERVICES), f"sent to {sorted(crash.involved)}")
    moments = {one["sent_at"] for one in sent["involvements"]}
    expect(len(moments) == 1, f"all at the same moment: {moments}")
    expect(message["incident"]["caller_number"] == "+37120000000", "the desk has the number")
    spread = abs(asked_at - desk_at)
    expect(spread <= SAME_MOMENT_S, f"they learn it at the same moment: {spread:.3f} s")
    others = [m for _, m in crash.fire.messages if m["type"] == "involvement"]
    expect({m["involvement"]["service"] for m in others} == {"vugd"}, "a desk sees its own alone")
    crash.all_talk()
    crash.ms("send_to_desk_ms", began, desk_at)
    crash.ms("send_to_system_ms", began, asked_at)
    crash.measured["desk_and_system_apart_ms"] = round(spread * 1000, 1)


async def _services_accept(crash: Crash) -> str:
    """The fire service with a unit; gives the unit."""
    card = await crash.fire.get(f"/api/cards/{crash.first.incident_id}")
    patient = next(f["value"] for name, f in card["fields"].items() if name.startswith("person:"))
    expect(not patient.get("condition"), "only who treats people reads of their condition")
    card = await crash.ambulance.get(f"/api/cards/{crash.first.incident_id}")
    patient = next(f["value"] for name, f in card["fields"].items() if name.startswith("person:"))
    expect(patient["condition"] == PATIENT["condition"], "the ambulance does")
    unit = (await crash.fire.post("/api/desk/units", {"call_sign": "R-11"}))["unit"]["unit_id"]
    for state in ("received", "seen"):
        await step(crash, crash.fire, "vugd", state)
        await step(crash, crash.ambulance, "nmpd", state)
    began = time.monotonic()
    await step(crash, crash.fire, "vugd", "accepted", units=[unit])
    told_at, _ = await crash.first.panel.wait_for(of_service("vugd", "accepted"), after=began)
    crash.ms("accepted_to_centre_ms", began, told_at)
    await step(crash, crash.ambulance, "nmpd", "accepted")
    return str(unit)


async def _nobody_sees_it(crash: Crash) -> None:
    """The police do not look: an alarm; then they refuse by telephone, and are withdrawn."""
    card = await crash.card()
    due = next(one for one in card["services"] if one["service"] == "vp")
    alarm_at, alarm = await crash.chief.wait_for(
        lambda m: m["type"] == "alarm" and m["data"].get("service") == "vp" and m["data"]["active"]
    )
    expect(alarm["code"] == "service_overdue", f"the alarm says what is wrong: {alarm['code']}")
    expect(due["due_at"], "and the card when it was due")
    crash.measured["sent_to_alarm_s"] = round(alarm_at - crash.sent_at, 2)
    await step(crash, crash.chief, "vp", "refused", reason="no_units")
    await step(crash, crash.first.panel, "vp", "withdrawn")

    async def quiet() -> bool:
        alarms = [m for _, m in crash.chief.messages if m["type"] == "alarm"]
        last = [m["data"]["active"] for m in alarms if m["data"].get("service") == "vp"]
        return not last[-1]

    await eventually("the alarm is over", quiet)


# -- the others, and their places -----------------------------------------------------------------


async def _others_call(crash: Crash) -> None:
    """The second is only where the network's cell is; the third knows the place."""
    second = await _answered(crash)
    cell = {"source": "network_cell", "radius_m": CELL_RADIUS_M}
    await network_tells(crash, second, offset(crash.place, 45, CELL_RADIUS_M / 2), "cell", **cell)
    await save(second, "type", ACCIDENT)
    await save(second, "summary", "A blue car in the ditch")
    await note(second, "Caller passed by; does not stop")
    third = await _answered(crash)
    await save(third, "type", "traffic")
    await note(third, "Smoke from the engine")
    near = at(offset(crash.place, 200, NEAR_M))
    path = f"/api/cards/{third.incident_id}/locations"
    await third.panel.post(path, {"kind": "incident", "source": "map", **near})
    for caller in (second, third):
        related = await caller.panel.get(f"/api/cards/{caller.incident_id}/related")
        proposed = {one["card"]["incident_id"]: one for one in related["proposals"]}
        expect(crash.first.incident_id in proposed, "the first card is proposed")
        expect(proposed[crash.first.incident_id]["same_type"], "as one of the same type")
    crash.all_talk()


async def _late_location(crash: Crash) -> None:
    """The second caller's telephone has its fix 22 s after the call: the place moves at once."""
    second = crash.callers[1]
    calling = await crash.run.bank.wait_for("calling", call=second.call)
    before = (await crash.card(second))["location"]
    expect(before["why"] == "network", f"until then the cell alone is known: {before}")
    await asyncio.sleep(max(0.0, calling["t"] + LATE_S - time.monotonic()))
    began = time.monotonic()
    here = offset(crash.place, 45, NEAR_M)
    await network_tells(crash, second, here, "fix", source="https", radius_m=12.0, confidence=0.9)
    crash.ms("location_to_accepted_ms", began)
    pushed_at, _ = await second.panel.wait_for(card_of(second), after=began)
    crash.ms("location_to_push_ms", began, pushed_at)
    moved = await crash.card(second)
    crash.ms("location_to_place_moved_ms", began)
    now = {one["location_id"]: one for one in moved["locations"]}[moved["location"]["current"]]
    expect(now["source"] == "https", f"the fix counts: {moved['location']}")
    expect(distance_m(Position(now["lat"], now["lon"]), here) < 1, "and it is where it was told")
    expect(len(moved["locations"]) == 2, "the cell is kept")
    crash.measured["late_s"] = round(began - calling["t"], 1)


# -- one incident ---------------------------------------------------------------------------------


async def _join(crash: Crash) -> None:
    """Both become a part of the first, while all talk; one is taken back, and joined again."""
    first, second, third = crash.callers
    began = time.monotonic()
    await _merge(crash, second)
    crash.ms("merge_ms", began)
    await _merge(crash, third)
    card = await crash.card()
    merge = next(
        entry
        for entry in card["timeline"]
        if entry["tag"] == "merged" and entry["data"].get("from") == third.incident_id
    )
    await first.panel.post(f"/api/cards/{first.incident_id}/undo", {"entry": merge["key"]})
    card, alone = await crash.card(), await crash.card(third)
    expect(contacts_of(card) == {first.contact_id, second.contact_id}, "the third is off the card")
    expect(contacts_of(alone) == {third.contact_id}, "and has its own again")
    expect(alone["merged_into"] is None, "which stands for itself")
    await _merge(crash, third)
    before = (await _whole(crash))["location"]["current"]
    crash.all_talk()
    # What is told of a contact later belongs to the card that it is on by now.
    late = offset(crash.place, 10, NEAR_M)
    began = time.monotonic()
    await network_tells(crash, third, late, "fix", source="https", radius_m=8.0)
    await third.panel.wait_for(card_of(first), after=began)
    place = (await crash.card())["location"]
    expect(place["current"] == before, "no device overrides the place that a person chose")


async def _merge(crash: Crash, caller: Caller) -> None:
    path = f"/api/cards/{caller.incident_id}/merge"
    joined = await caller.panel.post(path, {"into": crash.first.incident_id})
    expect(joined["incident_id"] == crash.first.incident_id, f"it is a part of {joined}")

    async def shown() -> bool:
        contact = caller.panel.contacts.get(caller.contact_id, {})
        return bool(contact.get("incident_id") == crash.first.incident_id)

    await eventually("the call taker's panel shows the joined card", shown)


async def _whole(crash: Crash) -> Message:
    """Three contacts, and nothing that was typed on the other two is lost."""
    card = await crash.card()
    expect(contacts_of(card) == {c.contact_id for c in crash.callers}, "three contacts on one card")
    merged = {one["incident_id"]: one for one in card["merged"]}
    second, third = merged[crash.callers[1].incident_id], merged[crash.callers[2].incident_id]
    for one, text in ((second, "passed by"), (third, "Smoke")):
        expect(text in one["notes"]["text"], f"its notes are there: {one['notes']}")
    said = {name: f["value"] for name, f in second["fields"].items()}
    expect(said["summary"] == "A blue car in the ditch", f"and its fields: {said}")
    expect(third["fields"]["type"]["value"] == "traffic", "of the third as well")
    return card


async def _two_editors(crash: Crash) -> None:
    """Both save over the version that both saw: one is told what the other wrote."""
    version = (await crash.card())["fields"]["summary"]["version"]
    editors, texts = crash.callers[:2], ("Three cars", "A lorry and two cars")

    async def edit(caller: Caller, text: str) -> Message | None:
        try:
            await save(caller, "summary", text, over=version, card=crash.first.incident_id)
        except PanelRefused as refusal:
            expect(refusal.status == 412, f"as a conflict: {refusal}")
            current: Message = refusal.problem["current"]
            return current
        return None

    outcomes = await asyncio.gather(*map(edit, editors, texts))
    lost = [number for number, current in enumerate(outcomes) if current is not None]
    expect(len(lost) == 1, f"one of two is told of the conflict: {outcomes}")
    (loser,) = lost
    current = outcomes[loser] or {}
    expect(current["value"] == texts[1 - loser], f"with what the other wrote: {current}")
    expect(current["author"] == crash.run.takers[1 - loser].login, "and who")
    both = f"{current['value']}; {texts[loser]}"
    first = crash.first.incident_id
    await save(editors[loser], "summary", both, over=current["version"], card=first)
    history = await crash.chief.get(f"/api/cards/{first}/fields/summary/history")
    values = [one["value"] for one in history["versions"]]
    expect(values[:2] == [both, texts[1 - loser]], f"all of it is in the history: {values}")


# -- the crash of the server ----------------------------------------------------------------------


async def _killed_in_between(crash: Crash, unit: str) -> None:
    """``kill -9`` at once after something was acknowledged; then all goes on where it was."""
    await step(crash, crash.fire, "vugd", "dispatched", units=[unit])
    await note(crash.first, "Written in the last moment")
    before = await _whole(crash)
    died_at = time.monotonic()
    await crash.run.stack.kill_ccserver()
    await crash.run.stack.start_ccserver()
    for caller in crash.callers:
        await caller.panel.wait_for(lambda m: m["type"] == "snapshot", after=died_at)
        await eventually("they talk on", caller.talks)
    crash.ms("killed_to_all_adopted_ms", died_at)
    crash.all_talk()
    after = await _whole(crash)
    for part in ("number", "fields", "notes", "merged", "locations", "location", "services"):
        expect(after[part] == before[part], f"{part} is as it was before: {after[part]}")
    keys = [entry["key"] for entry in after["timeline"]]
    lost = [e["tag"] for e in before["timeline"] if e["key"] not in keys]
    expect(not lost, f"the timeline has lost {lost}")


async def _end_of_service(crash: Crash, unit: str) -> None:
    """The fire service's desk and the ambulance's system report to the end."""
    for state in DRIVE:
        if state != "dispatched":
            await step(crash, crash.fire, "vugd", state, units=[unit])
        await step(crash, crash.ambulance, "nmpd", state)
        # The same again, as a system does that has not heard the answer.
        await step(crash, crash.ambulance, "nmpd", state)
    states = {one["service"]: one["state"] for one in (await crash.card())["services"]}
    wanted = {"vugd": "cleared", "nmpd": "cleared", "vp": "withdrawn"}
    expect(states == wanted, f"how it ended: {states}")


# -- the end --------------------------------------------------------------------------------------


async def _exported(crash: Crash) -> None:
    path = f"/api/cards/{crash.first.incident_id}"
    eido = await crash.chief.download(f"{path}/eido")
    validator = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())
    wrong = [error.message for error in validator.iter_errors(json.loads(eido))]
    expect(not wrong, f"the EIDO holds to its schema: {wrong[:3]}")
    cap = read_xml(await crash.chief.download(f"{path}/cap"))
    expect(local_name(cap) == "alert", f"the CAP is an alert: {local_name(cap)}")
    crash.measured |= {"eido_bytes": len(eido)}


async def _calls_end(crash: Crash) -> None:
    crash.all_talk()
    for caller in crash.callers:
        await crash.run.bank.hangup(caller.call)
    await crash.run.nothing_left()

    async def sealed() -> bool:
        contacts = (await crash.card())["contacts"]
        recordings = [r["state"] for c in contacts for r in c["recordings"]]
        tags = [entry["tag"] for entry in (await crash.card())["timeline"]]
        told = tags.count("recording_sealed") == len(crash.callers)
        return told and recordings == ["sealed"] * len(crash.callers)

    await eventually("three sealed recordings on the card", sealed, timeout_s=SEALED_WITHIN_S)
    await _story(crash)


async def _story(crash: Crash) -> None:
    """The card tells every step, in the order of time, and nothing else."""
    entries = (await crash.card())["timeline"]
    times = [entry["at"] for entry in entries]
    expect(times == sorted(times), "the timeline is in the order of time")
    tags = [entry["tag"] for entry in entries]
    expect(tags.count("service_overdue") == 1, "the alarm is told once")
    tags.remove("service_overdue")
    told, ends = tuple(tags[: len(WHILE_THEY_TALK)]), Counter(tags[len(WHILE_THEY_TALK) :])
    expect(told == WHILE_THEY_TALK, f"the story is another: {told}")
    expect(ends == dict.fromkeys(AT_THE_END, len(crash.callers)), f"it ends otherwise: {ends}")
    crash.measured["entries"] = len(entries)


async def _quality(crash: Crash) -> None:
    """Whoever looks at it later says why; the look is written down, in a chain that holds."""
    officer = await crash.run.panel(QUALITY)
    path = f"/api/cards/{crash.first.incident_id}"
    refused = ""
    try:
        await officer.get(path)
    except PanelRefused as refusal:
        refused = refusal.code
    expect(refused == "reason_needed", f"a reason is asked for: {refused}")
    reason = "Sūdzība 2026/17"
    await officer.get(path, reason=reason)
    acts = (await crash.chief.get("/api/audit", person=QUALITY.login))["entries"]
    read: Message = next((act for act in acts if act["tag"] == "card_read"), {})
    expect(read.get("comment") == reason, f"the audit has it: {acts}")
    expect(read["data"]["incident_id"] == crash.first.incident_id, "with the card")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ccserver", "--config", str(crash.run.stack.config_path)),
        *("audit", "verify"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    expect(process.returncode == 0 and said.startswith(b"whole:"), f"verified: {said!r}")
