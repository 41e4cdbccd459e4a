"""The benchmark of the search runs, and the databases answer by their indexes, not by reading all.

Times are not judged here: a busy machine would break it. What is asked of the database is.
"""

import argparse

import pytest
from sqlalchemy import Connection, Engine, bindparam, select, text

from bench import cards as bench
from bench.made_up import Centre
from ccserver import db
from ccserver.card.models import IncidentRow
from ccserver.card.search import (
    ALL,
    AMONG_NEWEST,
    BY_INDEX_ALONE,
    IN_INDEX,
    SQLITE,
    full_text,
    lexemes,
)
from ccserver.card.words import query_of
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database_kind,
    empty_url,
)

CARDS = 3_000
VALUES = {"first": 0, "end": 2**62, "limit": 50, "newest": 2_000}
ALWAYS_FOUND = (
    "newest",
    "any_page",
    "whole_number",
    "end_of_number",
    "card_number",
    "common_word",
    "letters",
    "address",
    "open",
    "closed_and_word",
)


def test_every_kind_of_query_is_answered(empty_url: str) -> None:  # noqa: F811
    options = argparse.Namespace(cards=CARDS, queries=1)
    line = bench.measure(empty_url, options, lambda: 0)
    kinds = line["by_kind"]
    assert isinstance(kinds, dict)
    assert set(kinds) == set(bench.KINDS)
    assert [kind for kind in ALWAYS_FOUND if not kinds[kind]["found"]] == []
    assert kinds["nothing_found"]["found"] == 0
    steps = line["steps"]
    assert isinstance(steps, dict)
    assert set(steps) == set(bench.STEPS)
    engine = db.make_engine(empty_url, timeout_s=10)
    try:
        check_plans(engine)
    finally:
        engine.dispose()


def check_plans(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        for column in (IncidentRow.merged_into, IncidentRow.parent_id):
            plan = explained(
                connection,
                "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN ",
                str(select(IncidentRow.number).where(column == bindparam("key"))),
                key="a",
            )
            assert f"ix_incidents_{column.key}" in plan
        if connection.dialect.name == "sqlite":
            check_sqlite(connection)
        else:
            check_postgresql(connection)


def check_sqlite(connection: Connection) -> None:
    query = full_text(query_of("deg māja 3456"))
    plan = explained(connection, "EXPLAIN QUERY PLAN ", str(SQLITE), query=query)
    assert "VIRTUAL TABLE INDEX" in plan
    assert "SEARCH d USING INTEGER PRIMARY KEY" in plan
    assert "TEMP B-TREE" not in plan  # the index gives the newest first
    plan = explained(connection, "EXPLAIN QUERY PLAN ", str(ALL))
    assert "SEARCH search_documents USING INTEGER PRIMARY KEY" in plan
    assert "TEMP B-TREE" not in plan


def check_postgresql(connection: Connection) -> None:
    common, rare = lexemes(query_of("deg")), lexemes(query_of("3456"))
    newest = explained(connection, "EXPLAIN ", str(AMONG_NEWEST), query=common)
    assert "Index Scan Backward using pk_search_documents" in newest
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    for statement in (BY_INDEX_ALONE, IN_INDEX):
        plan = explained(connection, "EXPLAIN ", str(statement), rare=rare, common=common)
        assert "Bitmap Index Scan on search_lexemes" in plan


def explained(connection: Connection, how: str, statement: str, **more: object) -> str:
    rows = connection.execute(text(how + statement), VALUES | more)
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("count", [1, 1_000])
def test_the_made_up_cards_are_the_same_each_time(count: int) -> None:
    first, second = Centre(count), Centre(count)
    assert list(first.batches()) == list(second.batches())
