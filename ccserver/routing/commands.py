"""The command line: ``ccserver routing export``, ``import``, ``check``, ``versions``."""

import argparse
import asyncio
import contextlib
import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ccserver import config, db
from ccserver.accounts import AccountStore
from ccserver.routing.document import Document, ShapeWrong
from ccserver.routing.exchange import YAMLInvalid, from_yaml, to_yaml
from ccserver.routing.limits import COMMENT_CHARS_MAX, DOCUMENT_BYTES_MAX
from ccserver.routing.problems import (
    PlanInvalid,
    Problem,
    Severity,
    ignored_problems,
    shape_problem,
)
from ccserver.routing.store import PlanConflict, RoutingStore, UnknownVersion, VersionUnusable

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_INVALID = 2
"""As for every argument that cannot be used."""
Result = tuple[int, list[str]]
"""Exit status, and the lines for standard output."""
TIMEOUT_S = 10.0
VERSIONS_SHOWN = 20


def add_commands(commands: "Subparsers") -> None:
    """Add ``routing`` to the program's commands; each sets ``run(settings, options) -> status``."""
    routing = commands.add_parser("routing", help="queues, skills, schedules: the routing document")
    actions = routing.add_subparsers(required=True, metavar="ACTION")
    exported = actions.add_parser("export", help="the document in use as YAML")
    exported.add_argument("--version", type=int, help="another version than the one in use")
    exported.set_defaults(run=_export)
    imported = actions.add_parser("import", help="save a YAML file as the next version")
    imported.add_argument("file", type=Path, help="the file, or - for standard input")
    imported.add_argument("--comment", default="", help="shown in the history")
    imported.set_defaults(run=_import)
    checked = actions.add_parser("check", help="say what is wrong with a YAML file; saves nothing")
    checked.add_argument("file", type=Path, help="the file, or - for standard input")
    checked.set_defaults(run=_check)
    versions = actions.add_parser("versions", help="the newest versions")
    versions.add_argument("--before", type=int, help="only versions below this one")
    versions.set_defaults(run=_versions)


def _export(settings: config.Config, options: argparse.Namespace) -> int:
    async def export(store: RoutingStore) -> Result:
        if options.version is None:
            stored = await store.current()
        else:
            stored = await store.version(options.version)
        text = to_yaml(
            stored.document, version=stored.version, author=stored.author, saved_at=stored.saved_at
        )
        return 0, text.removesuffix("\n").split("\n")

    return _with_store(settings, export)


def _import(settings: config.Config, options: argparse.Namespace) -> int:
    if len(options.comment) > COMMENT_CHARS_MAX:
        return _wrong(f"a comment has at most {COMMENT_CHARS_MAX} characters.")
    document = _document(options.file)
    if document is None:
        return EXIT_INVALID

    async def save(store: RoutingStore) -> Result:
        try:
            version = await store.save(
                document,
                base_version=await store.newest(),
                author=author_of_command(),
                comment=options.comment,
                at=datetime.now(UTC),
            )
        except PlanInvalid as error:
            return _tell(options.file, error.problems), []
        except PlanConflict:
            sentence = "somebody else saved at the same moment; nothing was changed, try again."
            return _wrong(sentence), []
        return 0, [f"version {version}"]

    return _with_store(settings, save)


def _check(settings: config.Config, options: argparse.Namespace) -> int:
    document = _document(options.file)
    if document is None:
        return EXIT_INVALID

    async def check(store: RoutingStore) -> Result:
        status = _tell(options.file, await store.check(document))
        return status, [f"{options.file}: can be imported"] if status == 0 else []

    return _with_store(settings, check)


def _versions(settings: config.Config, options: argparse.Namespace) -> int:
    async def show(store: RoutingStore) -> Result:
        heads = await store.versions(VERSIONS_SHOWN, options.before)
        return 0, [
            f"{head.version}\t{head.saved_at:%Y-%m-%dT%H:%M:%SZ}\t{head.author}\t"
            + " ".join(head.comment.split())
            for head in heads
        ]

    return _with_store(settings, show)


def author_of_command() -> str:
    """Who works at the command line, as the history and the audit name it."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name
        return "cli"


def _document(path: Path) -> Document | None:
    """The file's document; ``None`` after a sentence on standard error."""
    if str(path) == "-":
        raw = sys.stdin.buffer.read(DOCUMENT_BYTES_MAX + 1)
    else:
        with path.open("rb") as file:
            raw = file.read(DOCUMENT_BYTES_MAX + 1)
    ignored: list[str] = []
    try:
        document = from_yaml(raw, ignored=ignored.append)
    except YAMLInvalid as error:
        _wrong(f"{path}: line {error.line}, column {error.column}: {error}")
    except ShapeWrong as error:
        _tell(path, [shape_problem(error.path, str(error))])
    else:
        _tell(path, ignored_problems(ignored))
        return document
    return None


def _tell(path: Path, problems: list[Problem]) -> int:
    """Print every problem on a line of its own; the status says whether there is an error."""
    for problem in problems:
        where = problem.path or "the document"
        _wrong(f"{path}: {problem.severity.value}: {where}: {problem.text}")
    return EXIT_INVALID if any(p.severity is Severity.ERROR for p in problems) else 0


def _with_store(settings: config.Config, work: Callable[[RoutingStore], Awaitable[Result]]) -> int:
    async def run() -> Result:
        database = db.Database(settings.database.url, request_timeout_s=TIMEOUT_S)
        try:
            return await work(RoutingStore(database, AccountStore(database).agent_ids))
        finally:
            await database.close()

    db.check(settings.database.url)
    try:
        # What is logged meanwhile must not end up in the middle of an exported file.
        with contextlib.redirect_stdout(sys.stderr):
            status, lines = asyncio.run(run())
    except (UnknownVersion, VersionUnusable) as error:
        return _wrong(f"{error}.")
    for line in lines:
        print(line)  # noqa: T201
    return status


def _wrong(line: str) -> int:
    print(f"ccserver: {line}", file=sys.stderr)  # noqa: T201
    return EXIT_INVALID
