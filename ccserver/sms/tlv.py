"""Optional parameters of SMPP: tag, length, value (SMPP 3.4 §3.2.4, §5.3.2; 5.0 §4.8.4)."""

import struct
from collections.abc import Mapping

from smpplib.consts import OPTIONAL_PARAMS

from ccserver.sms.oddities import Oddity

TLVS_MAX = 128
"""Of one PDU. The standards together define some eighty; what is beyond is passed over."""

RECEIPTED_MESSAGE_ID = 0x001E
SOURCE_PORT = 0x020A
DESTINATION_PORT = 0x020B
SAR_REFERENCE = 0x020C
SAR_TOTAL = 0x020E
SAR_NUMBER = 0x020F
NETWORK_ERROR_CODE = 0x0423
MESSAGE_PAYLOAD = 0x0424
MESSAGE_STATE = 0x0427

_NAMES_OF_5_0 = {
    0x0428: "congestion_state",
    0x0600: "broadcast_channel_indicator",
    0x0601: "broadcast_content_type",
    0x0602: "broadcast_content_type_info",
    0x0603: "broadcast_message_class",
    0x0604: "broadcast_rep_num",
    0x0605: "broadcast_frequency_interval",
    0x0606: "broadcast_area_identifier",
    0x0607: "broadcast_error_status",
    0x0608: "broadcast_area_success",
    0x0609: "broadcast_end_time",
    0x060A: "broadcast_service_group",
    0x060B: "billing_identification",
    0x060D: "source_network_id",
    0x060E: "dest_network_id",
    0x060F: "source_node_id",
    0x0610: "dest_node_id",
    0x0611: "dest_addr_np_resolution",
    0x0612: "dest_addr_np_information",
    0x0613: "dest_addr_np_country",
}

NAMES: Mapping[int, str] = {code: name for name, code in OPTIONAL_PARAMS.items()} | _NAMES_OF_5_0
"""The standards' names of tags; vendors' own have none."""

_HEADER = struct.Struct(">HH")


def read_tlvs(body: bytes, start: int, oddities: list[str]) -> dict[int, bytes]:
    """The parameters from ``start`` on, by tag; whatever is wrong is noted, nothing raises."""
    found: dict[int, bytes] = {}
    end = len(body)
    while start < end:
        if len(found) >= TLVS_MAX:
            oddities.append(Oddity.TLV_TOO_MANY)
            break
        if end - start < _HEADER.size:
            oddities.append(Oddity.TLV_CUT)
            break
        tag, length = _HEADER.unpack_from(body, start)
        start += _HEADER.size
        value = body[start : start + length]
        start += length
        if start > end:
            oddities.append(Oddity.TLV_CUT)
        if tag not in found:
            found[tag] = value
        elif Oddity.TLV_REPEATED not in oddities:
            oddities.append(Oddity.TLV_REPEATED)
    return found


def write_tlvs(tlvs: Mapping[int, bytes]) -> bytes:
    """The inverse of `read_tlvs`, in the mapping's order."""
    return b"".join(_HEADER.pack(tag, len(value)) + value for tag, value in tlvs.items())


def integer(value: bytes | None) -> int | None:
    """A number of whatever width the peer chose; ``None`` where there is none."""
    return int.from_bytes(value, "big") if value else None


def c_string(value: bytes | None) -> str | None:
    """Characters up to the NUL, which some peers leave out; ``None`` where there are none."""
    return value.split(b"\0", 1)[0].decode("latin-1").strip() or None if value else None
