"""Seats and contacts: what a call taker or supervisor does to what is going on."""

from ccserver.web.control import Dialled, ForcedPresence, Monitored, PresenceChoice, Reached
from ccserver.web.describe import Operation, Operations, Shape
from ccserver.web.ports import ContactAction, ReachAction


class Placed(Shape, frozen=True):
    """The contact that a call became."""

    contact_id: str


REFUSED = (
    *("not_your_contact", "already_answered", "not_talking", "not_held", "not_waiting", "no_seat"),
    *("not_free", "not_allowed", "agent_not_free", "agent_not_available", "no_such_queue"),
    *("no_such_entry", "no_such_party", "no_number", "bad_number", "not_allowed_number"),
    *("no_trunk", "bad_target", "no_consultation", "not_answered", "too_many_parties"),
    *("busy_with_other", "nobody_would_keep", "changed_meanwhile", "already_in", "no_wrap_up"),
    *("monitors_another", "not_monitored", "has_the_caller", "bad_mode", "wrap_up_at_limit"),
    *("telephony_unavailable", "not_for_texts"),
)
"""Why the state of things does not allow something; one list, because states overtake requests."""

STATE = {409: REFUSED}

WHAT = {
    ContactAction.ANSWER: "Let a ringing desk phone answer the offer.",
    ContactAction.REJECT: "Give the offer to somebody else.",
    ContactAction.HANG_UP: "End the conversation, or leave a colleague's.",
    ContactAction.HOLD: "Music for the caller.",
    ContactAction.RESUME: "Talk to the caller again.",
    ContactAction.MUTE: "Nobody hears this call taker.",
    ContactAction.UNMUTE: "Everybody hears this call taker again.",
    ContactAction.PICK: "Take a waiting contact out of turn.",
    ContactAction.MERGE: "Caller, call taker and consulted party in one conversation.",
    ContactAction.SWAP: "Talk to the other of caller and consulted party.",
    ContactAction.COMPLETE: "Leave the caller with the consulted party.",
    ContactAction.CANCEL: "Drop the consulted party, back to the caller.",
    ContactAction.TAKE_OVER: "Become the call taker of a contact.",
    ReachAction.CONSULT: "Hold the caller and call somebody.",
    ReachAction.TRANSFER: "Leave the caller to somebody at once.",
    ReachAction.INVITE: "Call somebody into the conversation.",
}

OPERATIONS: Operations = {
    ("PUT", "/api/agent/presence"): Operation(
        bodies=(PresenceChoice,), errors=STATE, summary="Declare one's own presence."
    ),
    ("POST", "/api/agent/wrap-up/end"): Operation(
        errors=STATE, summary="End the work after a contact."
    ),
    ("POST", "/api/agent/wrap-up/extend"): Operation(
        errors=STATE, summary="Take more time for the work after a contact."
    ),
    ("PUT", "/api/agents/{agent_id}/presence"): Operation(
        bodies=(ForcedPresence,), errors=STATE, summary="Declare somebody else's presence."
    ),
    **{
        ("POST", f"/api/contacts/{{contact_id}}/{action.value}"): Operation(
            errors=STATE, summary=WHAT[action]
        )
        for action in ContactAction
    },
    **{
        ("POST", f"/api/contacts/{{contact_id}}/{reach.value}"): Operation(
            bodies=(Reached,), errors=STATE, summary=WHAT[reach]
        )
        for reach in ReachAction
    },
    ("POST", "/api/contacts/{contact_id}/parties/{party_id}/drop"): Operation(
        errors=STATE, summary="Part from one of those who talk."
    ),
    ("POST", "/api/contacts/{contact_id}/monitor"): Operation(
        bodies=(Monitored,), errors=STATE, summary="Listen, whisper, come in, or go."
    ),
    ("POST", "/api/cards/{incident_id}/call"): Operation(
        Placed, bodies=(Dialled,), errors=STATE, summary="Call somebody because of this card."
    ),
}
