"""What every versioned document has in common: reading, checks, versions, history, YAML.

The routing and the catalogue are such documents. Each says in a `DocumentKind` what it is called,
what shape it has and how large it may be; the rest is the same for both.
"""

from ccserver.documents.difference import Change, difference
from ccserver.documents.follow import Follower
from ccserver.documents.kind import DocumentKind, to_builtins
from ccserver.documents.models import VersionColumns
from ccserver.documents.parts import LANGUAGES, Part, ShapeWrong, Texts, Told, wrong_shape
from ccserver.documents.plain_yaml import Flow, YAMLInvalid
from ccserver.documents.problems import DocumentInvalid, Found, Problem, Severity, shape_problem
from ccserver.documents.store import (
    COMMENT_CHARS_MAX,
    Stored,
    UnknownVersion,
    VersionConflict,
    VersionHead,
    VersionStore,
    VersionUnusable,
)

__all__ = [
    "COMMENT_CHARS_MAX",
    "LANGUAGES",
    "Change",
    "DocumentInvalid",
    "DocumentKind",
    "Flow",
    "Follower",
    "Found",
    "Part",
    "Problem",
    "Severity",
    "ShapeWrong",
    "Stored",
    "Texts",
    "Told",
    "UnknownVersion",
    "VersionColumns",
    "VersionConflict",
    "VersionHead",
    "VersionStore",
    "VersionUnusable",
    "YAMLInvalid",
    "difference",
    "shape_problem",
    "to_builtins",
    "wrong_shape",
]
