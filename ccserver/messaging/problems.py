"""What may be wrong with a messaging document: stable codes, each with a sentence that helps."""

from collections.abc import Mapping

from ccserver.documents import Found
from ccserver.documents.problems import GENERAL_ERRORS

ERRORS: Mapping[str, str] = {
    **GENERAL_ERRORS,
    "bad_code": "Choose another code than “{name}”: small letters a–z, digits, “_”, “.” and “-”, "
    "64 characters at most.",
    "bad_number": "Write the number “{name}” as digits only, with + in front if it is "
    "international, at most 20 digits.",
    "title_empty": "Write a title in at least one language.",
    "text_empty": "Write the text in at least one language.",
    "promise": "Leave out “{words}”: nobody has read the citizen's text when this is sent, so it "
    "must not say that help is coming.",
    "unknown_language": "Choose another language than “{name}”: two small letters by ISO 639-1, of "
    "one that can be told from others.",
    "fields_none": "Add at least one field.",
    "takes_all": "Write how the app's texts begin, or require a field with a name: as it is, any "
    "text could be of this template.",
    "separator_empty": "Write what stands between two values; “newline”, “tab” and “space” name "
    "what cannot be seen.",
    "separator_twice": "Choose another sign between a name and its value: “{name}” stands between "
    "the values already.",
    "key_missing": "Write what the app puts before this value.",
    "kind_twice": "Choose another kind: {first} is a {kind} already.",
}

WARNINGS: Mapping[str, str] = {
    "title_missing": "Write the title in {language}, or it is shown in another language.",
    "text_missing": "Write the text in {language}, or citizens get it in another language.",
    "snippet_promise": "Look at “{words}” again: call takers may send this before help is on its "
    "way.",
    "languages_none": "Add a language, or no text is given to call takers who speak it.",
    "place_half": "Add a field for the {missing}, or the place is not shown on the map.",
}


def found() -> Found:
    """Collects what is wrong with a document."""
    return Found(ERRORS, WARNINGS)
