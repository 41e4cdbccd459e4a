"""The messaging document: its default, every problem at its place, its reference, its versions."""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from ccserver import config, db
from ccserver.audit import AuditStore, AuditTag
from ccserver.db import Database
from ccserver.documents import DocumentInvalid, Part, Severity, ShapeWrong, Texts, to_builtins
from ccserver.documents.commands import EXIT_INVALID
from ccserver.messaging import MESSAGING, CurrentMessaging, Messaging, MessagingVersions
from ccserver.messaging import document as d
from ccserver.messaging.checks import check
from ccserver.messaging.commands import COMMANDS
from ccserver.messaging.default import default_messaging
from ccserver.messaging.limits import COUNTS, RANGES
from ccserver.messaging.problems import ERRORS, WARNINGS
from ccserver.messaging.promises import promise_in
from ccserver.messaging.structured import found_fields
from tests.test_config import GOOD

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "messaging.md").read_text()
SECTIONS: Mapping[type[Part], str] = {
    d.Messaging: "The whole",
    d.Snippet: "`snippets[]`",
    d.Acknowledgement: "`automatic_acknowledgement`",
    d.Template: "`templates[]`",
    d.TemplateField: "`templates[].fields[]`",
    d.NumberQueue: "`queues[]`",
}
TITLES = {"lv": "a", "ru": "b", "en": "c"}
FIELD = {"name": "type", "titles": TITLES, "key": "T", "required": True}
TEMPLATE = {"code": "app", "titles": TITLES, "prefix": "APP", "fields": [FIELD]}


def document(**changes: object) -> Messaging:
    return MESSAGING.from_builtins({**to_builtins(default_messaging()), **changes})


def codes(**changes: object) -> set[tuple[str, str]]:
    return {(one.path, one.code) for one in check(document(**changes))}


def template(**changes: object) -> dict[str, object]:
    return {**TEMPLATE, **changes}


# -- the default and its reference ---------------------------------------------------------------


def test_the_default_has_no_problem_and_no_promise() -> None:
    assert check(default_messaging()) == []
    assert not default_messaging().automatic_acknowledgement.active


@pytest.mark.parametrize(("part", "heading"), SECTIONS.items(), ids=str)
def test_every_key_is_in_the_reference_with_its_bounds(part: type[Part], heading: str) -> None:
    section = REFERENCE.split(f"## {heading}\n")[1].split("\n## ")[0]
    for field in msgspec.structs.fields(part):
        (row,) = [row for row in section.splitlines() if row.startswith(f"| `{field.name}` |")]
        if (part, field.name) in RANGES:
            low, high = RANGES[part, field.name]
            assert f"| {low:g}–{high:g} |" in row
        if (part, field.name) in COUNTS:
            assert f"at most {COUNTS[part, field.name]}" in row


def test_every_problem_is_in_the_reference() -> None:
    for code, sentence in {**ERRORS, **WARNINGS}.items():
        assert f"| `{code}` | {sentence} |" in REFERENCE


def test_the_example_of_the_reference_reads_its_text() -> None:
    example = REFERENCE.split("```yaml\n")[1].split("```")[0]
    read = MESSAGING.from_yaml(example.encode())
    assert not [one for one in check(read) if one.severity is Severity.ERROR]
    found = found_fields(read.templates, "SOS112;fire;56.9496;24.1052;help fast")
    assert found is not None
    assert (found.latitude, found.longitude, found.rest) == (56.9496, 24.1052, "help fast")


def test_every_number_and_every_list_has_a_bound() -> None:
    for part in SECTIONS:
        for field in msgspec.structs.fields(part):
            if field.type in (int, float):
                assert (part, field.name) in RANGES
            if "tuple[" in str(field.type):
                assert (part, field.name) in COUNTS


