"""What editors are told of a definition's files is what the program reads, key by key, and true of every sound file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from mcp_server.definitions import budgets, check_parts, gate_files, options
from mcp_server.definitions import parse as parsing
from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.gate_files import read_gate
from mcp_server.definitions.nodes import Node, Report
from mcp_server.definitions.parse import METADATA, parse
from mcp_server.definitions.schemas.gate import gate_schema
from mcp_server.definitions.schemas.metadata import metadata_schema
from mcp_server.definitions.starter import starter
from mcp_server.domain.checks import CONDITIONS_OF
from tests.docs.pages import ROOT, blocks, pages

pytestmark = pytest.mark.unit

GATE = gate_schema()
META = metadata_schema()
GATE_FILES: Any = Draft7Validator(GATE)
META_FILES: Any = Draft7Validator(META)
read_workflow: Any = vars(parsing)["_workflow"]
# What the keys of each part are called in the parser.
GATE_TABLES: dict[str, Any] = {
    "": vars(gate_files)["_GATE_KEYS"] | vars(gate_files)["_INFORMATIVE"],
    "field": vars(gate_files)["_FIELD_KEYS"] | vars(gate_files)["_INFORMATIVE"],
    "check": check_parts.CHECK_KEYS,
    "approval": check_parts.APPROVAL_KEYS,
    "retry": check_parts.RETRY_KEYS,
    "stdout_number": check_parts.NUMBER_KEYS,
    "stdout_json": check_parts.JSON_KEYS,
    **{f"pass_of_{kind}": keys for kind, keys in CONDITIONS_OF.items()},
}
UNIT = {"id": "unit", "run": ["pytest"], "pass": {"exit_code": 0}}
SMALLEST: dict[str, Any] = {
    "workflow_type": "a",
    "version": "1",
    "name": "A",
    "description": "D",
    "phases": [{"phase_number": 1, "phase_name": "P"}],
}


def part(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return schema["definitions"][name] if name else schema


def examples(schema: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Each key of a part with a value that it may have."""
    for key, said in part(schema, name)["properties"].items():
        if "examples" in said:
            yield key, said["examples"][0]


def gate_with(name: str, key: str, value: Any) -> dict[str, Any]:
    """A gate in which that part has that key."""
    fields = {"evidence_schema": {"a": {"type": "integer"}, "goal": {"type": "string"}}}
    number, found = {"pattern": "x", "equals": 1}, {"path": "a", "equals": 1}
    retry = {"on": ["timeout"]}
    match name:
        case "":
            return {**fields, key: value}
        case "field":
            whole = {"type": "integer", key: value}
            return {
                "evidence_schema": {"a": whole | ({"validator": "positive"} if key == "validator_params" else {})},
                "checks": [UNIT],
            }
        case "check":
            kind = {key: value} if key in {"file", "glob"} else {"run": ["ls"], key: value}
            passes = {"file": {"exists": True}, "glob": {"count_at_least": 1}}.get(key, {"exit_code": 0})
            return {"checks": [{"id": "unit", "pass": passes, **kind}]}
        case "retry":
            return {"checks": [{**UNIT, "retry": {**retry, key: value}}]}
        case "stdout_number":
            return {"checks": [{**UNIT, "pass": {name: {**number, key: value}}}]}
        case "stdout_json":
            return {"checks": [{**UNIT, "pass": {name: {**found, key: value}}}]}
        case "rule":
            return {**fields, "cross_field_validation": [{"rule": "lambda e: True", key: value}]}
        case "checkpoint" | "on_no_go" | "approval":
            return {**fields, name: {key: value}}
        case _:
            kind = name.removeprefix("pass_of_")
            return {"checks": [{"id": "a", kind: ["ls"] if kind == "run" else "x", "pass": {key: value}}]}


GATE_EXAMPLES = [
    pytest.param(name, key, value, id=f"{name}.{key}")
    for name in ["", *GATE["definitions"]]
    for key, value in examples(GATE, name)
]


@pytest.mark.parametrize("schema", [GATE, META])
def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)


@pytest.mark.parametrize(("name", "known"), GATE_TABLES.items())
def test_the_keys_of_a_gate_are_those_of_the_parser(name: str, known: frozenset[str]) -> None:
    found = part(GATE, name)
    assert set(found["properties"]) == set(known) | ({"description"} if name == "field" else set())
    assert found["additionalProperties"] is False


def test_the_keys_of_options_and_budgets_are_those_of_the_parser() -> None:
    assert set(part(META, "option")["properties"]) == options.OPTION_KEYS
    assert set(part(META, "budget")["properties"]) == budgets.BUDGET_KEYS


def test_the_types_of_a_field_are_those_of_the_parser() -> None:
    assert set(part(GATE, "field")["properties"]["type"]["enum"]) == set(vars(gate_files)["_TYPES"])


@pytest.mark.parametrize(("name", "key", "value"), GATE_EXAMPLES)
def test_the_parser_takes_what_the_schema_shows(name: str, key: str, value: Any) -> None:
    document = gate_with(name, key, value)
    gate, report = read_gate(json.dumps(document), "gate-definition.yaml")
    assert [str(problem) for problem in report.problems] == []
    assert gate.unsupported == ()
    GATE_FILES.validate(document)


