"""The call-handling tests of the public NG9-1-1 conformance suite (TD_CHFE_001 … 016), as far as
they ask something of a centre like this one. docs/conformance.md has the table of what passes;
where something is not offered, these tests prove that it is declined in order and the caller heard.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import pytest

from ccserver.ecall import control
from sim import pidf
from sim.ng112 import BLOCKS, NG112Phone, Place, Wish, place
from sim.panel import Message, Panel, PanelRefused
from sim.sip import Call, Part, Response, divided, joined, nested
from sim.sipp.ends import other
from tests.conformance.centre import CARRIER, Centre
from tests.conformance.world import TRUNK, World

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("conformance")]
in_session = pytest.mark.asyncio(loop_scope="session")

PSAP_NUMBER = "112"
TAKER_TONE = 0
CITIZEN = "+37120000555"
CALLED_BACK = "+37120000777"
EVENTUALLY_S = 30.0
TEST_SERVICE = "urn:service:test.sos"
H264 = {"1b": "42f00b", "1.1": "42e00b", "2.0": "42e014", "3.0": "42e01e"}
CONTROL = Part(
    control.CONTENT_TYPE,
    control.capabilities_xml(),
    content_id="control@car.example",
    disposition="by-reference;handling=optional",
)
VEDS = Part(
    "application/EmergencyCallData.VEDS+xml",
    b'<?xml version="1.0"?><AutomatedCrashNotification xmlns="http://niem.gov/"/>',
    content_id="veds@car.example",
    disposition="by-reference;handling=optional",
)


async def _until(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + EVENTUALLY_S
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def caller(world: World, number: str = CITIZEN) -> AsyncIterator[NG112Phone]:
    """A telephone of the trunk's network."""
    async with NG112Phone(f"sip:127.0.0.1:{world.port}", number=number, host=TRUNK) as phone:
        yield phone


def media_of(response: Response) -> list[tuple[str, str, str]]:
    """Kind, port and formats of each stream of an answer."""
    for part in divided(response.content_type, response.body):
        if part.content_type.lower().startswith("application/sdp"):
            lines = [
                line[2:].split(" ", 3)
                for line in part.body.decode().splitlines()
                if line[:2] == "m="
            ]
            return [(kind, port, formats) for kind, port, _, formats in lines]
    return []


def offer(*media: str) -> bytes:
    """An SDP with these streams, each ``|``-separated into its lines."""
    lines = ["v=0", f"o=- 1 1 IN IP4 {TRUNK}", "s=-", f"c=IN IP4 {TRUNK}", "t=0 0"]
    for stream in media:
        lines += stream.split("|")
    return "\r\n".join([*lines, ""]).encode()


ALAW = "m=audio 20000 RTP/AVP 8|a=rtpmap:8 PCMA/8000"
ULAW = "m=audio 20000 RTP/AVP 0|a=rtpmap:0 PCMU/8000"
TEXT = "m=text 20004 RTP/AVP 98|a=rtpmap:98 t140/1000"


def video(profile: str) -> str:
    """H.264 with a profile-level-id."""
    return f"m=video 20002 RTP/AVP 99|a=rtpmap:99 H264/90000|a=fmtp:99 profile-level-id={profile}"


async def answered(world: World, service: str, body: bytes) -> Response:
    """The final answer to a call with this offer; the call is ended."""
    async with caller(world) as phone:
        call = await phone.call(service=service, offer=body)
        response = await call.final()
        await call.bye()
        return response


async def kept(centre: Centre, number: str, *kinds: str) -> list[Message]:
    """What is kept of this caller's data, once there is something of all these kinds."""
    contact_id = ""

    def found() -> bool:
        nonlocal contact_id
        for contact in centre.panel.contacts.values():
            if contact["caller_number"] == number:
                contact_id = contact["contact_id"]
        return bool(contact_id)

    await _until(found)
    give_up_at = time.monotonic() + EVENTUALLY_S
    while True:
        # The card comes a moment after the call.
        with contextlib.suppress(PanelRefused):
            data = await centre.panel.get(f"/api/contacts/{contact_id}/emergency-data")
            items: list[Message] = data["items"]
            if {item["kind"] for item in items} >= set(kinds):
                return items
        assert time.monotonic() < give_up_at, f"not kept: {kinds}"
        await asyncio.sleep(0.05)


# TD_CHFE_001: places by reference.


