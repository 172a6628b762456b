"""The versions of a session's form, and the pure steps from each to the next.

Version 0 is the session file of praxis-os, with what was found out for it (``version_0``). From version 1 on they are
this program's own: a head of an older version is read through the steps between, and written in the present form at its
next change. A step that was released is never changed, since what it reads is still out there, and one between two
versions of this program makes no blobs, since reading writes nothing.

Events are never rewritten. Their fields only grow, each new one with a default, and a new meaning is a new type. So the
events of an older session, applied by this program, have to make the session that the steps make of its head: every
verification holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mcp_server.domain.session import SCHEMA_VERSION
from mcp_server.storage.document import Document, Step
from mcp_server.storage.version_0 import from_version_0

FIRST: Final = 1
"""The first version that a store may hold."""

STEPS: Final[Mapping[int, Step]] = {0: from_version_0}
"""The step from each version to the one after it."""


def version_of(fields: Mapping[str, Any]) -> int | None:
    """The version that a document says it has, or None when it says none."""
    version = fields.get("schema_version")
    return version if isinstance(version, int) and not isinstance(version, bool) else None


def is_older(fields: Mapping[str, Any]) -> bool:
    """Whether a document of a store has an earlier version than this program writes."""
    version = version_of(fields)
    return version is not None and FIRST <= version < SCHEMA_VERSION


def raised(document: Document) -> Document:
    """The document in the present version. Raises UnfitError, and KeyError for a version that has no step."""
    version = version_of(document.fields)
    while version != SCHEMA_VERSION:
        version = 0 if version is None else version
        document = STEPS[version](document)
        version += 1
        document = replace(document, fields={**document.fields, "schema_version": version})
    return document


def raised_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a session that a store holds, in the present version."""
    return dict(raised(Document(fields)).fields) if is_older(fields) else dict(fields)