@pytest.mark.parametrize("name", ["", "checkpoint", "field", "rule", "on_no_go", "approval", "check", "retry"])
def test_a_key_that_nobody_knows_is_wrong_for_both(name: str) -> None:
    document = gate_with(name, "quorum", 3)
    gate, _ = read_gate(json.dumps(document), "gate-definition.yaml")
    assert gate.unsupported
    assert not GATE_FILES.is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        {"evidence_schema": {"a": {"type": "strin"}}},
        {"evidence_schema": {"a": None}},
        {"evidence_schema": {"a" * 201: {}}},
        {"validators": {"own": "x > 1"}},
        {"checks": [{"id": "a", "run": "ls -l", "pass": {"exit_code": 0}}]},
        {"checks": [{"id": "a", "run": ["ls"]}]},
        {"checks": [{"id": "a", "run": ["ls"], "pass": {"exists": True}}]},
        {"checks": [{"id": "a", "run": ["ls"], "file": "x", "pass": {"exit_code": 0}}]},
        {"checks": [{"id": "a b", "run": ["ls"], "pass": {"exit_code": 0}}]},
        {"checks": [{**UNIT, "retry": {"attempts": 99, "on": ["timeout"]}}]},
        {"checks": [{**UNIT, "pass": {"stdout_number": {"pattern": "x"}}}]},
        {"reopen": "nobody"},
        {"max_attempts": "many"},
        {"approval": {"channel": "rumour"}},
    ],
)
def test_what_the_parser_refuses_in_a_gate_the_schema_refuses(document: dict[str, Any]) -> None:
    assert read_gate(json.dumps(document), "gate-definition.yaml")[0].problem
    assert not GATE_FILES.is_valid(document)


def metadata_with(name: str, key: str, value: Any) -> dict[str, Any]:
    """Metadata in which that part has that key."""
    phase = {"phase_number": 1, "phase_name": "P"}
    match name:
        case "":
            return {**SMALLEST, key: value}
        case "phase":
            return {
                **SMALLEST,
                "phases": [{**phase, **({"skippable": True} if key == "skip_condition" else {}), key: value}],
            }
        case "task":
            return {**SMALLEST, "phases": [{**phase, "tasks": [{"task_number": 1, key: value}]}]}
        case "option":
            declared = {"path": True} if key in {"path", "required", "description"} else {"choice": ["pytest"]}
            return {**SMALLEST, "options": {"a": {**declared, key: value}}}
        case "budget":
            return {**SMALLEST, "budget": {"max_tokens": 1, key: value}}
        case _:
            config = {"source_path_key": "spec_path", key: value}
            return {**SMALLEST, "dynamic_phases": True, "dynamic_config": config}


META_EXAMPLES = [
    pytest.param(name, key, value, id=f"{name}.{key}")
    for name in ["", *META["definitions"]]
    for key, value in examples(META, name)
]


@pytest.mark.parametrize(("name", "key", "value"), META_EXAMPLES)
def test_the_metadata_may_say_what_the_schema_shows(name: str, key: str, value: Any) -> None:
    document = metadata_with(name, key, value)
    parsed = parse(
        Bundle("a", {METADATA: json.dumps(document).encode(), "phases/1/x.md": b"", "phases/1/phase.md": b""})
    )
    assert [str(problem) for problem in parsed.errors] == []
    META_FILES.validate(document)


@pytest.mark.parametrize(
    "said",
    [
        {"version": None},
        {"phases": {}},
        {"phases": [{"phase_name": "P"}]},
        {"phases": [{"phase_number": -1}]},
        {"start_phase": "first"},
        {"options": {"a": {"choice": [], "path": False}}},
        {"options": {"a": {"path": True, "shell": True}}},
        {"budget": {"tokens": 5}},
        {"budget": {"max_tokens": 0}},
        {"dynamic_phases": True},
        {"dynamic_phases": True, "dynamic_config": {"source_path_key": "a", "parser": "regex"}},
    ],
)
def test_what_the_parser_refuses_in_metadata_the_schema_refuses(said: dict[str, Any]) -> None:
    document = {**SMALLEST, **said}
    assert parse(Bundle("a", {METADATA: json.dumps(document).encode()})).errors
    assert not META_FILES.is_valid(document)


@cache
def sound_files() -> dict[str, Any]:
    """Metadata and gates that ship, that ``new`` writes and that the documentation shows."""
    files = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "workflows").rglob("*.*")}
    files |= {f"new/{name}": text for name, text in starter("sample_v1").items()}
    shown = (block for page in pages() for block in blocks(page) if block.directive == "file")
    files |= {f"{block}/{Path(block.argument).name}": block.text for block in shown}
    wanted = (METADATA, "gate-definition.yaml")
    return {name: yaml.safe_load(text) for name, text in files.items() if name.endswith(wanted)}


@pytest.mark.parametrize("name", sound_files())
def test_every_sound_file_conforms(name: str) -> None:
    (META_FILES if name.endswith(METADATA) else GATE_FILES).validate(sound_files()[name])


def test_there_are_sound_files_of_every_origin() -> None:
    assert {name.split("/")[0] for name in sound_files()} == {"workflows", "new", "docs"}
    assert len(sound_files()) > 20


class Asked(dict[str, Any]):
    """An object that notes what it is asked for."""

    def __init__(self, data: dict[str, Any], names: set[str]) -> None:
        super().__init__(data)
        self.names = names

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)


def test_the_schema_of_the_metadata_has_every_key_that_the_parser_asks_for() -> None:
    asked: dict[str, set[str]] = {name: set() for name in ("", "phase", "task", "dynamic_config")}
    task = Asked({"task_number": 1}, asked["task"])
    phase = Asked({"phase_number": 1, "tasks": [task]}, asked["phase"])
    config = Asked({"source_path_key": "spec_path"}, asked["dynamic_config"])
    said = {**SMALLEST, "phases": [phase], "dynamic_phases": True, "dynamic_config": config}
    report = Report(METADATA)
    read_workflow(Bundle("a", {}), Node(Asked(said, asked[""]), (), report), report.problems)
    assert "start_phase" in asked[""]
    for name, keys in asked.items():
        assert keys <= set(part(META, name)["properties"]), name
