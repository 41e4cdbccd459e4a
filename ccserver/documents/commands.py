"""The command line of a document: ``ccserver routing export``, ``import``, ``check``, ``versions``.

The same four for each kind.
"""

import argparse
import asyncio
import contextlib
import getpass
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Generic

from ccserver import config, db
from ccserver.documents.kind import D, DocumentKind
from ccserver.documents.parts import ShapeWrong
from ccserver.documents.plain_yaml import YAMLInvalid
from ccserver.documents.problems import DocumentInvalid, Problem, Severity, shape_problem
from ccserver.documents.store import (
    COMMENT_CHARS_MAX,
    UnknownVersion,
    VersionConflict,
    VersionStore,
    VersionUnusable,
)

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_INVALID = 2
"""As for every argument that cannot be used."""
Result = tuple[int, list[str]]
"""Exit status, and the lines for standard output."""
TIMEOUT_S = 10.0
VERSIONS_SHOWN = 20


@dataclass(frozen=True)
class DocumentCommands(Generic[D]):
    """``told`` says what a person hears of keys that were left out when reading."""

    kind: DocumentKind[D]
    store: Callable[[db.Database], VersionStore[D]]
    help: str
    told: Callable[[Iterable[str]], list[Problem]] = lambda _: []

    def add(self, commands: "Subparsers") -> None:
        """Add them to the program's commands; each sets ``run(settings, options) -> status``."""
        parser = commands.add_parser(self.kind.name, help=self.help)
        actions = parser.add_subparsers(required=True, metavar="ACTION")
        exported = actions.add_parser("export", help="the document in use as YAML")
        exported.add_argument("--version", type=int, help="another version than the one in use")
        exported.set_defaults(run=self._export)
        imported = actions.add_parser("import", help="save a YAML file as the next version")
        imported.add_argument("file", type=Path, help="the file, or - for standard input")
        imported.add_argument("--comment", default="", help="shown in the history")
        imported.set_defaults(run=self._import)
        what = "say what is wrong with a YAML file; saves nothing"
        checked = actions.add_parser("check", help=what)
        checked.add_argument("file", type=Path, help="the file, or - for standard input")
        checked.set_defaults(run=self._check)
        versions = actions.add_parser("versions", help="the newest versions")
        versions.add_argument("--before", type=int, help="only versions below this one")
        versions.set_defaults(run=self._versions)

    def _export(self, settings: config.Config, options: argparse.Namespace) -> int:
        async def export(store: VersionStore[D]) -> Result:
            if options.version is None:
                stored = await store.current()
            else:
                stored = await store.version(options.version)
            text = self.kind.to_yaml(
                stored.document,
                version=stored.version,
                author=stored.author,
                saved_at=stored.saved_at,
            )
            return 0, text.removesuffix("\n").split("\n")

        return self._with_store(settings, export)

    def _import(self, settings: config.Config, options: argparse.Namespace) -> int:
        if len(options.comment) > COMMENT_CHARS_MAX:
            return _wrong(f"a comment has at most {COMMENT_CHARS_MAX} characters.")
        document = self._document(options.file)
        if document is None:
            return EXIT_INVALID

        async def save(store: VersionStore[D]) -> Result:
            try:
                version = await store.save(
                    document,
                    base_version=await store.newest(),
                    author=author_of_command(),
                    comment=options.comment,
                    at=datetime.now(UTC),
                )
            except DocumentInvalid as error:
                return _tell(options.file, error.problems), []
            except VersionConflict:
                sentence = "somebody else saved at the same moment; nothing was changed, try again."
                return _wrong(sentence), []
            return 0, [f"version {version}"]

        return self._with_store(settings, save)

    def _check(self, settings: config.Config, options: argparse.Namespace) -> int:
        document = self._document(options.file)
        if document is None:
            return EXIT_INVALID

        async def check(store: VersionStore[D]) -> Result:
            status = _tell(options.file, await store.check(document))
            return status, [f"{options.file}: can be imported"] if status == 0 else []

        return self._with_store(settings, check)

    def _versions(self, settings: config.Config, options: argparse.Namespace) -> int:
        async def show(store: VersionStore[D]) -> Result:
            heads = await store.versions(VERSIONS_SHOWN, options.before)
            return 0, [
                f"{head.version}\t{head.saved_at:%Y-%m-%dT%H:%M:%SZ}\t{head.author}\t"
                + " ".join(head.comment.split())
                for head in heads
            ]

        return self._with_store(settings, show)

    def _document(self, path: Path) -> D | None:
        """The file's document; ``None`` after a sentence on standard error."""
        limit = self.kind.bytes_max + 1
        if str(path) == "-":
            raw = sys.stdin.buffer.read(limit)
        else:
            with path.open("rb") as file:
                raw = file.read(limit)
        ignored: list[str] = []
        try:
            document = self.kind.from_yaml(raw, ignored=ignored.append)
        except YAMLInvalid as error:
            _wrong(f"{path}: line {error.line}, column {error.column}: {error}")
        except ShapeWrong as error:
            _tell(path, [shape_problem(error.path, str(error))])
        else:
            _tell(path, self.told(ignored))
            return document
        return None

    def _with_store(
        self, settings: config.Config, work: Callable[[VersionStore[D]], Awaitable[Result]]
    ) -> int:
        async def run() -> Result:
            database = db.Database(settings.database.url, request_timeout_s=TIMEOUT_S)
            try:
                return await work(self.store(database))
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


def author_of_command() -> str:
    """Who works at the command line, as the history and the audit name it."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name
        return "cli"


def _tell(path: Path, problems: list[Problem]) -> int:
    """Print every problem on a line of its own; the status says whether there is an error."""
    for problem in problems:
        where = problem.path or "the document"
        _wrong(f"{path}: {problem.severity.value}: {where}: {problem.text}")
    return EXIT_INVALID if any(p.severity is Severity.ERROR for p in problems) else 0


def _wrong(line: str) -> int:
    print(f"ccserver: {line}", file=sys.stderr)  # noqa: T201
    return EXIT_INVALID
