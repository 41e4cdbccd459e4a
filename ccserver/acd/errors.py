"""The two ways in which a step of the core can go wrong: our bug, or the peer's fault."""


class InvariantBroken(Exception):
    """The core contradicts itself.

    This is our bug. The state cannot be trusted any more: the process must end, and start-up
    rebuilds the core from what Asterisk holds.
    """


class StaleEvent(Exception):
    """The event speaks of something unknown, over, or already done.

    This is the peer's: networks duplicate, delay and reorder. Raised before anything is changed;
    the core counts it under ``reason`` and goes on. It never leaves the core.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
