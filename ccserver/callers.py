"""What callers do without a word: a language or "I cannot speak" by key, and silence.

Each becomes an entry on the card, a message for the panels, and a note on the caller's channel,
where the process after this one finds it.
"""

from ccserver.acd.events import ContactSkillsChanged
from ccserver.acd.plan import Requirement
from ccserver.card import TimelineTag
from ccserver.live import LiveContact
from ccserver.runtime import Runtime
from ccserver.types import ContactId


class Callers:
    """Implements `ccserver.telephony.waiting.WaitingObserver`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._live = runtime.live
        self._chronicle = runtime.chronicle

    def language_chosen(self, contact_id: ContactId, language: str) -> None:
        """The caller pressed the key of a language."""
        contact = self._live.get(contact_id)
        if contact is None:
            return
        contact.language = language
        self._runtime.calls.note(contact_id, "LANGUAGE", language)
        self._chronicle.tell(contact, TimelineTag.LANGUAGE_CHOSEN, "language", language=language)
        self._runtime.post(ContactSkillsChanged(contact_id, skills_for(contact)))

    def cannot_speak(self, contact_id: ContactId) -> None:
        """The caller pressed the key that means it."""
        contact = self._live.get(contact_id)
        if contact is not None and not contact.cannot_speak:
            contact.cannot_speak = True
            self._runtime.calls.note(contact_id, "CANNOT_SPEAK", "1")
            self._chronicle.tell(contact, TimelineTag.CANNOT_SPEAK, "cannot-speak")

    def silence_changed(self, contact_id: ContactId, *, silent: bool) -> None:
        """Nothing is heard of the caller, or something again."""
        contact = self._live.get(contact_id)
        if contact is None or contact.silent is silent:
            return
        contact.silent = silent
        tag = TimelineTag.SILENCE_NOTED if silent else TimelineTag.SPEECH_HEARD
        self._chronicle.tell(contact, tag, tag.value)


def language_skill(language: str | None) -> tuple[Requirement, ...]:
    """What a call taker needs to speak with the caller."""
    return () if language is None else (Requirement(f"language:{language}"),)


def skills_for(contact: LiveContact) -> tuple[Requirement, ...]:
    """What a call taker needs for the contact, on top of its queue."""
    return (*contact.skills, *language_skill(contact.language))
