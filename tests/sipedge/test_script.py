"""What the edge reads out of bodies: whatever they hold, and never with an error of its own."""

import base64
import quopri
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.ecall import control, msd
from sim.car import MSD_TYPE, Vehicle
from sim.sip import Part, joined, nested
from tests.ecall.samples import MESSAGES
from tests.sipedge.script import Script, script

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

OFFER = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
DATA = msd.encode(Vehicle().msd(kind="manual", identifier=1, timestamp=9))
SEED = 20261126
PIECES = [
    *(b"--a", b"--a--", b"\r\n", b"\n", b"v=0", b"\0", b": ", b"--", b"Content-"),
    b"Content-Type: multipart/mixed;boundary=a\r\n\r\n",
    b"Content-Type: application/EmergencyCallData.eCall.MSD\r\n\r\n",
]
BODIES = 1500
"""Of each kind; a body takes the script about a millisecond."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Script]:
    async with script(tmp_path_factory.mktemp("script")) as made:
        yield made


async def test_the_edge_judges_data_as_ccserver_does(here: Script) -> None:
    """Every sample, every cut and wrong bit of it, and noise: a car hears of both the same."""
    chance = random.Random(SEED)  # noqa: S311 - a seed replays it
    messages = [b"", b"\x02"]
    for sample in MESSAGES.values():
        messages += [sample[:end] for end in range(1, len(sample) + 1)]
        messages += [sample.ljust(size, b"\0") for size in (140, 141, 2000)]
        for bit in range(len(sample) * 8):
            changed = bytearray(sample)
            changed[bit // 8] ^= 0x80 >> bit % 8
            messages.append(bytes(changed))
        for _ in range(300):
            changed = bytearray(sample)
            for _ in range(chance.randrange(1, 6)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            messages.append(bytes(changed[: chance.randrange(20, len(changed) + 1)]))
    for _ in range(3000):
        messages.append(bytes([chance.randrange(5)]) + chance.randbytes(chance.randrange(140)))
    said = await here.plausible(messages)
    expected = [msd.structurally_plausible(message) for message in messages]
    assert sum(expected) > 1000
    different = [
        m.hex() for m, one, two in zip(messages, said, expected, strict=True) if one != two
    ]
    assert not different


def written(part: Part, encoding: str) -> Part:
    """The part in a transfer encoding."""
    body = part.body
    if encoding == "base64":
        body = base64.encodebytes(body)
    elif encoding == "quoted-printable":
        body = quopri.encodestring(body)
    headers = (("Content-Transfer-Encoding", encoding),) if encoding else ()
    return Part(part.content_type, body, part.content_id, headers=headers)


def some_body(chance: random.Random) -> tuple[str, bytes]:
    """A good body with an offer, data and other parts: any order, depth and encoding."""
    encodings = ("", "", "binary", "base64", "quoted-printable")
    offer = written(Part("application/sdp", OFFER), chance.choice(encodings))
    data = written(Part(MSD_TYPE, DATA, "msd@car"), chance.choice(encodings))
    parts = [offer, data]
    for number in range(chance.randrange(4)):
        noise = chance.randbytes(chance.randrange(200))
        parts.append(Part("application/octet-stream", noise, f"n{number}@car"))
    chance.shuffle(parts)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(parts))
        until = chance.randrange(at, len(parts)) + 1
        parts[at:until] = [nested(parts[at:until], kind=chance.choice(("mixed", "related")))]
    signs = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'()+_,-./:=?"
    boundary = "".join(chance.choices(signs, k=chance.randrange(1, 70)))
    content_type, body = joined([*parts, Part("x/y", b"")], boundary=boundary)
    kind = content_type.partition(";")[0]
    return f'{kind}; a="b;c"; Boundary="{boundary}"', body


async def test_an_offer_and_data_are_found_wherever_they_are(here: Script) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a seed replays it
    bodies = [some_body(chance) for _ in range(BODIES)]
    for (content_type, body), found in zip(
        bodies, await here.read([(*each, "") for each in bodies]), strict=True
    ):
        assert bytes.fromhex(found["offer"]) == OFFER, (content_type, body)
        assert found["state"] == "received", (content_type, body)
        (ack,) = control.parse(found["ack"].encode()).acks
        assert (ack.ref, ack.received) == ("msd@car", True)


async def test_a_body_with_faults_never_makes_the_script_fail(here: Script) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a seed replays it
    bodies: list[tuple[str, bytes, str]] = []
    for _ in range(BODIES):
        content_type, body = some_body(chance)
        changed = bytearray(body)
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(changed) + 1)
            changed[at : at + chance.randrange(3)] = chance.choice(
                (b"", b"\r\n", b"\n", b"--", b"\0", b"\xff", b"v=0\r\n", b"\r\n\r\n", b'"', b"=")
            )
        del changed[chance.randrange(len(changed) + 1) :]
        bodies.append((content_type, bytes(changed), "<cid:%%4>;purpose=x, <"))
    check(bodies, await here.read(bodies))


LONG = 14_000
"""Octets, that a request with all its digits holds."""
SLOW = {
    "spaces in a name": b"--a\r\nContent-Type" + b" " * LONG + b"x: y\r\n\r\n--a--",
    "spaces in a value": b"--a\r\nContent-Type: a" + b" " * LONG + b"x\r\n\r\n--a--",
    "spaces in an encoded line": b"--a\r\nContent-Type: application/sdp\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nv=0" + b" " * LONG + b"x\r\n--a--",
    "folds": b"--a\r\nX: " + b"\r\n " * (LONG // 3) + b"\r\n\r\n--a--",
    "dashes": b"-" * LONG,
    "boundaries": b"--a\r\n" * (LONG // 5),
    "boundaries within lines": b"x--a" * (LONG // 4),
    "offers": b"\nv=0\r" * (LONG // 6),
    "nothing": b"x" * LONG,
}
"""What would take long, if a pattern began again at every character."""
SLOW_TYPES = (
    "multipart/mixed;boundary=a",
    "multipart/mixed;boundary=" + "-" * 2000,
    "multipart/mixed" + "; boundary" * 200,
    "multipart/mixed;" + " " * 2000 + "x",
)
SLOW_CALL_INFO = ("", "<cid:" * 400, "<cid:a>" + "purpose " * 250, "<cid:a>purpose" + " " * 2000)


async def test_no_body_takes_out_of_proportion_long(here: Script) -> None:
    async def takes(kind: str, body: bytes, call_info: str) -> float:
        began = time.monotonic()
        await here.read([(kind, body, call_info)])
        return time.monotonic() - began

    usual = max([await takes(SLOW_TYPES[0], SLOW["nothing"], "") for _ in range(5)])
    for name, body in SLOW.items():
        for kind in SLOW_TYPES:
            for call_info in SLOW_CALL_INFO:
                seconds = min([await takes(kind, body, call_info) for _ in range(3)])
                # What does begin again at every character takes thousands of times as long.
                assert seconds < 200 * usual, (name, kind[:40], call_info[:40])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.text(st.characters(max_codepoint=255), max_size=80),
                st.sampled_from(["multipart/mixed;boundary=a", "multipart/x", "application/sdp"]),
            ),
            st.one_of(
                st.binary(max_size=300),
                st.lists(
                    st.sampled_from(PIECES),
                    max_size=60,
                ).map(b"".join),
            ),
            st.text(st.characters(max_codepoint=255), max_size=80),
        ),
        min_size=1,
        max_size=20,
    )
)
async def test_any_octets_are_read_or_not(
    here: Script, bodies: list[tuple[str, bytes, str]]
) -> None:
    check(bodies, await here.read(bodies))


def check(bodies: list[tuple[str, bytes, str]], found: list[dict[str, Any]]) -> None:
    """What is found is of the right kind, whatever there was."""
    for body, each in zip(bodies, found, strict=True):
        offer = bytes.fromhex(each["offer"])
        assert offer == b"" or offer.startswith(b"v=0"), body
        assert each["state"] in ("", "received", "unreadable"), body
        if each["ack"]:
            assert control.parse(each["ack"].encode()).acks, body
        else:
            assert not each["state"], body
