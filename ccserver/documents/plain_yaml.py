"""Documents as YAML files: for admins who keep them under version control, and for moving them.

The file is read as YAML 1.2's core schema: only ``true``, ``false``, ``null`` and decimal numbers
are not text. (By YAML 1.1, ``17:00`` would be 1020, ``no`` would be false and a date would not be
text.) It is written by the same rules, so that what is written reads back the same.
"""

import re
from collections.abc import Hashable

import yaml
from yaml.cyaml import CSafeDumper, CSafeLoader

DEPTH_MAX = 16
"""The deepest document, of areas with their polygons, has eight."""

_NULL = re.compile(r"(?:~|null|)\Z")
_BOOL = re.compile(r"(?:true|false)\Z")
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9]{1,18}\.[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?\Z")


class YAMLInvalid(ValueError):
    """The file is no YAML that can be read; ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class _Loader(CSafeLoader):
    """Knows plain values only, and every key of a mapping is text."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        """Keys as they are written (``1: lv`` is the key "1"); the same key twice is refused."""
        data: dict[Hashable, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    problem="a key is a list or a mapping", problem_mark=key_node.start_mark
                )
            if key_node.value in data:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key_node.value[:40]!r} stands here for the second time",
                    problem_mark=key_node.start_mark,
                )
            data[key_node.value] = self.construct_object(value_node, deep=deep)
        return data


class Flow(list[object]):
    """A list that is written on one line, with all that is in it."""


class _Dumper(CSafeDumper):
    """Quotes exactly what the loader would otherwise not read as text."""

    def ignore_aliases(self, data: object) -> bool:
        """Equal parts are written out twice."""
        return True


_RESOLVERS = (("null", _NULL), ("bool", _BOOL), ("int", _INT), ("float", _FLOAT))
for _class in (_Loader, _Dumper):
    _class.yaml_implicit_resolvers = {}  # not those of YAML 1.1
    for _kind, _pattern in _RESOLVERS:
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, None)


def _flow(dumper: _Dumper, data: Flow) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", list(data), flow_style=True)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> object:
    return loader.construct_mapping(node, deep=True)


def _sequence(loader: _Loader, node: yaml.SequenceNode) -> object:
    return loader.construct_sequence(node, deep=True)


def _whole_number(_: _Loader, node: yaml.ScalarNode) -> int:
    """Decimal, also with zeros in front: never octal."""
    return int(node.value)


_Dumper.add_representer(Flow, _flow)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _sequence)
_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def read_plain(raw: bytes, *, bytes_max: int) -> object:
    """Read a file into plain values; raises `YAMLInvalid`."""
    if len(raw) > bytes_max:
        raise YAMLInvalid(f"The file is larger than {bytes_max} bytes.", line=1, column=1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise YAMLInvalid("The file is not UTF-8 here.", line=line, column=column) from None
    try:
        _refuse_tricks(text)
        data: object = yaml.load(text, Loader=_Loader)  # noqa: S506  (a safe loader with fewer types)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = error.problem or error.context or "this is not YAML"
        raise YAMLInvalid(f"Expected YAML: {problem}.", line=where[0], column=where[1]) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise YAMLInvalid(
            "The file holds a control character here.", line=line, column=column
        ) from None
    return data


def write_plain(data: object) -> str:
    """Write plain values as a file that `read_plain` reads back the same."""
    return str(yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100))


def _refuse_tricks(text: str) -> None:
    """What a plain file has no use for, and what would cost without end."""
    depth = 0
    for event in yaml.parse(text, Loader=CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            _refuse("an alias (*…) cannot be used", event)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            _refuse("a tag (!…) cannot be used", event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                _refuse("the file is nested too deeply", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _refuse(problem: str, event: yaml.Event) -> None:
    mark = event.start_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    raise YAMLInvalid(f"Expected a plain YAML file: {problem}.", line=line, column=column)
