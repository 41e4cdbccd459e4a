"""Addresses of Latvia from the State Address Register: importer, search, what is near a point.

The index is a file of its own, made anew by each import and only read by the server, so it is
neither part of the database nor of its backups.
"""

from ccserver.addresses.importing import import_register
from ccserver.addresses.index import LIMIT_MAX, Addresses, AddressIndex, read_info
from ccserver.addresses.sample import write_sample
from ccserver.addresses.values import (
    Address,
    AddressesUnavailable,
    AddressKind,
    ImportRefused,
    IndexInfo,
    Nearby,
    SearchesTooMany,
    SearchTimedOut,
)

__all__ = [
    "LIMIT_MAX",
    "Address",
    "AddressIndex",
    "AddressKind",
    "Addresses",
    "AddressesUnavailable",
    "ImportRefused",
    "IndexInfo",
    "Nearby",
    "SearchTimedOut",
    "SearchesTooMany",
    "import_register",
    "read_info",
    "write_sample",
]