# -- problems ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"snippets": [{"code": "A!", "titles": TITLES, "texts": TITLES}]},
         "snippets[0].code", "bad_code"),
        ({"snippets": [{"code": "a", "titles": TITLES, "texts": TITLES}] * 2},
         "snippets[1].code", "duplicate_name"),
        ({"snippets": [{"code": "a", "titles": TITLES}]}, "snippets[0].texts", "text_empty"),
        ({"snippets": [{"code": "a", "texts": TITLES}]}, "snippets[0].titles", "title_empty"),
        ({"snippets": [{"code": "a", "titles": {"lv": "a"}, "texts": TITLES}]},
         "snippets[0].titles.ru", "title_missing"),
        ({"snippets": [{"code": "a", "titles": TITLES, "texts": {**TITLES, "lv": "x" * 321}}]},
         "snippets[0].texts.lv", "too_long"),
        ({"snippets": [{"code": "a", "titles": TITLES, "texts": {**TITLES, "lv": "a\nb"}}]},
         "snippets[0].texts.lv", "bad_character"),
        ({"snippets": [{"code": "a", "titles": TITLES, "texts": {**TITLES, "ru": "Уже едут"}}]},
         "snippets[0].texts.ru", "snippet_promise"),
        ({"automatic_acknowledgement": {"active": True}},
         "automatic_acknowledgement.texts", "text_empty"),
        ({"automatic_acknowledgement": {"active": True, "texts": {"lv": "Saņemts"}}},
         "automatic_acknowledgement.texts.en", "text_missing"),
        ({"automatic_acknowledgement": {"texts": {"lv": "Palīdzība ir ceļā!"}}},
         "automatic_acknowledgement.texts.lv", "promise"),
        ({"languages": ["lv", "xx"]}, "languages[1]", "unknown_language"),
        ({"languages": ["lv", "lv"]}, "languages[1]", "duplicate_name"),
        ({"languages": []}, "languages", "languages_none"),
        ({"queues": [{"number": "1-1-2", "queue": "texts"}]}, "queues[0].number", "bad_number"),
        ({"queues": [{"number": "112", "queue": "No!"}]}, "queues[0].queue", "bad_code"),
        ({"unanswered_after_s": 1}, "unanswered_after_s", "out_of_range"),
        ({"keep_open_h": 25}, "keep_open_h", "out_of_range"),
        ({"templates": [template(fields=[])]}, "templates[0].fields", "fields_none"),
        ({"templates": [template(prefix=" ")]}, "templates[0].prefix", "takes_all"),
        ({"templates": [
            template(prefix="", layout="keyed", fields=[{**FIELD, "required": False}])]},
         "templates[0].prefix", "takes_all"),
        ({"templates": [template(separator="")]}, "templates[0].separator", "separator_empty"),
        ({"templates": [template(layout="keyed", separator="=")]},
         "templates[0].assignment", "separator_twice"),
        ({"templates": [template(layout="keyed", fields=[{**FIELD, "key": " "}])]},
         "templates[0].fields[0].key", "key_missing"),
        ({"templates": [template(layout="keyed", fields=[FIELD, {**FIELD, "name": "b"}])]},
         "templates[0].fields[1].key", "duplicate_name"),
        ({"templates": [template(fields=[FIELD, FIELD])]},
         "templates[0].fields[1].name", "duplicate_name"),
        ({"templates": [template(fields=[{**FIELD, "kind": "latitude"}])]},
         "templates[0].fields", "place_half"),
        ({"templates": [template(fields=[
            {**FIELD, "kind": "position"}, {**FIELD, "name": "b", "kind": "position"}])]},
         "templates[0].fields[1].kind", "kind_twice"),
        ({"templates": [template(prefix="P" * 33)]}, "templates[0]", "too_long"),
        ({"templates": [template()] * 21}, "templates", "too_many"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_problem_is_told_at_its_place(changes: dict[str, object], path: str, code: str) -> None:
    found = codes(**changes)
    assert code in {one for where, one in found if where.startswith(path)}, found


def test_a_good_template_has_no_problem() -> None:
    assert codes(templates=[template(), template(code="b", layout="keyed", prefix="")]) == set()


@pytest.mark.parametrize(
    "words",
    [
        "Help is on the way", "An ambulance is coming.", "Units have been dispatched",
        "PALĪDZĪBA IR CEĻĀ", "Glābēji jau brauc", "Помощь уже в пути", "Скорая выехала",
    ],
)  # fmt: skip
def test_promises_are_found(words: str) -> None:
    assert promise_in(words) is not None


@pytest.mark.parametrize(
    "words", ["", "Where are you?", "Vai varat runāt?", "Вы в безопасности?", "Come to the window"]
)
def test_questions_are_no_promises(words: str) -> None:
    assert promise_in(words) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.data())
