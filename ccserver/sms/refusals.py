"""How a request to an operator may end other than well."""

from ccserver.sms import statuses


class SubmitFailed(Exception):
    """A submit_sm was not taken, or nobody knows."""


class NotBound(SubmitFailed):
    """No connection could send it; nothing was sent."""


class WindowFull(NotBound):
    """As many requests are unanswered as the operator allows; nothing was sent."""


class Throttled(SubmitFailed):
    """The operator takes nothing for now; come again after ``retry_after_s``."""

    def __init__(self, retry_after_s: float):
        super().__init__(f"again in {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class Refused(SubmitFailed):
    """The operator refused it with ``status``; ``permanent``: the next attempt fails as well."""

    def __init__(self, status: int, *, permanent: bool):
        super().__init__(statuses.name(status))
        self.status = status
        self.permanent = permanent


class OutcomeUnknown(SubmitFailed):
    """It was written and never answered; the operator may have taken it."""
