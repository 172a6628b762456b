"""A small, sound definition to begin from, and the schemas by which an editor knows its files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from mcp_server.definitions.schemas.gate import gate_schema
from mcp_server.definitions.schemas.metadata import metadata_schema

SCHEMAS_FOLDER: Final = ".schemas"
"""Beside the definitions, hidden, so that it is none of them; the definition to begin from refers to it."""

_FILES: Final = Path(__file__).parent / "starter_files"
_VERSION_AT_END: Final = re.compile(r"(?:[_.-]+v?|\bv)[\d.]+$")


def starter(name: str) -> dict[str, str]:
    """The files of a definition of that name by their path in its folder."""
    values = {"__NAME__": name, "__TITLE__": title_of(name)}
    found: dict[str, str] = {}
    for path in sorted(_FILES.rglob("*.*")):
        text = path.read_text(encoding="utf-8")
        for place, value in values.items():
            text = text.replace(place, value)
        found[path.relative_to(_FILES).as_posix()] = text
    return found


def title_of(name: str) -> str:
    """How a workflow of that name may be called: ``release_notes_v1`` is "Release notes"."""
    words = re.sub(r"[_.-]+", " ", _VERSION_AT_END.sub("", name)).strip()
    return words.capitalize() or name


def schema_files() -> dict[str, str]:
    """The JSON Schemas of a definition's files by their names."""
    schemas = {"metadata.schema.json": metadata_schema(), "gate-definition.schema.json": gate_schema()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}
