"""The distributor's times, as a value of the pure core.

The fields are those of the ``[acd]`` section of the configuration; the composition root copies
them over, so that the core need not know the library by which the file is read.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class DistributorSettings:
    """All in seconds, all greater than zero; a zero would let one instant repeat for ever."""

    offer_timeout_s: float = 15.0
    wrap_up_s: float = 30.0
    reject_delay_s: float = 10.0
    """Pause before the agent's next offer after a rejected one."""
    no_answer_delay_s: float = 10.0
    """Pause before the agent's next offer after one that timed out."""
    device_failure_delay_s: float = 5.0
    """Pause before the agent's next offer after a busy, unreachable or failed device."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name}: expected seconds greater than zero.")
