"""The part of the gate's schema that speaks of checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from mcp_server.definitions.check_parts import MAX_BACKOFF_SECONDS, MAX_RETRY_ATTEMPTS
from mcp_server.definitions.schemas.parts import (
    Schema,
    anything,
    boolean,
    closed,
    integer,
    number,
    refer,
    text,
    texts,
)
from mcp_server.domain.checks import CONDITIONS_OF, DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS, PLACES, Kind

_ID: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"
_FILLED_IN: Final = f"Filled in: {', '.join(f'{{{place}}}' for place in PLACES)} and {{options.NAME}}; {{{{ is a brace."
_TIMES: Final = {"type": "number", "minimum": 0, "maximum": MAX_BACKOFF_SECONDS}
_BOUNDS: Final[Mapping[str, Schema]] = {
    "at_least": number("The value must not be below this.", 1),
    "at_most": number("The value must not be above this.", 100),
}


def check_definitions() -> dict[str, Schema]:
    """The definitions to which a gate's ``checks`` refer."""
    conditions = _conditions()
    by_kind = {
        f"pass_of_{kind}": closed({key: conditions[key] for key in sorted(CONDITIONS_OF[kind])}, minProperties=1)
        for kind in get_args(Kind)
    }
    return {
        "check": closed(_check(), required=["id", "pass"], **_one_kind()),
        **by_kind,
        "stdout_number": closed(
            {"pattern": _pattern("Finds the number: its first group, else all of it.", r"(\d+) passed")}
            | {"equals": number("The value must be this.", 7), **_BOUNDS},
            required=["pattern"],
            minProperties=2,
        ),
        "stdout_json": closed(
            {"path": text("The keys that lead to the value, with dots between.", "totals.percent_covered")}
            | {"equals": anything("The value must be this.", 90), **_BOUNDS},
            required=["path"],
            minProperties=2,
        ),
        "retry": closed(_retry(), required=["on"]),
    }


def _one_kind() -> dict[str, Any]:
    """That a check runs a program or looks at a file or a glob, and that ``pass`` speaks of the same."""
    kinds = get_args(Kind)
    conditions = [
        {
            "if": {"required": [kind]},
            "then": {"properties": {"pass": {"$ref": f"#/definitions/pass_of_{kind}"}}},
        }
        for kind in kinds
    ]
    return {"oneOf": [{"required": [kind]} for kind in kinds], "allOf": conditions}


def _check() -> dict[str, Schema]:
    return {
        "id": {"description": "Its name in the gate.", "type": "string", "pattern": _ID, "examples": ["unit"]},
        "description": text("What it shows, for readers.", "The whole unit suite passes."),
        "run": {
            "description": f"Program and arguments; no shell takes them apart. {_FILLED_IN}",
            "type": "array",
            "items": {"type": ["string", "number"]},
            "minItems": 1,
            "examples": [["python", "-m", "pytest", "-q"]],
        },
        "file": text("A file to look at, relative to the project.", "docs/guide.md"),
        "glob": text("Files to count, relative to the project.", "data/backups/*.db"),
        "for_each": text("Run it once for every file of this glob, as {match}; no file is a no.", "data/*.db"),
        "pass": {
            "description": "What has to hold, all of it.",
            "type": "object",
            "examples": [{"exit_code": 0}],
        },
        "timeout_seconds": number(
            "Seconds after which it is stopped and has failed.",
            600,
            exclusiveMinimum=0,
            maximum=MAX_TIMEOUT_SECONDS,
            default=DEFAULT_TIMEOUT_SECONDS,
        ),
        "serial": boolean("Never beside another check.", default=False),
        "inputs": texts("Globs of the files that the result depends on; else all of the project.", ["src/**"]),
        "outputs": texts("Globs of the files that it writes itself.", [".coverage"]),
        "retry": refer("retry", "Repeats for flaky infrastructure, recorded.", {"on": ["timeout"]}),
    }


def _conditions() -> dict[str, Schema]:
    value = {"path": "totals.percent_covered", "at_least": 90}
    return {
        "exit_code": integer("The exit code.", 0),
        "stdout_matches": _pattern("Is found in the standard output.", "1 failed"),
        "stdout_not_matches": _pattern("Is not found in the standard output.", "WARNING"),
        "stdout_min_lines": integer("At least so many lines of standard output.", 1),
        "stdout_number": refer(
            "stdout_number", "A number in the standard output.", {"pattern": r"(\d+) passed", "at_least": 1}
        ),
        "stdout_json": refer("stdout_json", "A value of the standard output, read as JSON.", value),
        "exists": _true("The file is there."),
        "absent": _true("The file is not there."),
        "min_bytes": integer("At least so many bytes.", 400),
        "contains": {"description": "A part of the file.", "type": "string", "minLength": 1, "examples": ["## Usage"]},
        "matches": _pattern("Is found in the file.", "^# "),
        "unchanged_since_phase_start": _true("It is what it was when the phase was entered."),
        "count_at_least": integer("At least so many files.", 7),
        "count_at_most": integer("At most so many files.", 30),
    }


def _retry() -> dict[str, Schema]:
    codes = {"type": "object", "properties": {"exit_code": {"type": "integer"}}, "required": ["exit_code"]}
    return {
        "attempts": integer("How often it is run at most.", 3, least=1, maximum=MAX_RETRY_ATTEMPTS, default=3),
        "backoff_seconds": {"description": "Seconds to wait at first.", **_TIMES, "default": 1, "examples": [1]},
        "backoff_factor": number("By how much that grows.", 2, exclusiveMinimum=0, maximum=10, default=2),
        "max_backoff_seconds": {"description": "Seconds at most.", **_TIMES, "default": 30, "examples": [30]},
        "on": {
            "description": "After what it is run again.",
            "type": "array",
            "items": {"anyOf": [{"const": "timeout"}, codes]},
            "minItems": 1,
            "examples": [["timeout", {"exit_code": 75}]],
        },
    }


def _pattern(description: str, example: str) -> Schema:
    said = f"A regular expression. {description}"
    return {"description": said, "type": "string", "minLength": 1, "examples": [example]}


def _true(description: str) -> Schema:
    return {"description": description, "const": True, "examples": [True]}
