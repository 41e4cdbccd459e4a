"""A mobile operator's message centre with its subscribers, as far as an SMPP peer can see them.

It shares no code with the product: what both got wrong in the same way would never be found.
"""

from sim.smsc.alphabets import Alphabet
from sim.smsc.centre import MessageCentre, Refused, Submitted
from sim.smsc.citizen import Citizen, Reply
from sim.smsc.faults import Faults, IdForm
from sim.smsc.link import Account, Delivery, Link
from sim.smsc.pieces import Form, Join
from sim.smsc.receipts import State
from sim.smsc.wire import Command, Message, Packet, Party, Status

__all__ = [
    "Account",
    "Alphabet",
    "Citizen",
    "Command",
    "Delivery",
    "Faults",
    "Form",
    "IdForm",
    "Join",
    "Link",
    "Message",
    "MessageCentre",
    "Packet",
    "Party",
    "Refused",
    "Reply",
    "State",
    "Status",
    "Submitted",
]
