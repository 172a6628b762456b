"""The schema of ``metadata.json``. Other keys than these are kept and have no effect, so most objects are open."""

from __future__ import annotations

from typing import Any, Final

from mcp_server.definitions.schemas.parts import (
    DRAFT,
    Schema,
    boolean,
    choice,
    closed,
    integer,
    number,
    opened,
    refer,
    refer_all,
    refer_each,
    text,
    texts,
)

_SHOWN: Final = "Shown to readers; it has no effect."
_NUMBER: Final = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "minLength": 1}]}
_ARGV: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_SAYS_WHERE: Final[dict[str, Any]] = {
    "if": {"properties": {"dynamic_phases": {"const": True}}, "required": ["dynamic_phases"]},
    "then": {"required": ["dynamic_config"], "properties": {"dynamic_config": {"required": ["source_path_key"]}}},
}


def metadata_schema() -> Schema:
    """JSON Schema (draft 7) of a definition's metadata."""
    required = ["workflow_type", "version", "name", "description", "phases"]
    head = {
        "$schema": DRAFT,
        "title": "A workflow (metadata.json)",
        "description": "What a workflow is, its phases in the order of their numbers, and their tasks.",
    }
    parts = {
        "phase": opened(_phase(), required=["phase_number"]),
        "task": opened(_task()),
        "option": _option(),
        "budget": closed(_budget(), minProperties=1),
        "dynamic_config": opened(_dynamic_config()),
    }
    properties = {**_identity(), **_structure(), **_shown()}
    return {**head, **opened(properties, required=required, **_SAYS_WHERE), "definitions": parts}


def _identity() -> dict[str, Schema]:
    return {
        "$schema": {"description": "Where an editor finds this schema.", "type": "string", "examples": ["x.json"]},
        "workflow_type": text("The folder's name; where it differs it is an alias.", "release_v1"),
        "version": text("The definition's own version.", "1.0.0"),
        "name": text("What people call it.", "Release"),
        "description": text("What it is for, in one or two sentences: assistants choose by it.", "Make a release."),
        "category": text("A word to group by.", "maintenance", default="uncategorized"),
        "aliases": texts("Further names by which start knows it.", ["release"]),
        "tags": texts("Words to find it by.", ["release"]),
        "estimated_duration": text("How long it takes.", "30 minutes"),
        "target_languages": texts("The languages it is for.", ["any"]),
        "target_language": texts("The same as target_languages.", ["any"]),
        "artifacts": texts("What it leaves behind.", ["CHANGELOG.md"]),
        "primary_outputs": texts("The same as artifacts.", ["CHANGELOG.md"]),
    }


def _structure() -> dict[str, Schema]:
    total = {"anyOf": [{"type": "integer", "minimum": 0}, {"const": "dynamic"}], "examples": [1]}
    return {
        "phases": refer_all("phase", "The phases.", [{"phase_number": 1, "phase_name": "Look first"}]),
        "start_phase": integer("The phase to begin with; else the lowest number.", 1),
        "total_phases": {"description": "How many phases there are; better left out.", **total},
        "options": refer_each("option", "The options of start that checks have filled in.", {"file": {"path": True}}),
        "budget": refer("budget", "What a session may use up.", {"max_tokens": 200000, "mode": "warn"}),
        "dynamic_phases": boolean("A part of the phases comes from a plan.", default=False, example=False),
        "dynamic_config": refer("dynamic_config", "Where the plan comes from.", {"source_path_key": "spec_path"}),
    }


def _shown() -> dict[str, Schema]:
    words = ("author", "created", "created_date", "updated")
    objects = ("usage", "quality_gates", "quality_standards", "workflow_features", "rollback_strategy")
    return {
        **{key: text(_SHOWN, "2026-01-31") for key in words},
        **{key: texts(_SHOWN, ["git"]) for key in ("prerequisites", "notes")},
        **{key: {"description": _SHOWN} for key in (*objects, "state_persistence", "core_utilities")},
        "requires_user_interaction": {"description": _SHOWN},
        "supports_dry_run": {"description": _SHOWN},
        "supports_rollback": {"description": _SHOWN},
    }


