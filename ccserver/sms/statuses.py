"""What a command_status means for what was sent: try again, slow down, or give up.

The standard names the statuses (SMPP 3.4 §5.1.3) and leaves to the peers what to do about them;
vendors add their own. A reply of a 112 centre is worth another attempt whenever nothing says that
the next one must fail as well, so only the statuses that speak about the message itself are
permanent, and an unknown number is not.
"""

from enum import StrEnum
from typing import Final

from ccserver.sms.pdu import Status


class Verdict(StrEnum):
    """What to do about a request that was refused."""

    SLOWER = "slower"
    """The peer has enough for now: all that would leave by this bind waits."""
    AGAIN = "again"
    """This request may succeed later; others go on."""
    NEVER = "never"
    """The same request fails each time."""


_SLOWER: Final = frozenset({Status.RTHROTTLED, Status.RMSGQFUL, Status.RSUBMITFAIL})
"""0x45 says no more than "failed", and message centres of several makers say it under load."""

_NEVER: Final = frozenset(
    {
        Status.RINVMSGLEN,
        Status.RINVCMDLEN,
        Status.RINVCMDID,
        Status.RINVPRTFLG,
        Status.RINVREGDLVFLG,
        Status.RINVSRCADR,
        Status.RINVDSTADR,
        Status.RINVSERTYP,
        Status.RINVNUMDESTS,
        Status.RINVDLNAME,
        Status.RINVDESTFLAG,
        Status.RINVSUBREP,
        Status.RINVESMCLASS,
        Status.RCNTSUBDL,
        Status.RINVSRCTON,
        Status.RINVSRCNPI,
        Status.RINVDSTTON,
        Status.RINVDSTNPI,
        Status.RINVREPFLAG,
        Status.RINVSCHED,
        Status.RINVEXPIRY,
        Status.RINVDFTMSGID,
        Status.RX_P_APPN,
        Status.RX_R_APPN,
        Status.RINVOPTPARSTREAM,
        Status.ROPTPARNOTALLWD,
        Status.RINVPARLEN,
        Status.RMISSINGOPTPARAM,
        Status.RINVOPTPARAMVAL,
        Status.RSERTYPUNAUTH,
        Status.RPROHIBITED,
        Status.RSERTYPDENIED,
        Status.RINVDCS,
    }
)

_CREDENTIALS: Final = frozenset(
    {Status.RINVPASWD, Status.RINVSYSID, Status.RINVSYSTYP, Status.RPROHIBITED}
)

VENDOR_STATUSES: Final = range(0x400, 0x500)
"""Left to the makers of message centres (SMPP 3.4 §5.1.3)."""


def verdict(status: int) -> Verdict:
    """What to do about a request that was answered with ``status``, which is not 0."""
    if status in _SLOWER:
        return Verdict.SLOWER
    return Verdict.NEVER if status in _NEVER else Verdict.AGAIN


def about_credentials(status: int) -> bool:
    """Whether a bind was refused for what only a person can mend: who we say we are."""
    return status in _CREDENTIALS


def name(status: int) -> str:
    """The standard's name, or the number: ``RTHROTTLED``, ``vendor 0x421``, ``0x3e8``."""
    try:
        return Status(status).name
    except ValueError:
        return f"vendor {status:#x}" if status in VENDOR_STATUSES else f"{status:#x}"
