"""Messages at the limits of what SIP's grammar allows, and beyond them (RFC 4475, all 49).

Written anew from the RFC's descriptions: each message has the property its clause is about, and is
addressed to what is tested here. So a good message is one that a caller in need might send, and its
acceptance shows. ``TORTURE`` has them by the RFC's short names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim.sipp.ends import CRLF, Ends, invite, other, request

SILENCE = "-"
LONG = 300
"""Characters of one long value: with all of them a message stays below one datagram."""
VIAS = 34
"""Hops of the long request, as many as the RFC's."""

Build = Callable[[Ends], bytes]


@dataclass(frozen=True, slots=True)
class Torture:
    """One message. ``allowed`` has the first digits of the final answers in order; ``-``: none.

    From a known peer, that is; whoever is unknown may always be met with silence.
    """

    clause: str
    allowed: str
    build: Build


def _wsinv(e: Ends, cseq: tuple[str, ...] = ("cseq: 0009", "  INVITE")) -> bytes:
    lines = (
        f"INVITE {e.uri};unknownparam SIP/2.0",
        "TO :",
        f" <{e.uri}>",
        f'from   : "J Rosenberg \\\\\\"" <{e.contact}>',
        "  ;",
        f"  tag = {e.tag}",
        "MaX-fOrWaRdS: 0068",
        f"Call-ID: {e.call_id}",
        "Content-Length   : " + str(len(e.sdp())),
        *cseq,
        f"Via  : SIP  /   2.0 /{e.transport}",
        f"    {e.here};rport;branch={e.branch}",
        "s :",
        "NewFangledHeader:   newfangled value",
        " continued newfangled value",
        "UnknownHeaderWithUnusualValue: ;;,,;;,;",
        "Content-Type: application/sdp",
        f"Route: <sip:{e.peer};lr;unknownwith=value;unknown-no-value>",
        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;",
        "  branch  =   z9hG4bK9ikj8  ,",
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=",
        " z9hG4bK30239",
        f'm:"Quoted string \\"\\"" <{e.contact}> ; newparam =',
        "      newvalue ;",
        "  secondparam ; q = 0.33",
    )
    return "\r\n".join(lines).encode() + CRLF * 2 + e.sdp()


def _intmeth(e: Ends, header: str = "extensionHeader-!.%*+_`'~:\ufeff大停電") -> bytes:
    method = "!interesting-Method0123456789_*+`.%indeed'~"
    user = "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    name = "BEL:\\\a NUL:\\\0 DEL:\\\x7f"
    change = {
        "To": f'"{name}" <sip:{user}@{e.peer}>',
        "From": f"token1~` token2'+_ token3*%!.- <{e.contact};fromParam''~+*_!.-%=\"работает\">"
        f";tag={e.tag}",
        "Call_ID": f"intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}}{{{e.call_id}",
        "CSeq": f"139122385 {method}",
    }
    uri = f"sip:{user}:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@{e.peer}"
    return other(e, method, uri, header, **change)


