"""``server.json``, the entry in the registry of MCP servers: of the registry's form, and true of the program."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from jsonschema import Draft202012Validator

import mcp_server
from mcp_server.settings import ENV_PREFIX, FILE_ONLY, Settings
from tests.packaging.support import ROOT
from tests.support import bare_environment
from tests.wire import Wire

ENTRY: Final[dict[str, Any]] = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
(PACKAGE,) = ENTRY["packages"]
VARIABLES: Final[list[dict[str, Any]]] = PACKAGE["environmentVariables"]


def an_object(required: str, **properties: Any) -> dict[str, Any]:
    names = required.split()
    return {"type": "object", "required": names, "properties": properties, "additionalProperties": False}


TEXT: Final = {"type": "string", "minLength": 1}
INPUT: Final[dict[str, Any]] = {
    "name": TEXT,
    "description": TEXT,
    "format": {"enum": ["string", "number", "boolean", "filepath"]},
    "default": TEXT,
    "choices": {"type": "array", "items": TEXT, "minItems": 1},
    "placeholder": TEXT,
    "isRequired": {"type": "boolean"},
}
FORM: Final = an_object(
    "$schema name title description version packages",
    **{"$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"}},
    name={"type": "string", "pattern": r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "minLength": 3, "maxLength": 200},
    title={"type": "string", "minLength": 1, "maxLength": 100},
    description={"type": "string", "minLength": 1, "maxLength": 100},
    version={"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
    packages={
        "type": "array",
        "items": an_object(
            "registryType identifier version runtimeHint transport packageArguments environmentVariables",
            registryType={"const": "pypi"},
            identifier=TEXT,
            version={"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
            runtimeHint={"const": "uvx"},
            transport=an_object("type", type={"const": "stdio"}),
            packageArguments={"type": "array", "items": an_object("type name", type={"const": "named"}, **INPUT)},
            environmentVariables={"type": "array", "items": an_object("name", **INPUT)},
        ),
    },
)
"""The part of the registry's schema that the entry uses. Stricter in one way: what it does not use is not allowed."""


@pytest.mark.unit
def test_the_entry_has_the_registrys_form() -> None:
    validator: Any = Draft202012Validator(FORM)
    assert [error.message for error in validator.iter_errors(ENTRY)] == []


@pytest.mark.unit
def test_the_readme_proves_to_the_registry_whose_package_it_is() -> None:
    name = re.findall(r"^<!-- mcp-name: (\S+) -->$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert name == [ENTRY["name"]]


@pytest.mark.unit
def test_every_setting_of_the_environment_is_declared_as_it_is() -> None:
    declared = {variable["name"]: variable for variable in VARIABLES}
    assert len(declared) == len(VARIABLES)
    fields = {name: field for name, field in Settings.model_fields.items() if name not in {*FILE_ONLY, "project"}}
    assert declared.keys() == {ENV_PREFIX + name.upper() for name in fields}
    for name, field in fields.items():
        variable = declared[ENV_PREFIX + name.upper()]
        default = field.default
        assert variable["description"] == field.description
        assert variable.get("default") == (None if default in (None, ()) else str(default).lower())
        if isinstance(default, str):
            assert tuple(variable["choices"]) == get_args(field.annotation)


@pytest.mark.acceptance
def test_a_server_starts_with_what_is_declared(tmp_path: Path) -> None:
    (project := tmp_path / "my project").mkdir()
    (argument,) = PACKAGE["packageArguments"]
    variables = {variable["name"]: variable["default"] for variable in VARIABLES if "default" in variable}
    folders = {one["name"]: str(tmp_path / one["name"]) for one in VARIABLES if one["format"] == "filepath"}
    command = [str(Path(sys.executable).parent / PACKAGE["identifier"]), f"{argument['name']}={project}"]
    with Wire(command=command, environment=bare_environment(**variables, **folders), handshake=False) as wire:
        assert wire.initialize()["serverInfo"]["version"] == PACKAGE["version"] == mcp_server.__version__
        assert wire.call(action="list_sessions")["count"] == 0
