"""Messages that speak of IPv6 (RFC 5118), as far as they can be sent where IPv4 is spoken.

The addresses lie in headers and bodies; who sends and who is asked have IPv4 addresses, so the
topmost Via and the Request-URI of a good call are as ever. ``TORTURE6`` has them by names that
follow the RFC's clauses.
"""

from collections.abc import Mapping

from sim.sipp.ends import Ends, invite, other
from sim.sipp.torture import Torture

V6 = "2001:db8::9:1"


def _sdp6(e: Ends, *media: str) -> bytes:
    lines = ("v=0", f"o=- 1 1 IN IP6 {V6}", "s=-", f"c=IN IP6 {V6}", "t=0 0")
    last = media or ("m=audio 9 RTP/AVP 8", "a=rtpmap:8 PCMA/8000")
    return "\r\n".join((*lines, *last, "")).encode()


TORTURE6: Mapping[str, Torture] = {
    "reference": Torture(
        "4.1",
        "24",
        lambda e: invite(
            e,
            Contact=f"<sip:caller@[{V6}]:5070>",
            From=f"<sip:+37120000000@[{V6}]>;tag={e.tag}",
            more=(f"Via: SIP/2.0/UDP [{V6}];branch=z9hG4bKas3-111",),
        ),
    ),
    "no-brackets": Torture(
        "4.2", "4-", lambda e: invite(e, start=f"INVITE sip:112@{V6} SIP/2.0", To="<sip:112@x>")
    ),
    "port-ambiguous": Torture(
        "4.3", "24-", lambda e: other(e, "OPTIONS", "sip:[2001:db8::10:5070]")
    ),
    "port-unambiguous": Torture(
        "4.4", "24-", lambda e: other(e, "OPTIONS", "sip:[2001:db8::10]:5070")
    ),
    "received-brackets": Torture(
        "4.5",
        "2",
        lambda e: other(
            e,
            "OPTIONS",
            None,
            "Via: SIP/2.0/UDP [2001:db8::9:255];received=[2001:db8::9:255];branch=z9hG4bKas3",
        ),
    ),
    "received-bare": Torture(
        "4.5",
        "2",
        lambda e: other(
            e,
            "OPTIONS",
            None,
            "Via: SIP/2.0/UDP [2001:db8::9:255];received=2001:db8::9:255;branch=z9hG4bKas3",
        ),
    ),
    "sdp": Torture("4.6", "24", lambda e: invite(e, body=_sdp6(e))),
    "both-in-headers": Torture(
        "4.7",
        "2",
        lambda e: invite(
            e,
            more=(
                "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKas3;received=192.0.2.200",
                f"Via: SIP/2.0/UDP [{V6}]:6050;branch=z9hG4bKas4;received=[2001:db8:ffff::a]",
            ),
        ),
    ),
    "both-in-sdp": Torture(
        "4.8",
        "24",
        lambda e: invite(
            e,
            body=_sdp6(
                e,
                "m=audio 6000 RTP/AVP 8",
                f"c=IN IP4 {e.local_host}",
                "a=rtpmap:8 PCMA/8000",
                "m=video 6024 RTP/AVP 107",
                "a=rtpmap:107 H263-1998/90000",
            ),
        ),
    ),
    "mapped": Torture(
        "4.9",
        "24",
        lambda e: invite(
            e,
            Contact=f"<sip:caller@[::ffff:{e.local_host}]:{e.local_port}>",
            body=e.sdp().replace(
                f"c=IN IP4 {e.local_host}".encode(), f"c=IN IP6 ::ffff:{e.local_host}".encode()
            ),
        ),
    ),
    "three-colons": Torture(
        "4.10", "24-", lambda e: other(e, "OPTIONS", "sip:user@[2001:db8:::192.0.2.1]")
    ),
}
