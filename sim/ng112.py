"""Telephones that call 112 over IP (NG112): places of every shape by value and by reference,
Additional Data (RFC 7852), nested bodies; and telephones that get something wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from sim import pidf
from sim.sip import UA, Call, Header, Part, Voices, joined, nested
from sim.sip.ua import Compose

PIDF_TYPE: Final = "application/pidf+xml"
SERVICE: Final = "urn:service:sos"
BLOCKS_SPACE: Final = "urn:ietf:params:xml:ns:EmergencyCallData"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of Additional Data; ``purpose`` is that of Call-Info."""

    purpose: str
    content_type: str
    body: bytes
    by_url: str = ""
    """Where it lies; empty: it comes with the call."""


def _block(name: str, inside: str) -> Block:
    reference = "<DataProviderReference>ref-1@provider.example</DataProviderReference>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{BLOCKS_SPACE}:{name}">'
    body = f"{text}{reference}{inside}</{name}>\n".encode()
    return Block(f"EmergencyCallData.{name}", f"application/EmergencyCallData.{name}+xml", body)


BLOCKS: Final[Mapping[str, Block]] = {
    "ProviderInfo": _block(
        "ProviderInfo",
        "<DataProviderString>Testa operators</DataProviderString>"
        "<ProviderID>urn:nena:companyid:Test</ProviderID>"
        "<ProviderIDSeries>NENA</ProviderIDSeries>"
        "<TypeOfProvider>Telecom Provider</TypeOfProvider>"
        "<ContactURI>tel:+37167000000</ContactURI>",
    ),
    "ServiceInfo": _block(
        "ServiceInfo",
        "<ServiceEnvironment>Residence</ServiceEnvironment><ServiceType>wireless</ServiceType>"
        "<ServiceMobility>Mobile</ServiceMobility>",
    ),
    "DeviceInfo": _block(
        "DeviceInfo",
        "<DeviceClassification>smart</DeviceClassification><DeviceMfgr>Testa</DeviceMfgr>"
        "<DeviceModelNr>T1</DeviceModelNr>",
    ),
    "SubscriberInfo": _block(
        "SubscriberInfo",
        '<SubscriberData xmlns="urn:ietf:params:xml:ns:vcard-4.0"><vcard>'
        "<fn><text>Paraugs Pēteris</text></fn><lang><language-tag>lv</language-tag></lang>"
        "</vcard></SubscriberData>",
    ),
    "Comment": _block("Comment", '<Comment xml:lang="en">Caller is hard of hearing</Comment>'),
}


@dataclass(frozen=True, slots=True)
class Place:
    """One place that goes with a call; ``url``: it lies there and is not sent."""

    body: bytes = b""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a telephone puts into its INVITE beside SDP."""

    parts: tuple[Part, ...] = ()
    headers: tuple[Header, ...] = ()
    compose: Compose | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call has with it; ``nested``: each sort of parts in a body of its own."""

    places: tuple[Place, ...] = ()
    blocks: tuple[Block, ...] = ()
    identifiers: bool = False
    """Call and incident identifiers, as an emergency network adds them."""
    nested: bool = False
    reversed: bool = False
    """SDP comes last."""
    headers: tuple[Header, ...] = field(default_factory=tuple)

    def sent(self, host: str) -> Sent:
        """Write it."""
        parts: list[Part] = []
        lines: list[Header] = []
        for number, place in enumerate(self.places):
            if place.url:
                lines.append(("Geolocation", f"<{place.url}>"))
                continue
            name = f"place{number}@{host}"
            parts.append(Part(PIDF_TYPE, place.body, content_id=name))
            lines.append(("Geolocation", f"<cid:{name}>"))
        if self.places:
            lines.append(("Geolocation-Routing", "yes"))
        for number, block in enumerate(self.blocks):
            if block.by_url:
                lines.append(("Call-Info", f"<{block.by_url}>;purpose={block.purpose}"))
                continue
            name = f"block{number}@{host}"
            parts.append(
                Part(block.content_type, block.body, content_id=name, disposition="by-reference")
            )
            lines.append(("Call-Info", f"<cid:{name}>;purpose={block.purpose}"))
        if self.identifiers:
            for sort, tail in (("Call", "callid:a56e556d871"), ("Incident", "incidentid:b1a2c3")):
                urn = f"urn:emergency:uid:{tail}:bcf.example"
                lines.append(("Call-Info", f"<{urn}>;purpose=emergency-{sort}Id"))
        return Sent(tuple(parts), (*lines, *self.headers), self._compose(parts))

    def _compose(self, parts: Sequence[Part]) -> Compose | None:
        def made(sdp: Part) -> tuple[str, bytes]:
            inner = [nested(list(parts))] if self.nested and parts else list(parts)
            whole = [*inner, sdp] if self.reversed else [sdp, *inner]
            return joined(whole)

        return made if self.nested or self.reversed else None


class NG112Phone:
    """One telephone; ``async with`` opens and closes it."""

    def __init__(
        self,
        next_hop: str,
        *,
        number: str = "+37128000000",
        host: str = "127.0.0.1",
        protocol: str = "udp",
        tone: int | None = None,
        **agent: Any,
    ) -> None:
        self.number = number
        self.voices = None if tone is None else Voices(tone)
        self.ua = UA(host, user=number, next_hop=next_hop, protocol=protocol, **agent)

    async def __aenter__(self) -> Self:
        await self.ua.__aenter__()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.ua.__aexit__(*failure)

    async def call(
        self,
        wish: Wish | None = None,
        *,
        service: str = SERVICE,
        headers: Iterable[Header] = (),
        **options: Any,
    ) -> Call:
        """Call and give the call at once; raises `CallFailed`. Options are those of `UA.call`."""
        sent = (wish or Wish()).sent(self.ua.host)
        identity = ("P-Asserted-Identity", f"<sip:{self.number}@{self.ua.host}>")
        return await self.ua.call(
            service,
            parts=sent.parts,
            compose=sent.compose,
            headers=[identity, *sent.headers, *headers],
            voices=self.voices,
            **options,
        )


def place(shape: str, latitude: float, longitude: float, **options: Any) -> Place:
    """A place of a shape (`pidf.SHAPES`) by value."""
    return Place(pidf.document(pidf.SHAPES[shape](latitude, longitude), **options))
