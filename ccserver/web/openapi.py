"""The API in its own words: an OpenAPI 3.1 document made of the routes and the models of the code.

Nothing is written twice. Addresses, methods and rights are those of the routes that the server
serves, bodies are the structs that handlers decode, summaries the handlers' docstrings. What no
code says (answers, headers, errors) stands in `ccserver.web.shapes`.
"""

import asyncio
import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from ccserver import __version__
from ccserver.accounts import Scope, rights_of_scopes
from ccserver.web.access import (
    ANY_CALLER,
    CSRF_HEADER,
    SAFE_METHODS,
    Access,
    Route,
)
from ccserver.web.describe import File, Form, Operation, Operations, Parameter, Shape
from ccserver.web.errors import PROBLEM_TYPE, PROBLEM_URN
from ccserver.web.gate import REASON_HEADER
from ccserver.web.sessions import COOKIE

PANEL_PATH = "/{path:.*}"
"""Serves the panel's files: no part of the API."""

PATH = "/api/openapi.json"
REF = "#/components/schemas/{name}"
JSON_TYPE = "application/json"

ABOUT = """\
Everything that the panel does, programs may do, too. Programs send a key as a bearer token; what a
key may do its scopes say, and a key of a service sees what the service's dispatchers see. People
have a session in a cookie, and send `X-CCServer: 1` with whatever changes something.

Times are ISO 8601 in UTC. Unknown members of bodies are refused. Answers may get new members at any
time: ignore what you do not know. Errors are problem documents (RFC 9457); `code` is for programs.
"""

_NAME = re.compile(r"\{([a-z_]+)\}")
_REQUEST = re.compile(r"``(?:GET|PUT|POST|PATCH|DELETE)[^`]*``(?: and ``[^`]*``)?[:;,]?\s*")
_MANY_SPACES = re.compile(r"\s+")

JSON = dict[str, object]


class Problem(msgspec.Struct, frozen=True):
    """What went wrong. `code` is for programs, `detail` a sentence for people (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class OpenAPI:
    """Handler of ``/api/openapi.json``. ``routes`` are all of the server's, told when complete."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._made: bytes | None = None
        self.table: Sequence[Route] = ()

    def routes(self) -> tuple[Route, ...]:
        """The one address: for people of every role, and for every key."""
        return (Route("GET", PATH, self.handle, ANY_CALLER),)

    async def handle(self, _: web.Request) -> web.Response:
        """``GET /api/openapi.json``: this document."""
        if self._made is None:
            self._made = await asyncio.to_thread(
                lambda: msgspec.json.encode(document(self.table, self._operations))
            )
        return web.Response(body=self._made, content_type=JSON_TYPE)


def document(routes: Sequence[Route], operations: Operations, *, closed: bool = False) -> JSON:
    """The document of these routes; raises `KeyError` for one that is not described.

    ``closed``: answers hold no member but those described. For tests; to others it would promise
    that answers never grow.
    """
    described = [
        (route, operations[route.method, route.path])
        for route in routes
        if route.path != PANEL_PATH
    ]
    schemas = _Schemas(operation for _, operation in described)
    paths: dict[str, JSON] = defaultdict(dict)
    for route, operation in described:
        paths[route.path][route.method.lower()] = _operation(route, operation, schemas)
    components = schemas.components if closed else _opened(schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ccserver",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "cck_<id>_<secret>"},
            },
        },
    }


