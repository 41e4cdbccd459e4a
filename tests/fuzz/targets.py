"""What a fuzzer feeds: one function for each parser, which fails where a promise is broken.

Each takes any octets. A promised exception is caught, everything else is a finding.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ccserver.aml.data_sms import text_of
from ccserver.calldata.reading import items_in
from ccserver.calldata.spool import Envelope, EnvelopeInvalid, Via
from ccserver.calldata.store import Kept
from ccserver.calldata.views import item_json
from ccserver.card import LocationTold
from ccserver.ecall import json_form
from ccserver.ecall import msd as msd_codec
from ccserver.ecall.control import Control, ControlInvalid, ack_xml
from ccserver.ecall.control import parse as parse_control
from ccserver.ecall.values import MSDInvalid, MSDUnwritable
from ccserver.ecall_desk.known import vehicle_of
from ccserver.ecall_desk.story import Read, story_of
from ccserver.location.aml import AMLInvalid, AMLMessage, looks_like_aml, looks_like_aml_tail
from ccserver.location.aml_form import AMLForm, trust
from ccserver.sms.connection import Connection, Delivered
from ccserver.sms.description import describe
from ccserver.sms.pdu import HEADER_BYTES, PDU, RESPONSE_BIT, Command
from ccserver.sms.receipt import Receipt
from ccserver.sms.short_message import ShortMessage, ShortMessageUnreadable, joined_text
from ccserver.sms.splitting import TextTooLong, count, split
from ccserver.sms.states import BOUND
from ccserver.types import ContactId
from tests.calldata.samples import (
    CONTROL_TYPE,
    PIDF_TYPE,
    T0,
    car,
    ecall,
    info,
    line,
    part,
    pidf,
)
from tests.ecall.samples import MESSAGES
from tests.ecall.test_control import CAPABLE, REFUSED
from tests.sms.samples import SAMPLES, delivered

GOOD = PDU(Command.DELIVER_SM, 0, 0x7777, delivered(b"Palidziet").encode())
"""The text that must not be lost, whatever came before it."""

_PDU_HEAD = 7
BODY_OCTETS_MAX = 1_000
KEY_CHARS_MAX = 128
"""Of the key of a card's entry."""


def short_message(octets: bytes) -> None:
    """A body, its text in every alphabet, its receipt: text that a database takes, or refused.

    The first octet chooses the settings.
    """
    choice, body = octets[:1], octets[1:]
    settings = choice[0] if choice else 0
    default_alphabet = ("gsm", "latin1", "ascii")[settings % 3]
    packed = bool(settings & 0x80)
    try:
        message = ShortMessage.parse(body, data_sm=bool(settings & 0x40))
    except ShortMessageUnreadable:
        return
    texts = [
        *message.readings(default_alphabet=default_alphabet, packed=packed),
        joined_text([message] * 3, default_alphabet=default_alphabet, packed=packed).text,
        message.source.number(),
        message.destination.number(),
    ]
    for text in texts:
        assert "\0" not in text
        text.encode("utf-8")
    receipt = Receipt.parse(message)
    assert len(receipt.keys) <= 8
    again = ShortMessage.parse(message.encode(data_sm=False))
    assert (again.source, again.destination) == (message.source, message.destination)


def description(octets: bytes) -> None:
    """A PDU as the command line tells it: JSON, whatever it is."""
    command_id = int.from_bytes(octets[:4], "big")
    json.dumps(describe(PDU(command_id, 0, 1, octets[4:]))).encode("utf-8")


def stream(octets: bytes) -> None:
    """Whole PDUs with anything in them, then a good one, which comes through while we are bound.

    Every PDU is four octets of command, one of status, two of length, and its body.
    """
    connection = Connection(Command.BIND_TRANSCEIVER, b"", number=1, window=10)
    connection.start(0.0)
    bound = PDU(Command.BIND_TRANSCEIVER | RESPONSE_BIT, 0, 1, b"SMSC\0")
    connection.receive(bound.encode(), 0.0)
    at = 0
    while at + _PDU_HEAD <= len(octets):
        command_id = int.from_bytes(octets[at : at + 4], "big")
        status = octets[at + 4]
        length = int.from_bytes(octets[at + 5 : at + 7], "big") % BODY_OCTETS_MAX
        at += _PDU_HEAD
        body = octets[at : at + length]
        at += length
        connection.receive(PDU(command_id, status, at, body).encode(), 0.0)
        _drain(connection)
    bound_still = connection.state in BOUND
    # A stream cut anywhere is the same stream.
    good = GOOD.encode()
    connection.receive(good[:HEADER_BYTES], 0.0)
    connection.receive(good[HEADER_BYTES:], 0.0)
    assert not bound_still or GOOD.body in _drain(connection)


def _drain(connection: Connection) -> list[bytes]:
    """The bodies handed up; each is answered, as the gateway does."""
    bodies = []
    while (event := connection.next_event()) is not None:
        if isinstance(event, Delivered):
            bodies.append(event.body)
            connection.acknowledge(event, 0)
    connection.octets_to_send()
    return bodies


def raw_stream(octets: bytes) -> None:
    """Octets as they come, in pieces that the first of them says; nothing is raised."""
    connection = Connection(Command.BIND_RECEIVER, b"", number=1, window=10)
    connection.start(0.0)
    size = 1 + octets[0] % 64 if octets else 1
    for at in range(1, len(octets), size):
        connection.receive(octets[at : at + size], 0.0)
    _drain(connection)


