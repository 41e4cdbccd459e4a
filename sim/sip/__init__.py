"""A SIP user agent for cars, telephones and tests (RFC 3261, 3264, 3550, 4028, 6086).

It shows every octet that it sends and takes, keeps order strictly, and misbehaves when asked to;
the telephones of call takers and citizens are `sim.phones`.
"""

from sim.sip.call import Call, CallFailed, Reply
from sim.sip.message import Header, Request, Response, SIPInvalid, parse, respond
from sim.sip.multipart import Part, divided, joined, nested
from sim.sip.rtp import Media
from sim.sip.ua import UA, Traced
from sim.sip.voices import Voices

__all__ = [
    "UA",
    "Call",
    "CallFailed",
    "Header",
    "Media",
    "Part",
    "Reply",
    "Request",
    "Response",
    "SIPInvalid",
    "Traced",
    "Voices",
    "divided",
    "joined",
    "nested",
    "parse",
    "respond",
]