class _Schemas:
    """The schemas of all types that occur, made at once so that they share their names."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        types: dict[str, object] = {}
        answers: dict[str, object] = {}
        for operation in operations:
            for type_ in (operation.answer, *operation.others.values()):
                if not isinstance(type_, File) and type_ is not None:
                    answers[repr(type_)] = type_
            for body in operation.bodies:
                if not isinstance(body, File | Form):
                    types[repr(body)] = body
            for parameter in operation.parameters:
                types[repr(parameter.type)] = parameter.type
        types |= answers | {repr(Problem): Problem}
        made, components = msgspec.json.schema_components(
            types.values(), ref_template=REF, schema_hook=_any
        )
        # Plain JSON: a default may be a tuple.
        self._made: dict[str, JSON] = dict(
            zip(types, msgspec.json.decode(msgspec.json.encode(made)), strict=True)
        )
        self.components: dict[str, JSON] = msgspec.json.decode(msgspec.json.encode(components))
        for schema in self.components.values():
            if "description" in schema:
                schema["description"] = _one_line(str(schema["description"]))

    def of(self, type_: object) -> JSON:
        """The schema of one type, or a reference to it."""
        return self._made[repr(type_)]


def _any(type_: type) -> dict[str, object]:
    """The schema of what msgspec knows none of: any JSON, which the code calls an object."""
    if type_ is object:
        return {"type": ["null", "boolean", "number", "string", "array", "object"]}
    raise NotImplementedError


def _opened(schemas: _Schemas) -> Mapping[str, JSON]:
    """The schemas, of which those of answers may have more members."""
    answers = {shape.__name__ for shape in _shapes(Shape)}
    return {
        name: {key: value for key, value in schema.items() if key != "additionalProperties"}
        if name in answers
        else schema
        for name, schema in schemas.components.items()
    }


def _shapes(base: type[Shape]) -> Iterator[type[Shape]]:
    for shape in base.__subclasses__():
        yield shape
        yield from _shapes(shape)


def _operation(route: Route, operation: Operation, schemas: _Schemas) -> JSON:
    summary, _, more = _told(route, operation).partition("\n")
    made: JSON = {
        "operationId": _id(route),
        "tags": [_tag(route)],
        "summary": summary,
        "parameters": list(_parameters(route, operation, schemas)),
        "responses": _responses(route, operation, schemas),
        "security": _security(route.access),
    }
    if more:
        made["description"] = more
    if route.access.right is not None:
        made["x-right"] = route.access.right.value
    if operation.bodies:
        content: JSON = {}
        for body in operation.bodies:
            content |= _body(body, schemas)
        made["requestBody"] = {"required": True, "content": content}
    return made


def _told(route: Route, operation: Operation) -> str:
    """What the operation does: a line, and perhaps a paragraph after a line break."""
    if operation.summary:
        return operation.summary
    text = inspect.getdoc(route.handler) or ""
    first, _, rest = text.partition("\n\n")
    line = _plain(_REQUEST.sub("", first, count=1)) or f"{route.method} {route.path}"
    return f"{line[:1].upper()}{line[1:]}\n{_plain(rest)}".rstrip()


def _plain(text: str) -> str:
    return _one_line(text).replace("``", "`")


def _one_line(text: str) -> str:
    return _MANY_SPACES.sub(" ", text).strip().replace("``", "`")


def _id(route: Route) -> str:
    words = re.findall(r"[A-Za-z0-9]+", route.path.removeprefix("/api"))
    return route.method.lower() + "".join(word[:1].upper() + word[1:] for word in words)


def _tag(route: Route) -> str:
    parts = route.path.removesuffix(".yaml").removesuffix(".json").split("/")
    return parts[2] if parts[1] == "api" else "server"


def _parameters(route: Route, operation: Operation, schemas: _Schemas) -> Iterator[JSON]:
    for name in _NAME.findall(route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for parameter in operation.parameters:
        yield _parameter(parameter, schemas)
    if route.method not in SAFE_METHODS:
        yield {
            "name": CSRF_HEADER,
            "in": "header",
            "description": "Needed with a session's cookie, not with a key.",
            "schema": {"const": "1"},
        }
    if route.behind_the_door or route.own_door:
        yield {
            "name": REASON_HEADER,
            "in": "header",
            "description": "Why somebody outside of the card reads it; percent-encoded UTF-8.",
            "schema": {"type": "string"},
        }


def _parameter(parameter: Parameter, schemas: _Schemas) -> JSON:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "description": parameter.text,
        "schema": schemas.of(parameter.type),
    }


def _body(body: object, schemas: _Schemas) -> JSON:
    match body:
        case Form():
            file = {"type": "string", "contentMediaType": "application/octet-stream"}
            form = {"type": "object", "properties": {"file": file}, "required": ["file"]}
            return {"multipart/form-data": {"schema": form}}
        case File():
            return _file(body)
        case _:
            return {JSON_TYPE: {"schema": schemas.of(body)}}


def _file(file: File) -> JSON:
    schema: JSON = {"type": "string"} if file.text else {}
    return {media_type: {"schema": schema} for media_type in file.media_types}


def _responses(route: Route, operation: Operation, schemas: _Schemas) -> JSON:
    made: JSON = {}
    for status, type_ in {operation.status: operation.answer, **operation.others}.items():
        response: JSON = {"description": _describe(type_, status)}
        match type_:
            case None:
                pass
            case File():
                response["content"] = {one: {} for one in type_.media_types}
            case _:
                response["content"] = {JSON_TYPE: {"schema": schemas.of(type_)}}
        made[str(status)] = response
    for status, codes in sorted(_errors(route, operation).items()):
        problem = {PROBLEM_TYPE: {"schema": schemas.of(Problem)}}
        if str(status) in made:
            # An answer that looks otherwise has this status, too: of a part that is not well.
            continue
        told = ", ".join(f"`{code}`" for code in codes)
        made[str(status)] = {
            "description": f"{HTTPStatus(status).phrase}: {told}.",
            "content": problem,
            "x-problems": [f"{PROBLEM_URN}{code}" for code in codes],
        }
    return made


def _describe(type_: object, status: int) -> str:
    doc = getattr(type_, "__doc__", None)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct) and doc:
        return _one_line(doc.split("\n\n")[0])
    return HTTPStatus(status).phrase


def _errors(route: Route, operation: Operation) -> Mapping[int, Sequence[str]]:
    """The codes by status: of every route, of routes of this kind, and of this one."""
    codes: dict[int, list[str]] = defaultdict(list)
    codes[400].append("bad_request")
    codes[500].append("internal")
    codes[503] += ["database_unavailable", "timed_out"]
    if route.method not in SAFE_METHODS:
        codes[403].append("csrf")
    if route.access.right is not None:
        codes[401] += ["signed_out", "key_refused"]
        codes[403].append("forbidden")
        codes[429].append("too_many_requests")
    if route.access.seat:
        codes[403].append("no_seat")
    if _NAME.search(route.path):
        codes[404].append("not_found")
    if route.behind_the_door or route.own_door:
        codes[403].append("reason_needed")
    if operation.bodies:
        codes[408].append("body_timeout")
        codes[413].append("too_large")
        codes[415].append("unsupported_encoding")
    for status, own in operation.errors.items():
        codes[status] += [code for code in own if code not in codes[status]]
    return codes


def _security(access: Access) -> list[JSON]:
    if access.right is None:
        return []
    session: JSON = {"session": []}
    scopes = _scopes(access)
    return [session, {"key": scopes}] if scopes else [session]


def _scopes(access: Access) -> list[str]:
    """The scopes of which any one will do."""
    if access.any_key:
        return [scope.value for scope in Scope]
    return [scope.value for scope in Scope if access.right in rights_of_scopes([scope])]
