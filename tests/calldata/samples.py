"""Calls of cars and telephones as the edge receives them, and the files that Asterisk makes."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ccserver.ecall import control, msd
from ccserver.ecall.values import MSD, Energy, VehicleType

T0 = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
CONTACT = "7a4e2c10-94f2-4b0e-8f6c-2b8f0c9d2e02"
CALL_ID = "3848276298220188511@car.example"
AUTOMATIC = "urn:service:sos.ecall.automatic"
MSD_TYPE = "application/EmergencyCallData.eCall.MSD"
CONTROL_TYPE = "application/EmergencyCallData.Control+xml"
PIDF_TYPE = "application/pidf+xml"
BOUNDARY = "boundary1"

CAR = MSD(
    version=3,
    message_identifier=1,
    automatic_activation=True,
    test_call=False,
    position_can_be_trusted=True,
    vehicle_type=VehicleType.M1,
    vin="WVWZZZ1JZXW000001",
    propulsion=frozenset({Energy.GASOLINE}),
    timestamp=int(T0.timestamp()) - 4,
    position_latitude=round(56.9496 * 3_600_000),
    position_longitude=round(24.1052 * 3_600_000),
    vehicle_direction=45,
    recent_locations=((-10, 5), (-12, 6)),
    number_of_occupants=2,
)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def car(number: int = 1, **changed: object) -> bytes:
    """The MSD of a car, by default the first of an eCall."""
    return msd.encode(replace(CAR, message_identifier=number, **changed))  # type: ignore[arg-type]


def pidf(lat: float = 56.95, lon: float = 24.11, radius_m: float = 30) -> bytes:
    return (
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:car@example">'
        '<tuple id="t1"><status><geopriv xmlns="urn:ietf:params:xml:ns:pidf:geopriv10">'
        '<location-info><gs:Circle xmlns:gs="http://www.opengis.net/pidflo/1.0" '
        'xmlns:gml="http://www.opengis.net/gml" srsName="urn:ogc:def:crs:EPSG::4326">'
        f"<gml:pos>{lat} {lon}</gml:pos>"
        f'<gs:radius uom="urn:ogc:def:uom:EPSG::9001">{radius_m}</gs:radius></gs:Circle>'
        "</location-info></geopriv></status></tuple></presence>"
    ).encode()


def part(content_type: str, octets: bytes, content_id: str = "", *, encoding: str = "") -> bytes:
    """One part with its headers."""
    head = f"Content-Type: {content_type}\r\n"
    if content_id:
        head += f"Content-ID: <{content_id}>\r\nContent-Disposition: by-reference\r\n"
    if encoding:
        head += f"Content-Transfer-Encoding: {encoding}\r\n"
    return head.encode() + b"\r\n" + octets


def multipart(*parts: bytes, boundary: str = BOUNDARY, end: str = "--") -> bytes:
    delimiter = f"--{boundary}".encode()
    body = b"".join(delimiter + b"\r\n" + one + b"\r\n" for one in parts)
    return body + delimiter + end.encode() + b"\r\n"


SDP = part("application/sdp", b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n")
CAPABILITIES = part(CONTROL_TYPE, control.capabilities_xml(), "control@car")


def message(
    body: bytes,
    *headers: str,
    start: str = f"INVITE {AUTOMATIC} SIP/2.0",
    content_type: str = f"multipart/mixed;boundary={BOUNDARY}",
    length: int | None = None,
) -> bytes:
    head = [
        start,
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "From: <sip:car@car.example>;tag=1",
        f"To: <{AUTOMATIC}>",
        f"Call-ID: {CALL_ID}",
        "CSeq: 1 INVITE",
        *headers,
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def ecall(octets: bytes | None = None, *more: bytes, headers: Sequence[str] = ()) -> bytes:
    """The INVITE of a car with this MSD and what else it sends."""
    told = car() if octets is None else octets
    return message(
        multipart(SDP, part(MSD_TYPE, told, "msd@car"), CAPABILITIES, *more),
        "Call-Info: <cid:msd@car>;purpose=EmergencyCallData.eCall.MSD",
        "Recv-Info: EmergencyCallData.eCall.MSD",
        *headers,
    )


def info(octets: bytes, content_type: str = MSD_TYPE) -> bytes:
    """A later INFO of the car."""
    return message(
        multipart(part(content_type, octets, "again@car")),
        "Info-Package: EmergencyCallData.eCall.MSD",
        start="INFO sip:112@edge SIP/2.0",
    )


def line(
    octets: bytes,
    *,
    kind: str = "invite",
    seconds: float = 0.0,
    contact_id: str = CONTACT,
    call_id: str = CALL_ID,
    service: str = AUTOMATIC,
    ack: str = "received",
    cut: str = "",
    status: str = "",
    end: str = "|.\n",
) -> bytes:
    """A file of the spool, as the dialplan writes it."""
    stamp = f"{at(seconds).timestamp():.3f}"
    told = base64.b64encode(b"." + call_id.encode()).decode()
    data = base64.b64encode(octets).decode()
    fields = ("1", kind, stamp, contact_id, told, "operator", service, ack, cut, status, data)
    return ("|".join(fields) + end).encode()


def put(directory: Path, data: bytes, name: str = f"{CONTACT}.invite") -> Path:
    """Lay a file into the spool at once, as the dialplan does."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_bytes(data)
    return path
