"""Proves that a YAML file reads as people mean it, and that tricks are refused where they stand."""

import time
from datetime import UTC, datetime

import pytest

from ccserver.documents import ShapeWrong, Texts, YAMLInvalid
from ccserver.routing.default import DEFAULT_DOCUMENT
from ccserver.routing.document import DOCUMENT_BYTES_MAX, ROUTING, Document, Queue
from tests.routing.examples import SAMPLE

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_times_dates_keys_and_names_are_read_as_they_are_written() -> None:
    raw = b"""
schedules:
  - name: no
    weekly: [{days: [mon], from: 17:00, to: 24:00}]
    exceptions: [{date: 2026-12-24, open: false}]
queues: [{name: on, alarm_after_s: 5, waiting: {languages: {1: lv}}}]
directory: [{name: nmpd, number: "0113"}]
"""
    document = ROUTING.from_yaml(raw)
    assert document.schedules[0].name == "no"
    assert document.schedules[0].weekly[0].from_ == "17:00"
    assert document.schedules[0].exceptions[0].date.isoformat() == "2026-12-24"
    assert document.queues[0].waiting.languages == {"1": "lv"}
    assert document.queues[0].alarm_after_s == 5.0
    assert document.directory[0].number == "0113"


def test_a_setting_that_every_call_ignores_is_left_out_and_told() -> None:
    """Files and versions from before still hold it; any other unknown key is refused."""
    ignored: list[str] = []
    raw = b"queues: [{name: a}, {name: b, recorded: false}, {name: c, recorded: [nonsense]}]"
    document = ROUTING.from_yaml(raw, ignored=ignored.append)
    assert ignored == ["queues[1].recorded", "queues[2].recorded"]
    assert "recorded" not in ROUTING.to_yaml(document, version=1, author="a", saved_at=None)
    with pytest.raises(ShapeWrong):
        ROUTING.from_yaml(b"queues: [{name: a, recorded: false, recordet: false}]")
    with pytest.raises(ShapeWrong):
        ROUTING.from_yaml(b"recorded: false")


@pytest.mark.parametrize("document", [SAMPLE, DEFAULT_DOCUMENT, Document()], ids=str)
def test_what_is_exported_is_imported_the_same(document: Document) -> None:
    text = ROUTING.to_yaml(document, version=7, author="anna", saved_at=AT)
    assert ROUTING.from_yaml(text.encode()) == document


def test_an_export_says_whose_version_it_is_and_is_readable() -> None:
    text = ROUTING.to_yaml(SAMPLE, version=7, author="anna\nqueues: []", saved_at=AT)
    first = text.splitlines()[0]
    assert first == "# Routing of ccserver: version 7, 2026-03-02 09:00:00Z, by anna queues: []."
    assert "Rīga" in text
    assert "&id" not in text


@pytest.mark.parametrize(
    "text",
    ["yes", "17:00", "1e5", "~", "null", "", " x ", "#", "a: b", "- a", "\x85", "0x1f", "'", "🔥"],
)
def test_a_text_that_looks_like_something_else_stays_a_text(text: str) -> None:
    document = Document(queues=(Queue(name="a", title=Texts(lv=text)),))
    assert (
        ROUTING.from_yaml(ROUTING.to_yaml(document, version=1, author="a", saved_at=None).encode())
        == document
    )


REFUSED: list[tuple[bytes, int, int]] = [
    (b"queues: [1,", 2, 1),
    (b"a: b\n c: d", 2, 3),
    (b"x: 1\nx: 2", 2, 1),
    (b"? [1]\n: 2", 1, 3),
    (b"a: 1\n---\nb: 1", 2, 1),
    (b"a: \xff", 1, 4),
    (b"a: 1\nb: \x07", 2, 4),
    (b"%YAML 9.9\n---\na: 1", 1, 1),
    (b"a: &x [1]\nb: *x", 2, 4),
    (b"a: !!python/object/apply:os.system [id]", 1, 4),
    (b"a: !!binary aGk=", 1, 4),
    (b"[" * 100_000, 1, 17),
    (b"a: " + b"x" * DOCUMENT_BYTES_MAX, 1, 1),
]


@pytest.mark.parametrize(("raw", "line", "column"), REFUSED, ids=lambda value: str(value)[:20])
def test_a_broken_file_is_refused_with_line_and_column(raw: bytes, line: int, column: int) -> None:
    with pytest.raises(YAMLInvalid, match=r"\.$") as caught:
        ROUTING.from_yaml(raw)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_bomb_of_aliases_costs_nothing() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    began = time.process_time()
    with pytest.raises(YAMLInvalid, match="alias"):
        ROUTING.from_yaml("\n".join(lines).encode())
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"", ""),
        (b"just text", ""),
        (b"qeues: []", ""),
        (b"queues: [{name: a, relax: [{after_s: soon, skill: x}]}]", "queues[0].relax[0].after_s"),
        (b"general: {text_during_voice: yes}", "general.text_during_voice"),
        (b"entries: [{number: 112, queue: a}]", "entries[0].number"),
        (b"<<: {queues: []}", ""),
    ],
)
def test_a_file_of_the_wrong_shape_names_the_path(raw: bytes, path: str) -> None:
    with pytest.raises(ShapeWrong, match=r"\.$") as caught:
        ROUTING.from_yaml(raw)
    assert caught.value.path == path
