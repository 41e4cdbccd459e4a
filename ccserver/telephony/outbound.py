"""Calls that we make: the call taker's phone first, then the citizen's, then a call like any other.

The citizen's leg is recorded, guarded and offered by the dialplan from its answer on, so that
somebody who answers while this process dies is a caller in the parachute queue and not in silence.
"""

import contextlib
from dataclasses import replace

import structlog

from ccserver.telephony.call import OUTBOUND, Call, CallFacts, CallPhase
from ccserver.telephony.ends import Ends
from ccserver.telephony.errors import ARIRefused, TelephonyError
from ccserver.telephony.guard import Guard
from ccserver.telephony.joining import Joining
from ccserver.telephony.offers import CENTRE_NUMBER, Offers
from ccserver.telephony.outside import Outside
from ccserver.telephony.party import Leg, diallable
from ccserver.telephony.transfer import CallRefused

log = structlog.get_logger(__name__)

CALLS_BACK = {"PJSIP_HEADER(add,Priority)": "psap-callback"}
"""RFC 7090 §5: networks and cars take this call where they would take no other."""
CITIZEN_RING_S = 60  # a mobile phone's voice mail answers after about 20 s, a landline never


class Outbound:
    """From ``open`` to the citizen's answer."""

    def __init__(
        self, guard: Guard, offers: Offers, joining: Joining, ends: Ends, outside: Outside
    ) -> None:
        self._guard = guard
        self._joining = joining
        self._ends = ends
        self._outside = outside
        offers.no_call_taker = lambda call: ends.no_citizen(call, "cancelled")

    def open(self, facts: CallFacts) -> None:
        """The contact exists from now on; its offer of kind OUTBOUND comes next.

        Raises `CallRefused` if the number cannot be called.
        """
        self._outside.endpoint(facts.caller_number or "")
        if self._guard.table.get(facts.contact_id) is None:
            self._guard.table.open(facts)

    def dial(self, call: Call, leg: Leg) -> None:
        """The call taker is at the phone: call the citizen."""
        if call.phase is not CallPhase.DIALLED or call.dialled:
            if call.owner is not leg:
                self._guard.withdraw(call, leg)
            return
        call.owner = leg
        leg.joined = True
        call.dialled = True
        call.changes += 1
        self._guard.changed(call)
        self._guard.table.spawn(call, self._dial(call, leg))

    async def _dial(self, call: Call, leg: Leg) -> None:
        facts = call.facts
        try:
            endpoint = self._outside.endpoint(facts.caller_number or "")
            await self._guard.actions.dial(
                call.caller_leg,
                endpoint=endpoint,
                context=OUTBOUND,
                caller_id=CENTRE_NUMBER,
                timeout_s=CITIZEN_RING_S,
                variables={
                    "CONTACT_ID": facts.contact_id,
                    "ARRIVED_AT": f"{facts.arrived_at.timestamp():.3f}",
                    "CALLER_NUMBER": diallable(facts.caller_number or "") or "",
                    "CALLER_HIDDEN": "0",
                    "CALLED_NUMBER": facts.called_number,
                    "DIRECTION": OUTBOUND,
                    **(CALLS_BACK if facts.calls_back else {}),
                },
            )
            call.dial_answered = True
            call.changes += 1
            with contextlib.suppress(TelephonyError):  # silence is no reason to give up
                await self._guard.actions.ring_back(leg.leg_id)
        except (TelephonyError, CallRefused) as error:
            log.warning("not_dialled", contact_id=call.contact_id, reason=type(error).__name__)
            refused = isinstance(error, (ARIRefused, CallRefused))
            if call.phase is CallPhase.DIALLED:
                self._ends.no_citizen(call, "unreachable" if refused else "failed")
            elif call.ended_posted:
                # The originate may yet be carried out, after its hang-up found nothing.
                self._guard.look_again = True

    def answered(self, call: Call, channel_name: str, found: CallFacts) -> None:
        """The citizen has answered, is recorded, under a lease and ours.

        ``found``: what the channel says; only from now on has the call a SIP dialog of its own.
        """
        call.caller_channel = channel_name or call.caller_channel
        call.facts = replace(call.facts, sip_call_id=found.sip_call_id)
        leg = call.owner
        self._guard.observer.outbound_answered(call.contact_id)
        if leg is None:
            # The call taker was lost at this very moment: whoever is free takes it.
            call.move(CallPhase.CLAIMED)
            self._guard.observer.connect_failed(call.contact_id)
            return
        leg.joined = False  # not with the citizen yet
        call.move(CallPhase.CONNECTING)
        self._guard.table.spawn(call, self._join(call, leg))

    async def _join(self, call: Call, leg: Leg) -> None:
        with contextlib.suppress(TelephonyError):
            await self._guard.actions.stop_ring_back(leg.leg_id)
        await self._joining.join(call, leg)