@in_session
async def test_001_a_place_by_reference_is_asked_for_by_held(centre: Centre) -> None:
    document = pidf.document(pidf.SHAPES["Circle"](56.95, 24.11))
    reference = centre.server.keep(document)
    async with caller(centre.world, "+37120000101") as phone:
        call = await phone.call(Wish(places=(Place(url=reference),)))
        await call.answered()
        items = await kept(centre, "+37120000101", "location_reference", "location")
        await call.bye()
    asked = centre.server.asked[-1]
    assert asked.method in ("GET", "POST")
    if asked.method == "POST":
        assert b"locationRequest" in asked.body
        assert asked.content_type == "application/held+xml"
    assert [item["via"] for item in items if item["kind"] == "location"] == ["reference"]


@in_session
async def test_001_a_reference_by_sip_is_kept_and_nobody_is_asked(centre: Centre) -> None:
    """SUBSCRIBE to a location server (RFC 3856) is not offered; the call goes on all the same."""
    async with caller(centre.world, "+37120000102") as phone:
        call = await phone.call(Wish(places=(Place(url=f"pres:someone@{CARRIER}"),)))
        await call.answered()
        await kept(centre, "+37120000102", "location_reference")
        await call.bye()
    assert not [r for r in centre.carrier.requests if r.method == "SUBSCRIBE"]


# TD_CHFE_002 and 005: media, of calls and of test calls.


@in_session
@pytest.mark.parametrize("service", ["urn:service:sos", TEST_SERVICE])
@pytest.mark.parametrize(("stream", "codec"), [(ALAW, "8"), (ULAW, "0")], ids=["alaw", "ulaw"])
async def test_002_005_audio_is_answered_with_the_codec_that_was_offered(
    world: World, service: str, stream: str, codec: str
) -> None:
    response = await answered(world, service, offer(stream))
    assert response.code == 200
    ((kind, port, formats),) = media_of(response)
    assert kind == "audio"
    assert port != "0"
    assert formats.split()[0] == codec


@in_session
@pytest.mark.parametrize("service", ["urn:service:sos", TEST_SERVICE])
@pytest.mark.parametrize("stream", [TEXT, *map(video, H264.values())], ids=["text", *H264])
async def test_002_005_video_and_text_are_declined_and_audio_goes_on(
    world: World, service: str, stream: str
) -> None:
    response = await answered(world, service, offer(ALAW, stream))
    assert response.code == 200
    audio, second = media_of(response)
    assert audio[1] != "0"
    assert second[1] == "0"


@in_session
@pytest.mark.parametrize("stream", [TEXT, video(H264["1b"])], ids=["text", "video"])
async def test_002_005_without_audio_the_refusal_is_one_that_a_telephone_understands(
    world: World, stream: str
) -> None:
    response = await answered(world, "urn:service:sos", offer(stream))
    assert response.code in (200, 415, 488)


# TD_CHFE_003: language tags (RFC 8373).


@in_session
async def test_003_an_offer_with_language_tags_is_answered(world: World) -> None:
    """None of our own are written, so the test of the suite does not pass."""
    tagged = ALAW + "|a=hlang-send:lv ru en|a=hlang-recv:lv ru en"
    response = await answered(world, "urn:service:sos", offer(tagged))
    assert response.code == 200
    assert b"hlang" not in response.body


# TD_CHFE_004: the INVITE of a call-back and of other calls.


@in_session
async def test_004_a_call_back_says_what_it_is(centre: Centre) -> None:
    world = centre.world
    async with caller(world, CALLED_BACK) as phone:
        call = await phone.call()
        await call.answered()
        await call.bye()
    task = await _task(centre.panel, CALLED_BACK)
    placed: asyncio.Future[Call] = asyncio.get_running_loop().create_future()

    async def take(call: Call) -> None:
        await call.answer()
        placed.set_result(call)

    centre.carrier.on_call = take
    await centre.panel.post(f"/api/callbacks/{task['task_id']}/call")
    async with asyncio.timeout(EVENTUALLY_S):
        call = await placed
    invite = call.invite
    # The call taker is heard, so the ACK has come: before that nobody may hang up (RFC 3261 §15).
    assert call.media is not None
    await call.media.hears(TAKER_TONE)
    ended = await call.bye()
    assert ended is not None
    assert ended.code == 200
    assert f"sip:{CALLED_BACK}@" in invite.uri
    assert CALLED_BACK in invite.need("To")
    assert invite.get("Priority") == "psap-callback"
    assert PSAP_NUMBER in invite.need("From") or "ccserver" in invite.need("From")
    assert invite.need("Via").startswith("SIP/2.0/UDP 127.0.0.1:")
    assert invite.sequence[1] == "INVITE"
    assert invite.call_id
    assert invite.need("Contact").startswith("<sip:")
    assert invite.content_type == "application/sdp"
    assert b"a=rtpmap:8 PCMA/8000" in invite.body
    assert b"a=rtpmap:0 PCMU/8000" in invite.body
    text = bytes(invite).decode("utf-8", "replace")
    assert "X-CCServer" not in text, "nothing of ours leaves the house"
    assert f":{world.stack.ports.sip}" not in text, "nor where Asterisk is"


