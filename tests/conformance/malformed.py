"""Calls for help whose message is unusual or wrong, and what is in order for each."""

import base64
import gzip
import quopri
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim.sipp.ends import CRLF, Ends, invite, request

SERVICE = "urn:service:sos"
BOUNDARY = "simple-boundary"
MANY_PARTS = 200
DEEP = 30
LARGE_BYTES = 50_000


@dataclass(frozen=True, slots=True)
class Unusual:
    """``voice``: the caller must be heard. Otherwise a refusal (4xx) is in order too."""

    build: Callable[[Ends], bytes]
    voice: bool = True


def help_call(
    e: Ends,
    body: bytes,
    kind: str | None = f"multipart/mixed;boundary={BOUNDARY}",
    *,
    uri: str = SERVICE,
    more: tuple[str, ...] = (),
) -> bytes:
    """A call to a service with this body."""
    lines = (*([f"Content-Type: {kind}"] if kind is not None else []), *more)
    headers = e.headers("INVITE", To=f"<{uri}>")
    return request(f"INVITE {uri} SIP/2.0", headers, body, more=lines)


def part(kind: str, body: bytes, *more: str) -> bytes:
    """One part with its headers."""
    return "\r\n".join((f"Content-Type: {kind}", *more)).encode() + CRLF * 2 + body


def multipart(*parts: bytes, boundary: str = BOUNDARY, close: bool = True) -> bytes:
    """The parts between their boundaries."""
    mark = b"--" + boundary.encode()
    inside = b"".join(mark + CRLF + each + CRLF for each in parts)
    return inside + (mark + b"--" + CRLF if close else b"")


def sdp(e: Ends, *more: str) -> bytes:
    """The part that offers audio."""
    return part("application/sdp", e.sdp(), *more)


PIDF = part("application/pidf+xml", b"<presence/>")


def _nested(e: Ends) -> bytes:
    inner, kind = e.sdp(), "application/sdp"
    for depth in range(DEEP):
        name = f"level{depth}"
        inner = multipart(part(kind, inner), boundary=name)
        kind = f"multipart/mixed;boundary={name}"
    return help_call(e, inner, kind)


def _boundary(written: str, real: str) -> Callable[[Ends], bytes]:
    return lambda e: help_call(
        e, multipart(sdp(e), PIDF, boundary=real), f"multipart/mixed;boundary={written}"
    )


def _plain(*more: str) -> Callable[[Ends], bytes]:
    return lambda e: help_call(e, e.sdp(), "application/sdp", more=more)


def _to(uri: str) -> Callable[[Ends], bytes]:
    return lambda e: help_call(e, e.sdp(), "application/sdp", uri=uri)


def _compact(e: Ends) -> bytes:
    short = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m"}
    headers = {short.get(n, n): v for n, v in e.headers("INVITE", To=f"<{SERVICE}>").items()}
    body = multipart(sdp(e), PIDF)
    lines = (f"c: multipart/mixed;boundary={BOUNDARY}", f"l: {len(body)}")
    return request(f"INVITE {SERVICE} SIP/2.0", headers, body, more=lines, length=None)


