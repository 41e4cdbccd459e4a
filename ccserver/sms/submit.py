"""The body of a submit_sm for one part of a text, by python-smpplib."""

from datetime import timedelta
from typing import Final

from smpplib.command import SubmitSM

from ccserver.sms import gsm, smpp_time
from ccserver.sms.short_message import UDHI, Address
from ccserver.sms.splitting import DATA_CODING_DEFAULT, Part

REGISTERED: Final = 0x01
"""A receipt for the final state, good or bad (SMPP 3.4 §5.2.17)."""

_HEADER_OCTETS: Final = 16

_ADDRESS_CHARS_MAX: Final = 20
"""SMPP 3.4 §5.2.8 and §5.2.9."""


def submit_body(
    *,
    source: Address,
    destination: Address,
    part: Part,
    validity_s: int,
    registered: bool = True,
    packed: bool = False,
) -> bytes:
    """What stands behind the PDU's header.

    ``validity_s`` is how long the operator may try; ``packed`` whether this one wants septets
    packed. Raises `ValueError` for an address longer than SMPP 3.4 allows: cut, it would be
    another's.
    """
    for address in (source, destination):
        if not 1 <= len(address.value) <= _ADDRESS_CHARS_MAX:
            raise ValueError("Expected an address of 1 to 20 characters.")
    octets = part.octets
    if packed and part.data_coding == DATA_CODING_DEFAULT:
        octets = gsm.pack(octets, fill_bits=-8 * len(part.udh) % 7)
    # The session gives the sequence number, in a header of its own.
    command = SubmitSM(
        "submit_sm",
        need_sequence=False,
        sequence=1,
        source_addr_ton=source.ton,
        source_addr_npi=source.npi,
        source_addr=source.value,
        dest_addr_ton=destination.ton,
        dest_addr_npi=destination.npi,
        destination_addr=destination.value,
        esm_class=UDHI if part.udh else 0,
        validity_period=smpp_time.relative(timedelta(seconds=validity_s)),
        registered_delivery=REGISTERED if registered else 0,
        data_coding=part.data_coding,
        short_message=part.udh + octets,
    )
    body: bytes = command.generate()[_HEADER_OCTETS:]
    return body