def _phase() -> dict[str, Schema]:
    evidence = {
        "anyOf": [
            {"type": "array", "items": {"type": ["string", "number"]}},
            {"type": ["object", "string"]},
        ]
    }
    checkpoint = opened({"required_evidence": {"description": "Names that have to be shown.", **evidence}})
    return {
        "phase_number": {
            "description": "From 0 or 1, holes are allowed. Of a dynamic workflow also 1-N and closing.",
            **_NUMBER,
            "examples": [1],
        },
        "phase_name": text("Its title.", "Look first"),
        "name": text("The same as phase_name.", "Look first"),
        "purpose": text("What it is for, in one sentence.", "Know the goal."),
        "description": text("The same as purpose.", "Know the goal."),
        "estimated_effort": text("How long it takes.", "10 minutes"),
        "estimated_duration": text("The same as estimated_effort.", "10 minutes"),
        "file": text("Its Markdown, when that is not phases/<N>/phase.md.", "phase.md"),
        "phase_file": text("The same as file.", "phase.md"),
        "tasks": refer_all("task", "Its tasks; files task-<K>-<slug>.md need no entry.", [{"task_number": 1}]),
        "checkpoint": {
            "description": "The gate, where there is no gate-definition.yaml.",
            **checkpoint,
            "examples": [{"required_evidence": ["summary"]}],
        },
        "validation_criteria": texts("The gate, where there is neither: each sentence as a boolean.", ["It works."]),
        "key_deliverables": texts(_SHOWN, ["a report"]),
        "skippable": boolean("It is skipped when its skip_condition holds.", default=False),
        "skip_condition": text("A condition over the options of start; other text is a note.", "options['fast']"),
        "requires_restart": {"description": _SHOWN},
        "task_execution": {"description": _SHOWN},
    }


def _task() -> dict[str, Schema]:
    durations = ("estimated_duration", "estimated_time", "estimated_effort", "duration")
    return {
        "task_number": integer("Its number in the phase; else that of its file.", 1),
        **{key: text("Its title; else its file's first heading.", "Read") for key in ("name", "task_name", "title")},
        **{key: text("What it is for, in one sentence.", "Know it.") for key in ("purpose", "description")},
        "file": text("Its Markdown, in the phase's folder.", "task-1-read.md"),
        **{key: text("How long it takes.", "10 minutes") for key in durations},
    }


def _option() -> Schema:
    listed = {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1}
    named = {"type": "object", "additionalProperties": _ARGV, "minProperties": 1}
    properties = {
        "choice": {
            "description": "One of these; with a mapping, each stands for its arguments.",
            "anyOf": [listed, named],
            "examples": [["pytest", "unittest"]],
        },
        "path": boolean("A path inside the project.", default=False),
        "default": text("What it is when start does not say.", "pytest"),
        "required": boolean("Whether start has to say it; else only where there is no default."),
        "description": text("What it is for.", "The program that runs the tests."),
    }
    declared = {"anyOf": [{"required": ["choice"]}, {"required": ["path"]}]}
    # One that is declared otherwise informs a reader, and may say what it likes.
    return {"properties": properties, "if": declared, "then": {"propertyNames": {"enum": list(properties)}}}


def _budget() -> dict[str, Schema]:
    modes = ("warn", "strict", "off")
    return {
        "max_tokens": integer("Tokens, over the whole session.", 200000, least=1),
        "max_cost_usd": number("Money, over the whole session.", 5, exclusiveMinimum=0),
        "max_active_minutes": number("Minutes in which the session is active.", 240, exclusiveMinimum=0),
        "mode": choice("strict refuses, warn says so, off does nothing.", modes, default="warn"),
    }


def _dynamic_config() -> dict[str, Schema]:
    parsers = ("spec_tasks_parser", "workflow_definition_parser")
    templates = opened(
        {"phase": text("The template of a phase.", "x.md"), "task": text("The template of a task.", "x.md")}
    )
    return {
        "source_type": text("For readers.", "file"),
        "source_path_key": text("The option of start that names the plan.", "spec_path"),
        "parser": choice("Markdown (tasks.md) or YAML.", parsers, default=parsers[0]),
        "templates": {"description": "How the plan's phases are worded.", **templates, "examples": [{}]},
    }