def splitting(octets: bytes) -> None:
    """A text to send: counted and split alike, or too long."""
    text = octets.decode("utf-8", "surrogateescape")
    try:
        parts = split(text, reference=7)
    except TextTooLong:
        return
    assert len(parts) == count(text).parts


def aml(octets: bytes) -> None:
    """A position of a phone, as a text, as data and as a form."""
    text = octets.decode("latin-1")
    looks_like_aml_tail(text)
    try:
        AMLMessage.parse(text)
    except AMLInvalid:
        assert not looks_like_aml(text) or len(text) > 100
    found = text_of(octets)
    assert found is None or looks_like_aml(found)
    AMLForm.parse(octets)
    trust(octets, ["key"])


def msd(octets: bytes) -> None:
    """The data of a car: told in JSON and written again it is the same, or refused."""
    try:
        decoded = msd_codec.decode(octets)
    except MSDInvalid:
        return
    told = json.loads(json.dumps(json_form.to_json(decoded, octets)))
    assert json_form.from_json(told) == decoded.msd
    msd_codec.structurally_plausible(octets)
    try:
        again = msd_codec.encode(decoded.msd)
    except MSDUnwritable:
        # Cut in a place without which it cannot be written, or with an identifier that is too long.
        assert decoded.oddities
        return
    assert replace(msd_codec.decode(again).msd, additional=None) == replace(
        decoded.msd, additional=None
    )


def control(octets: bytes) -> None:
    """A control document, whose names and references are of a size that a screen takes."""
    try:
        read: Control = parse_control(octets)
    except ControlInvalid:
        return
    for ack in read.acks:
        (again,) = parse_control(ack_xml(ack.ref, bool(ack.received))).acks
        assert again.received is bool(ack.received)
    for result in read.action_results:
        (result.reason + result.details).encode("utf-8")


def call_data(octets: bytes) -> None:
    """What a call sent, as everything that is made of it: items, entries, places, JSON.

    The first octet chooses what was fetched, handed over, or came by SIP.
    """
    choice, rest = octets[:1], octets[1:]
    via = tuple(Via)[(choice[0] if choice else 0) % len(Via)]
    media_type = "application/xml" if rest.startswith(b"<") else "application/json"
    kept = Kept("key", via, T0, rest, call_id="x", status=488, media_type=media_type)
    read = Read(kept, items_in(kept))
    made = [item_json(kept, n, item, test_called=False) for n, item in enumerate(read.items)]
    made.append(vehicle_of(None, [read]).as_json(now=T0, can_request=True))
    json.dumps(made).encode("utf-8")
    for item in story_of(read, ContactId("c")):
        assert len(item.key) <= KEY_CHARS_MAX
        if isinstance(item, LocationTold):
            assert item.location.received_at == T0
    assert read.refusal is None or len(read.refusal) <= 200


def call_data_file(octets: bytes) -> None:
    """A file of the spool, read or refused."""
    try:
        envelope = Envelope.parse(octets)
    except EnvelopeInvalid:
        return
    kept = Kept.of("a.info", envelope, now=T0)
    assert kept.received_at <= T0
    kept.call_id.encode("utf-8")


@dataclass(frozen=True)
class Target:
    """A function, and what the fuzzer begins with."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


_HEX = [
    bytes.fromhex(one["hex"])
    for kind in ("pdus", "malformed")
    for one in SAMPLES[kind]
    if len(one["hex"]) >= 2 * HEADER_BYTES
]
_AML = tuple(
    one["text"].encode() for kind in ("aml_valid", "aml_broken") for one in SAMPLES[kind]
) + tuple(one["body"].encode() for one in SAMPLES["aml_https"] if "body" in one)

TARGETS: Mapping[str, Target] = {
    "short_message": Target(
        short_message, (*(b"\0" + pdu[16:] for pdu in _HEX), b"\xc1" + GOOD.body)
    ),
    "description": Target(description, tuple(pdu[4:8] + pdu[16:] for pdu in _HEX)),
    "stream": Target(
        stream,
        tuple(pdu[4:8] + pdu[11:12] + len(pdu[16:]).to_bytes(2, "big") + pdu[16:] for pdu in _HEX),
    ),
    "raw_stream": Target(raw_stream, tuple(b"\x20" + pdu for pdu in _HEX)),
    "splitting": Target(
        splitting, ("Kur Jūs esat? €😀".encode(), b"a" * 161, "ā".encode() * 71, b"[" * 81)
    ),
    "aml": Target(aml, _AML),
    "msd": Target(msd, tuple(MESSAGES.values())),
    "control": Target(control, (REFUSED, CAPABLE)),
    "call_data": Target(
        call_data,
        (
            b"\0" + ecall(None, part(PIDF_TYPE, pidf()), headers=["Geolocation: <https://a/1>"]),
            b"\1" + info(REFUSED, CONTROL_TYPE),
            b"\3" + json.dumps({"msd_hex": car().hex(), "text": "x"}).encode(),
            b"\3<a><msdHex>" + car().hex().encode() + b"</msdHex></a>",
            b"\4" + pidf(),
        ),
    ),
    "call_data_file": Target(call_data_file, (line(ecall()), line(b"x", kind="answer"))),
}
"""By name."""