def test_any_value_anywhere_is_checked_or_refused_with_a_path(
    value: object, data: st.DataObject
) -> None:
    whole: dict[str, Any] = msgspec.to_builtins(document(templates=[template()]))
    key = data.draw(st.sampled_from(sorted(whole)))
    part = whole[key]
    if isinstance(part, list | tuple) and part and isinstance(part[0], dict):
        inner = dict(part[0])
        inner[data.draw(st.sampled_from(sorted(inner)))] = value
        whole[key] = [inner, *part[1:]]
    else:
        whole[key] = value
    try:
        read = MESSAGING.from_builtins(whole)
    except ShapeWrong:
        return
    for problem in check(read):
        assert problem.code in (ERRORS if problem.severity is Severity.ERROR else WARNINGS)
    found_fields(read.templates, "APP;T=1;2")


# -- versions ------------------------------------------------------------------------------------


async def test_a_save_is_a_version_with_its_line_in_the_audit(database: Database) -> None:
    store = MessagingVersions(database)
    assert (await store.current()).document == default_messaging()
    saved = document(keep_open_h=2)
    version = await store.save(saved, base_version=0, author="chief", comment="", at=AT)
    assert (version, (await store.current()).document) == (1, saved)
    (kept,) = await AuditStore(database).entries(limit=10)
    assert (kept.entry.tag, kept.entry.data) == (AuditTag.MESSAGING_SAVED, {"version": 1})
    wrong = document(keep_open_h=99)
    with pytest.raises(DocumentInvalid):
        await store.save(wrong, base_version=1, author="chief", comment="", at=AT)
    for statement in (
        "UPDATE messaging_versions SET author = 'x'", "DELETE FROM messaging_versions",
    ):  # fmt: skip
        with pytest.raises(DBAPIError):
            await database.write(
                lambda session, statement=statement: session.execute(sql(statement)) and None  # type: ignore[misc]
            )


async def test_a_running_centre_takes_what_was_saved_and_tells_the_panels(
    database: Database,
) -> None:
    store = MessagingVersions(database)
    told: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    current = CurrentMessaging(store, told.put_nowait)
    assert (current.version, current.document) == (0, default_messaging())
    running = asyncio.create_task(current.run())
    async with asyncio.timeout(60):
        assert await told.get() == {"type": "messaging", "version": 0}
        before = current.detector
        saved = document(languages=["lv", "uk"], templates=[TEMPLATE])
        version = await store.save(saved, base_version=0, author="chief", comment="", at=AT)
        current.saved(version)
        assert await told.get() == {"type": "messaging", "version": 1}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert current.document == saved
    assert current.detector is not before
    assert current.detector.languages == ("lv", "uk")
    assert msgspec.json.decode(current.encoded)["languages"] == ["lv", "uk"]
    found = current.found_fields("APP;fire")
    assert found is not None
    assert found.fields[0].value == "fire"


def test_what_the_document_says_is_easy_to_ask() -> None:
    asked = document(queues=[{"number": "112", "queue": "texts"}], keep_open_h=0.5)
    assert (asked.queue_of("112"), asked.queue_of("113")) == ("texts", None)
    assert asked.keep_open_s == 1_800
    assert Texts() == Messaging().automatic_acknowledgement.texts


def test_the_command_line_exports_and_imports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = _shell(tmp_path, capsys)
    status, exported, _ = shell("export")
    assert status == 0
    assert exported.startswith("# Messaging of ccserver: version 0, never saved, by ccserver.\n")
    assert MESSAGING.from_yaml(exported.encode()) == default_messaging()
    file = tmp_path / "messaging.yaml"
    file.write_text(exported, encoding="utf-8")
    assert shell("import", str(file), "--comment", "as it was")[:2] == (0, "version 1\n")
    file.write_text("languages: [xx]\n")
    status, _, error = shell("import", str(file))
    assert status == EXIT_INVALID
    assert "error: languages[0]: Choose another language" in error


def _shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    url = f"sqlite:///{tmp_path}/ccserver.db"
    db.upgrade(url)
    (tmp_path / "ccserver.toml").write_text(GOOD.replace("sqlite:///ccserver.db", url))
    loaded = config.load(tmp_path / "ccserver.toml")

    def shell(*arguments: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        COMMANDS.add(parser.add_subparsers(required=True))
        capsys.readouterr()
        options = parser.parse_args(["messaging", *arguments])
        status = options.run(loaded, options)
        told = capsys.readouterr()
        return status, told.out, told.err

    return shell
