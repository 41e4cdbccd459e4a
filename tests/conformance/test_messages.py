"""The torture messages are what their names say: all of the RFCs', each with its one property, and
otherwise in order.
"""

import re

import pytest

from sim.sipp.ends import Ends, headers
from sim.sipp.torture import SILENCE, TORTURE
from sim.sipp.torture6 import TORTURE6

ENDS = Ends("127.0.0.1", 5060, "127.0.1.9", 4000)
CLAUSES = 49
"""Messages that RFC 4475 describes, each in a clause of its own."""
NEAREST = {"wsinv-cseq-in-one-line", "intmeth-plain-header"}
"""What is closest to a message of the RFC that the edge's parser does not take."""
MISCOUNTED = {"dblreq", "clerr", "ncl", "mcl01", "inv2543"}
INCOMPLETE = {"insuf", "inv2543"}


def test_every_message_of_rfc_4475_is_there_once() -> None:
    own = {name: message for name, message in TORTURE.items() if name not in NEAREST}
    assert len(own) == CLAUSES
    assert len({message.clause for message in own.values()}) == CLAUSES


def test_every_clause_of_rfc_5118_is_there() -> None:
    assert {message.clause for message in TORTURE6.values()} == {f"4.{n}" for n in range(1, 11)}


@pytest.mark.parametrize("name", [*TORTURE, *TORTURE6])
def test_only_what_is_meant_is_wrong(name: str) -> None:
    message = {**TORTURE, **TORTURE6}[name]
    octets = message.build(ENDS)
    head, blank, body = octets.partition(b"\r\n\r\n")
    assert blank
    assert set(message.allowed) <= {"2", "4", "5", SILENCE}
    assert (message.allowed == SILENCE) == octets.startswith(b"SIP/2.0"), "only answers get none"
    if name not in MISCOUNTED:
        assert headers(octets, "Content-Length") == [str(len(body))]
    if name not in INCOMPLETE:
        assert headers(octets, "Call-ID")
        assert headers(octets, "Via")
    assert b"\r\n\n" not in head
    assert not re.search(rb"(?<!\r)\n", head), "lines end as they should"


def test_a_message_is_another_each_time() -> None:
    first, second = (Ends("127.0.0.1", 5060, "127.0.1.9", 4000) for _ in range(2))
    for message in TORTURE.values():
        assert message.build(first) != message.build(second)