UNUSUAL: Mapping[str, Unusual] = {
    "urn-in-capitals": Unusual(_to("URN:SERVICE:SOS.ECALL.AUTOMATIC")),
    "urn-of-an-unknown-child": Unusual(_to("urn:service:sos.unheard-of.even-more")),
    "urn-in-to-alone": Unusual(
        lambda e: invite(e, To="<urn:service:sos>", start=f"INVITE {e.uri} SIP/2.0")
    ),
    "urn-in-request-uri-alone": Unusual(lambda e: invite(e, start=f"INVITE {SERVICE} SIP/2.0")),
    "urn-of-no-emergency": Unusual(_to("urn:service:counseling"), voice=False),
    "tel-uri": Unusual(_to("tel:112;phone-context=+371")),
    "from-tel": Unusual(
        lambda e: invite(
            e,
            start=f"INVITE {SERVICE} SIP/2.0",
            From=f"<tel:+37120000000>;tag={e.tag}",
            To="<tel:112;phone-context=+371>",
        )
    ),
    "from-nobody": Unusual(
        lambda e: invite(
            e,
            start=f"INVITE {SERVICE} SIP/2.0",
            From=f'"Anonymous" <sip:anonymous@anonymous.invalid>;tag={e.tag}',
            more=("P-Asserted-Identity: <tel:+37120000000>", "Privacy: id"),
        )
    ),
    "from-sips": Unusual(
        lambda e: invite(
            e,
            start=f"INVITE {SERVICE} SIP/2.0",
            From=f"<sips:+37120000000@{e.here}>;tag={e.tag}",
        )
    ),
    "sip-uri-with-context": Unusual(
        lambda e: invite(e, start=f"INVITE sip:112;phone-context=+371@{e.peer};user=phone SIP/2.0")
    ),
    "requires-what-nobody-knows": Unusual(_plain("Require: geolocation-2030")),
    "accepts-nothing-of-ours": Unusual(_plain("Accept: application/unheard-of")),
    "claims-to-be-the-edge": Unusual(
        _plain("X-CCServer-Edge: " + "0" * 32, "X-CCServer-Data-1: AAAA")
    ),
    "compact-headers": Unusual(_compact),
    "type-in-capitals": Unusual(lambda e: help_call(e, e.sdp(), "APPLICATION/SDP")),
    "no-type": Unusual(lambda e: help_call(e, multipart(sdp(e)), None), voice=False),
    "type-is-no-type": Unusual(lambda e: help_call(e, multipart(sdp(e)), "multipart"), voice=False),
    "two-types": Unusual(
        lambda e: help_call(
            e,
            multipart(sdp(e)),
            "application/sdp",
            more=(f"Content-Type: multipart/mixed;boundary={BOUNDARY}",),
        ),
        voice=False,
    ),
    "boundary-in-quotes-with-spaces": Unusual(_boundary('"two words"', "two words")),
    "boundary-of-signs": Unusual(_boundary('"\'()+_,-./:=?"', "'()+_,-./:=?")),
    "boundary-of-70": Unusual(_boundary("b" * 70, "b" * 70)),
    "boundary-of-500": Unusual(_boundary("b" * 500, "b" * 500), voice=False),
    "boundary-empty": Unusual(_boundary('""', ""), voice=False),
    "boundary-missing": Unusual(
        lambda e: help_call(e, multipart(sdp(e)), "multipart/mixed"), voice=False
    ),
    "boundary-never-comes": Unusual(_boundary("another", BOUNDARY), voice=False),
    "boundary-after-the-offer-damaged": Unusual(
        lambda e: help_call(
            e,
            multipart(sdp(e), part("text/plain", b"x"), PIDF).replace(
                b"--simple-boundary\r\nContent-Type: text", b"-simple-boundry\r\nContent-Type: text"
            ),
        )
    ),
    "noise-after-the-offer": Unusual(
        lambda e: help_call(e, multipart(part("application/sdp", e.sdp() + bytes(range(256)))))
    ),
    "preamble-and-epilogue": Unusual(
        lambda e: help_call(e, b"This is MIME.\r\n" + multipart(sdp(e), PIDF) + b"The end.\r\n")
    ),
    "not-closed": Unusual(lambda e: help_call(e, multipart(sdp(e), PIDF, close=False))),
    "cut-off": Unusual(lambda e: help_call(e, multipart(sdp(e), PIDF)[:-40])),
    "bare-line-ends": Unusual(
        lambda e: help_call(e, multipart(sdp(e), PIDF).replace(b"\r\n", b"\n")), voice=False
    ),
    "sdp-in-base64": Unusual(
        lambda e: help_call(
            e,
            multipart(
                part(
                    "application/sdp",
                    base64.encodebytes(e.sdp()),
                    "Content-Transfer-Encoding: base64",
                )
            ),
        )
    ),
    "sdp-in-quoted-printable": Unusual(
        lambda e: help_call(
            e,
            multipart(
                part(
                    "application/sdp",
                    quopri.encodestring(e.sdp(), quotetabs=True)
                    .replace(b"\r\n", b"\n")
                    .replace(b"\n", CRLF),
                    "Content-Transfer-Encoding: quoted-printable",
                )
            ),
        )
    ),
    "sdp-packed": Unusual(
        lambda e: help_call(
            e, gzip.compress(e.sdp()), "application/sdp", more=("Content-Encoding: gzip",)
        ),
        voice=False,
    ),
    "two-offers": Unusual(lambda e: help_call(e, multipart(sdp(e), sdp(e)))),
    "offer-of-video-alone": Unusual(
        lambda e: help_call(
            e, e.sdp().replace(b"m=audio 9 RTP/AVP 8", b"m=video 9 RTP/AVP 99"), "application/sdp"
        ),
        voice=False,
    ),
    "offer-without-lines": Unusual(
        lambda e: help_call(e, b"v=0\r\n", "application/sdp"), voice=False
    ),
    "offer-of-noise": Unusual(
        lambda e: help_call(e, bytes(range(256)) * 4, "application/sdp"), voice=False
    ),
    "many-parts-offer-first": Unusual(
        lambda e: help_call(e, multipart(sdp(e), *[PIDF] * MANY_PARTS))
    ),
    "many-parts-offer-last": Unusual(
        lambda e: help_call(e, multipart(*[PIDF] * MANY_PARTS, sdp(e))), voice=False
    ),
    "nested-thirty-times": Unusual(_nested, voice=False),
    "large": Unusual(
        lambda e: help_call(
            e, multipart(sdp(e), part("image/jpeg", bytes(range(256)) * (LARGE_BYTES // 256)))
        )
    ),
    "part-without-headers": Unusual(lambda e: help_call(e, multipart(CRLF + b"text", sdp(e)))),
    "part-of-nothing": Unusual(lambda e: help_call(e, multipart(b"", sdp(e)))),
    "call-info-of-300": Unusual(
        lambda e: help_call(
            e,
            e.sdp(),
            "application/sdp",
            more=tuple(
                f"Call-Info: <cid:{n}@x>;purpose=EmergencyCallData.Comment" for n in range(300)
            ),
        )
    ),
    "geolocation-of-8000": Unusual(
        lambda e: help_call(
            e, e.sdp(), "application/sdp", more=("Geolocation: <cid:" + "g" * 8000 + ">",)
        )
    ),
    "geolocation-of-noise": Unusual(
        lambda e: help_call(
            e, e.sdp(), "application/sdp", more=('Geolocation: <<<;;,,"\udcff\udc80',)
        )
    ),
}