async def _task(panel: Panel, number: str) -> Message:
    """The call-back that somebody's hanging up has made."""
    give_up_at = time.monotonic() + EVENTUALLY_S
    while True:
        tasks: list[Message] = (await panel.get("/api/callbacks"))["callbacks"]
        found = [task for task in tasks if task["number"] == number]
        if found:
            return found[0]
        assert time.monotonic() < give_up_at, "no call-back is wanted"
        await asyncio.sleep(0.1)


# TD_CHFE_008 and 012: states for subscribers. Not offered; declined in order.


@in_session
@pytest.mark.parametrize("event", ["emergency-ServiceState", "emergency-QueueState"])
async def test_008_012_a_subscription_is_declined_in_order(world: World, event: str) -> None:
    outcome = await world.ask(
        TRUNK, lambda e: other(e, "SUBSCRIBE", e.uri, f"Event: {event}", "Expires: 60")
    )
    assert outcome.final is not None
    assert outcome.final.code in (403, 404, 405, 489, 501)


# TD_CHFE_014: multipart/mixed.


@in_session
async def test_014_a_multipart_of_an_offer_alone(world: World) -> None:
    async with caller(world) as phone:
        call = await phone.ua.call("urn:service:sos", compose=lambda sdp: joined([nested([sdp])]))
        assert (await call.answered()).code == 200
        await call.bye()


@in_session
async def test_014_a_multipart_of_all_that_an_emergency_network_knows(centre: Centre) -> None:
    blocks = tuple(BLOCKS[name] for name in ("ProviderInfo", "ServiceInfo", "SubscriberInfo"))
    wish = Wish(places=(place("Circle", 56.95, 24.11),), blocks=blocks, identifiers=True)
    async with caller(centre.world, "+37120000141") as phone:
        sent = wish.sent(phone.ua.host)
        parts = [*sent.parts, CONTROL, VEDS]
        call = await phone.ua.call("urn:service:sos", parts=parts, headers=sent.headers)
        assert (await call.answered()).code == 200
        items = await kept(
            centre, "+37120000141", "location", "additional", "identifier", "control"
        )
        await call.bye()
    types = [str(item["content_type"]).lower() for item in items]
    sent_types = [
        *(block.content_type for block in blocks),
        CONTROL.content_type,
        VEDS.content_type,
    ]
    assert [kind for kind in sent_types if kind.lower() not in types] == []
    assert not [item["error"] for item in items if item["error"]]


@in_session
async def test_014_a_multipart_within_a_multipart(centre: Centre) -> None:
    blocks = (BLOCKS["Comment"],)
    places = (place("Point", 56.95, 24.11), place("Polygon", 56.95, 24.11))
    wish = Wish(places=places, blocks=blocks, nested=True, reversed=True)
    async with caller(centre.world, "+37120000142") as phone:
        call = await phone.call(wish)
        assert (await call.answered()).code == 200
        items = await kept(centre, "+37120000142", "location", "additional")
        await call.bye()
    assert len([item for item in items if item["kind"] == "location"]) == len(places)


# Beside the suite: networks write who calls in two ways.


@in_session
@pytest.mark.parametrize("scheme", ["tel", "sip"])
async def test_a_number_that_is_withheld_is_known_however_the_network_writes_it(
    centre: Centre, scheme: str
) -> None:
    number = {"tel": "+37120000151", "sip": "+37120000152"}[scheme]
    identity = f"<tel:{number}>" if scheme == "tel" else f"<sip:{number}@{TRUNK};user=phone>"
    async with caller(centre.world) as phone:
        call = await phone.ua.call(
            "urn:service:sos",
            headers=(("P-Asserted-Identity", identity), ("Privacy", "id")),
            from_header='"Anonymous" <sip:anonymous@anonymous.invalid>;tag=anyone',
        )
        await call.answered()
        await _until(lambda: number in {c["caller_number"] for c in centre.panel.contacts.values()})
        await call.bye()
