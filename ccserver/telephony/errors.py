"""What goes wrong between ccserver and Asterisk; each exception's docstring is its meaning.

Three families that the supervisor of a link (`ccserver.telephony.link`) tells apart: the link is
gone or silent (`Unavailable`, `DeadlinePassed`), the peer said no (`Refused`, and `AuthFailed`
where it said no to us as such), the peer said something that cannot be understood (`Malformed`).
A wrong argument of our own is a plain `ValueError`, raised before anything is sent.
"""


class TelephonyError(Exception):
    """Base of all errors of this room."""


class Unavailable(TelephonyError):
    """There is no usable connection, or it broke; whether a request was carried out is unknown."""


class DeadlinePassed(TelephonyError):
    """No answer within the deadline; whether the request was carried out is unknown."""


class Refused(TelephonyError):
    """Asterisk answered with an error; the request was not carried out."""


class AuthFailed(TelephonyError):
    """Asterisk does not accept the user name, the password or the user's rights."""


class Malformed(TelephonyError):
    """Asterisk's answer cannot be understood."""


class LinkLost(Unavailable):
    """The connection ended; ``reason`` is a short code for logs and counters."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class LinkReplaced(LinkLost):
    """Another controller connected under the same application name and gets its events now."""


class ARIUnavailable(Unavailable):
    """No connection to ARI, or it broke before the answer came."""


class ARITimeout(DeadlinePassed):
    """ARI did not answer within the deadline."""


class ARIRefused(Refused):
    """ARI answered with an HTTP error: 404 gone, 409 conflicting state, 422 invalid, and so on."""

    def __init__(self, status: int, message: str):
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


class ARIAuthFailed(AuthFailed):
    """ARI does not accept the user name or password (401), or the user may only read (403)."""


class ARIMalformed(Malformed):
    """ARI answered with something other than JSON, or with far too much of it."""


class AMIUnavailable(Unavailable):
    """No connection to AMI, or it broke before the answer came; the action is never re-sent."""


class AMITimeout(DeadlinePassed):
    """AMI did not answer, or did not finish its list, within the deadline."""


class AMIRefused(Refused):
    """AMI answered ``Response: Error``; ``message`` is Asterisk's text."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class AMIAuthFailed(AuthFailed):
    """AMI does not accept the user name or password."""


class AMIListTooLong(Malformed):
    """A list of more events than the bound was answered; the rest of it is dropped."""
