"""What may be wrong with a catalogue: stable codes, each with a sentence that helps."""

from collections.abc import Mapping

from ccserver.documents import Found
from ccserver.documents.problems import GENERAL_ERRORS

ERRORS: Mapping[str, str] = {
    **GENERAL_ERRORS,
    "bad_code": "Choose another code than “{name}”: small letters a–z, digits, “_”, “.” and “-”, "
    "64 characters at most.",
    "bad_phone": "Write the number “{number}” as digits only, with + in front if it is "
    "international, at most 20 digits.",
    "title_empty": "Write a title in at least one language.",
    "unknown_type": "Choose one of the types listed under types, or add “{name}” there.",
    "unknown_question": "Choose one of the questions listed under questions, or add “{name}” "
    "there.",
    "unknown_hazard": "Choose one of the hazards listed under hazards, or add “{name}” there.",
    "unknown_service": "Choose one of the services listed under services, or add “{name}” there.",
    "unknown_area": "Choose one of the areas listed under areas, or add “{name}” there.",
    "type_loop": "Choose another parent: these types are parents of one another: {types}.",
    "type_too_deep": "Move this type up: it stands on level {depth}, and at most {limit} are "
    "possible.",
    "question_loop": "Remove one of the follow-up questions by which these lead in a circle: "
    "{questions}.",
    "answers_missing": "Add at least one answer, or choose another kind of question.",
    "answers_unused": "Remove the answers: a question of the kind {kind} has none to choose from.",
    "yes_no_codes": "Give the answer the code yes or no instead of “{name}”.",
    "area_empty": "Add a polygon: the area {area} holds no place.",
    "too_many_vertices": "Simplify the areas: together they have {count} corners and at most "
    "{limit} are possible.",
    "ring_short": "Give this ring at least four positions, the last one equal to the first.",
    "ring_open": "Close this ring: its last position must equal its first.",
    "position_outside": "Write longitude (−180 to 180) and then latitude (−90 to 90) at corner "
    "{corner} of this ring.",
    "area_crosses_itself": "Mend the outline: it crosses or touches itself at longitude "
    "{longitude}, latitude {latitude}.",
    "area_invalid": "Mend the outline near longitude {longitude}, latitude {latitude}: {reason}.",
}

WARNINGS: Mapping[str, str] = {
    "title_missing": "Write the title in {language}, or it is shown in another language.",
    "types_none": "Add a type, or switch one on: call takers have nothing to choose from.",
    "question_unasked": "Let a type or an answer ask {question}, or remove it: nobody is asked.",
    "service_inactive": "Choose another service: {service} is switched off and is not proposed.",
    "type_without_service": "Name a service for {type}: nobody is proposed when it is chosen.",
    "swapped": "Look at the order of the numbers: GeoJSON has the longitude first, and {area} "
    "would lie in Latvia the other way round.",
}


def found() -> Found:
    """Collects what is wrong with a catalogue."""
    return Found(ERRORS, WARNINGS)