def _longreq(e: Ends) -> bytes:
    long = "long" * (LONG // 4)
    vias = ", ".join(f"SIP/2.0/TCP sip{n}.example.com;branch=z9hG4bK{n}" for n in range(VIAS - 1))
    return invite(
        e,
        To=f'"I have a user name of {long}" <{e.uri};unknown{long}param={long}value>',
        From=f"<{e.contact};unknown{long}name={long}value>;tag=12{'9' * LONG}424;unknown{long}=q",
        Call_ID=f"{e.call_id}.{'really' * 40}longcallid",
        Contact=f"<{e.contact}?amazinglylongheader={long}>",
        more=(
            f"Unknown-{long}-Name: unknown-{long}-value; unknown-{long}-parameter",
            f"Via: {vias}",
        ),
    )


def _dblreq(e: Ends) -> bytes:
    second = Ends(e.host, e.port, e.local_host, e.local_port, e.transport)
    return invite(e) + invite(second)


def _mpart01(e: Ends) -> bytes:
    sealed = bytes(range(256)) * 2
    body = (
        b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n"
        b"Hello\r\n--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"Content-Disposition: Attachment; filename=smime.p7s; handling=required\r\n\r\n"
        + sealed
        + b"\r\n--7a9cbec02ceef655--\r\n"
    )
    kind = "multipart/mixed;boundary=7a9cbec02ceef655"
    headers = e.headers("MESSAGE", Contact=None) | {"MIME-Version": "1.0", "Content-Type": kind}
    return request(f"MESSAGE {e.uri} SIP/2.0", headers, body)


def _answer(e: Ends, line: str, sequence: str = "35 INVITE", *more: str, via: str = "") -> bytes:
    """Write an answer that nobody waits for. Who passes it on by its second Via shows that."""
    via = f"SIP/2.0/{e.transport} {e.peer};branch={e.branch}, " + (via or e.via)
    headers = e.headers("INVITE", CSeq=sequence, To=f"<{e.uri}>;tag=1839", Max_Forwards=None)
    return request(line, headers | {"Via": via}, more=more)


def _multi01(e: Ends) -> bytes:
    twice = (
        "CSeq: 59 INVITE",
        "Call-ID: another.one@example.com",
        "From: <sip:other@example.com>;tag=3413415",
        "To: <sip:user@example.com>",
        "Max-Forwards: 5",
    )
    return invite(e, more=twice)


def _inv2543(e: Ends) -> bytes:
    lines = (
        f"INVITE {e.uri} SIP/2.0",
        f"Via: SIP/2.0/{e.transport} {e.here}",
        f"From: <{e.contact}>",
        f"Record-Route: <{e.uri};maddr={e.host}>",
        f"To: {e.uri}",
        f"Call-ID: {e.call_id}",
        "CSeq: 56 INVITE",
        "Content-Type: application/sdp",
    )
    return "\r\n".join(lines).encode() + CRLF * 2 + e.sdp()


VALID = {
    # Kamailio reads no CSeq that goes over two lines, and drops what it cannot read.
    "wsinv": Torture("3.1.1.1", "2-", _wsinv),
    "wsinv-cseq-in-one-line": Torture("3.1.1.1", "2", lambda e: _wsinv(e, ("cseq: 0009  INVITE",))),
    # Nor a header whose name has such characters.
    "intmeth": Torture("3.1.1.2", "45-", _intmeth),
    "intmeth-plain-header": Torture(
        "3.1.1.2", "45", lambda e: _intmeth(e, "extension-Header:\ufeff大停電")
    ),
    "esc01": Torture(
        "3.1.1.3",
        "2",
        lambda e: invite(e, start=f"INVITE sip:%311%32@{e.peer} SIP/2.0"),
    ),
    "escnull": Torture(
        "3.1.1.4",
        "45",
        lambda e: other(
            e,
            "REGISTER",
            To=f"<sip:null-%00-null@{e.peer}>",
            From=f"<sip:null-%00-null@{e.peer}>;tag={e.tag}",
            Contact=f"<sip:%00@{e.here}>",
        ),
    ),
    "esc02": Torture(
        "3.1.1.5",
        "45",
        lambda e: other(
            e,
            "RE%47IST%45R",
            To=f'"%Z%45" <sip:resource@{e.peer}>',
            Contact=f"<sip:alias%2E@{e.here}>",
        ),
    ),
    "lwsdisp": Torture(
        "3.1.1.6", "2", lambda e: other(e, "OPTIONS", From=f"caller<{e.contact}>;tag={e.tag}")
    ),
    "longreq": Torture("3.1.1.7", "2", _longreq),
    "dblreq": Torture("3.1.1.8", "2", _dblreq),
    "semiuri": Torture(
        "3.1.1.9",
        "24",
        lambda e: other(e, "OPTIONS", f"sip:user;par=u%40example.net@{e.peer}"),
    ),
    "transports": Torture(
        "3.1.1.10",
        "2",
        lambda e: other(
            e,
            "OPTIONS",
            None,
            *(
                f"Via: SIP/2.0/{kind} t{n}.example.com;branch=z9hG4bK{n}"
                for n, kind in enumerate(("SCTP", "TLS", "UNKNOWN", "TCP"))
            ),
        ),
    ),
    "mpart01": Torture("3.1.1.11", "245", _mpart01),
    "unreason": Torture(
        "3.1.1.12",
        SILENCE,
        lambda e: _answer(e, "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое"),
    ),
    "noreason": Torture("3.1.1.13", SILENCE, lambda e: _answer(e, "SIP/2.0 100 ")),
}
"""§3.1.1: in order, however they look."""

INVALID = {
    "badinv01": Torture(
        "3.1.2.1",
        "4-",
        lambda e: invite(
            e,
            Via=e.via + ";;,;,,",
            Contact=f'"Joe" <{e.contact}>;;;;',
            Accept=" application/sdp,,;",
        ),
    ),
    # The RFC would have 400; but what is there may be enough to hear the caller.
    "clerr": Torture("3.1.2.2", "24-", lambda e: invite(e, length="9999")),
    "ncl": Torture("3.1.2.3", "4-", lambda e: invite(e, length="-999")),
    "scalar02": Torture(
        "3.1.2.4",
        "4-",
        lambda e: invite(
            e,
            CSeq="36893488147419103232 INVITE",
            Max_Forwards="300",
            Expires="1" + "0" * 100,
            Contact=f"<{e.contact}>;expires=280297596632815",
        ),
    ),
    "scalarlg": Torture(
        "3.1.2.5",
        SILENCE,
        lambda e: _answer(
            e,
            "SIP/2.0 503 Service Unavailable",
            "9292394834772304023312 OPTIONS",
            "Retry-After: 949302838503028349304023988",
            'Warning: 1812 overture "In Progress"',
        ),
    ),
    "quotbal": Torture("3.1.2.6", "4-", lambda e: invite(e, To=f'"Mr. J. User <{e.uri}>')),
    "ltgtruri": Torture("3.1.2.7", "4-", lambda e: invite(e, start=f"INVITE <{e.uri}> SIP/2.0")),
    "lwsruri": Torture("3.1.2.8", "4-", lambda e: invite(e, start=f"INVITE {e.uri}; lr SIP/2.0")),
    "lwsstart": Torture("3.1.2.9", "24-", lambda e: invite(e, start=f"INVITE  {e.uri}  SIP/2.0")),
    "trws": Torture("3.1.2.10", "24-", lambda e: invite(e, start=f"INVITE {e.uri} SIP/2.0  ")),
    "escruri": Torture(
        "3.1.2.11",
        "24-",
        lambda e: invite(e, start=f"INVITE {e.uri}?Route=%3Csip:example.com%3E SIP/2.0"),
    ),
    "baddate": Torture(
        "3.1.2.12", "24-", lambda e: invite(e, Date="Fri, 01 Jan 2010 16:00:00 EST")
    ),
    "regbadct": Torture(
        "3.1.2.13",
        "4-",
        lambda e: other(e, "REGISTER", Contact=f"{e.contact}?Route=%3Csip:sip.example.com%3E"),
    ),
    "badaspec": Torture(
        "3.1.2.14", "24-", lambda e: other(e, "OPTIONS", To=f'"Watson" < sip:t.watson @ {e.peer} >')
    ),
    "baddn": Torture(
        "3.1.2.15", "24-", lambda e: other(e, "OPTIONS", To=f"Bell, Alexander <sip:a.g@{e.peer}>")
    ),
    "badvers": Torture("3.1.2.16", "45-", lambda e: invite(e, start=f"INVITE {e.uri} SIP/7.0")),
    "mismatch01": Torture("3.1.2.17", "4-", lambda e: other(e, "OPTIONS", CSeq="8 INVITE")),
    "mismatch02": Torture("3.1.2.18", "45-", lambda e: other(e, "NEWMETHOD", CSeq="8 INVITE")),
    "bigcode": Torture("3.1.2.19", SILENCE, lambda e: _answer(e, "SIP/2.0 4294967301 better not")),
}
"""§3.1.2: against the grammar."""

TRANSACTION = {
    "badbranch": Torture(
        "3.2.1",
        "24-",
        lambda e: other(e, "OPTIONS", Via=f"SIP/2.0/{e.transport} {e.here};rport;branch=z9hG4bK"),
    ),
}

APPLICATION = {
    "insuf": Torture("3.3.1", "4-", lambda e: invite(e, Call_ID=None, From=None, To=None)),
    "unkscm": Torture(
        "3.3.2", "4-", lambda e: other(e, "OPTIONS", "nobodyKnowsThisScheme:totallyopaquecontent")
    ),
    "novelsc": Torture(
        "3.3.3", "4-", lambda e: other(e, "OPTIONS", "soap.beep://192.0.2.103:3002")
    ),
    "unksm2": Torture(
        "3.3.4",
        "24-",
        lambda e: invite(e, To="<isbn:2983792873>", From=f"<http://www.example.com>;tag={e.tag}"),
    ),
    "bext01": Torture(
        "3.3.5",
        "4",
        lambda e: invite(
            e,
            Require="nothingSupportsThis, nothingSupportsThisEither",
            Proxy_Require="noProxiesSupportThis, norDoAnyProxiesSupportThis",
        ),
    ),
    "invut": Torture(
        "3.3.6",
        "24",
        lambda e: invite(
            e, Content_Type="application/unknownformat", body=b"<audio>\r\n <pcmu/>\r\n</audio>\r\n"
        ),
    ),
    "regaut01": Torture(
        "3.3.7",
        "4-",
        lambda e: other(e, "REGISTER", Authorization="NoOneKnowsThisScheme opaque-data=here"),
    ),
    "multi01": Torture("3.3.8", "4-", _multi01),
    "mcl01": Torture("3.3.9", "24-", lambda e: other(e, "OPTIONS", None, "Content-Length: 5")),
    "bcast": Torture(
        "3.3.10",
        SILENCE,
        lambda e: _answer(e, "SIP/2.0 200 OK", via="SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1"),
    ),
    "zeromf": Torture("3.3.11", "24", lambda e: other(e, "OPTIONS", Max_Forwards="0")),
    "cparam01": Torture(
        "3.3.12", "4-", lambda e: other(e, "REGISTER", Contact=f"{e.contact};unknownparam")
    ),
    "cparam02": Torture(
        "3.3.13", "4-", lambda e: other(e, "REGISTER", Contact=f"<{e.contact};unknownparam>")
    ),
    "regescrt": Torture(
        "3.3.14",
        "4-",
        lambda e: other(e, "REGISTER", Contact=f"<{e.contact}?Route=%3Csip:sip.example.com%3E>"),
    ),
    "sdp01": Torture("3.3.15", "24", lambda e: invite(e, Accept="text/nobodyKnowsThis")),
}
"""§3.3: in order, but it asks too much or says the impossible."""

OLD = {"inv2543": Torture("3.4.1", "24", _inv2543)}
"""§3.4: from before RFC 3261."""

TORTURE: Mapping[str, Torture] = VALID | INVALID | TRANSACTION | APPLICATION | OLD
