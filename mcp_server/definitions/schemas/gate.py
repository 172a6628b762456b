"""The schema of ``gate-definition.yaml``. A key that is not in it blocks the gate, so the objects are closed."""

from __future__ import annotations

from typing import Final

from mcp_server.definitions.schemas.checks import check_definitions
from mcp_server.definitions.schemas.parts import (
    DRAFT,
    Schema,
    anything,
    boolean,
    choice,
    closed,
    integer,
    refer,
    refer_all,
    refer_each,
    text,
    texts,
)
from mcp_server.domain.checks import DEFAULT_EXPIRES_HOURS
from mcp_server.domain.definition import DEFAULT_MAX_ATTEMPTS, MAX_FIELD_NAME
from mcp_server.domain.validators import BUILT_IN

_TYPES: Final = ("boolean", "integer", "number", "float", "string", "object", "list", "any")
_SHORT_TYPES: Final = ("bool", "int", "str", "dict", "array")
_INFORMATIVE: Final = ("$schema", "description", "example", "examples", "hint", "label", "name", "notes", "title")
_READERS: Final = (*_INFORMATIVE, "version")
_LAMBDA: Final = "lambda value: value > 0"
_CHECK: Final = {"id": "unit", "run": ["pytest", "-q"], "pass": {"exit_code": 0}}


def gate_schema() -> Schema:
    """JSON Schema (draft 7) of a gate file."""
    root = closed(_gate(), informative=_READERS)
    head = {
        "$schema": DRAFT,
        "title": "The gate of a phase (gate-definition.yaml)",
        "description": "What has to be shown, checked and approved before a session leaves the phase.",
    }
    parts = {
        "checkpoint": closed(_checkpoint(), informative=_READERS),
        "field": closed(_field(), informative=_READERS),
        "rule": closed(_rule(), required=["rule"], informative=_READERS),
        "on_no_go": closed(_on_no_go()),
        "approval": closed(_approval()),
        **check_definitions(),
    }
    return {**head, **root, "definitions": parts}


def _gate() -> dict[str, Schema]:
    declared = refer_each("field", "The fields of the evidence, by name.", {"goal": {"type": "string"}})
    approval = {"anyOf": [{"type": "boolean"}, {"$ref": "#/definitions/approval"}], "examples": [{"required": True}]}
    return {
        "checkpoint": refer("checkpoint", "How the evidence is judged.", {"strict": True}),
        "evidence_schema": {**declared, "propertyNames": {"maxLength": MAX_FIELD_NAME}},
        "validators": {
            "description": "Conditions of your own: a lambda of the value and of its validator_params, by name.",
            "type": "object",
            "additionalProperties": {"type": "string", "pattern": r"^\s*lambda\b"},
            "examples": [{"above_zero": _LAMBDA}],
        },
        "cross_field_validation": refer_all(
            "rule", "Conditions over several fields.", [{"rule": "lambda e: True", "error_message": "Never."}]
        ),
        "checks": refer_all("check", "What the server itself runs or looks at.", [_CHECK]),
        "approval": {"description": "That a person has to approve.", **approval},
        "protected_paths": texts("Globs of files that must not change during the phase, such as tests.", ["tests/**"]),
        "max_attempts": integer(
            "How often the gate may refuse before the session fails; 0: no limit.", 3, default=DEFAULT_MAX_ATTEMPTS
        ),
        "reopen": choice("Who may open the phase again after that.", ("assistant", "person"), default="assistant"),
        "on_no_go": refer("on_no_go", "What follows a refusal.", {"advise": "Ask the person."}),
        "phase": anything("For readers: the phase's number is that of its folder.", 1),
        "phase_number": anything("For readers: the phase's number is that of its folder.", 1),
        "phase_name": text("For readers: the phase's name is that of the metadata.", "Look first"),
    }


def _checkpoint() -> dict[str, Schema]:
    return {
        "strict": boolean("False: a wrong optional field is a warning. A required one is always wrong.", default=True),
        "allow_override": boolean("Whether a person may let the phase pass without its evidence.", default=True),
        "enabled": {"description": "No gate can be switched off.", "const": True, "examples": [True]},
    }


def _field() -> dict[str, Schema]:
    known = [{"enum": sorted(BUILT_IN)}, {"type": "string"}]
    built_in = "A built-in condition, one named under validators, or a lambda."
    return {
        "type": choice("The form of the value; true is not an integer.", (*_TYPES, *_SHORT_TYPES), default="any"),
        "required": boolean("A required boolean that is false has not been shown.", default=True),
        "validator": {"description": built_in, "anyOf": known, "examples": [_LAMBDA]},
        "validator_params": {
            "description": "The parameters of the validator, by name.",
            "type": "object",
            "examples": [{}],
        },
        "from_check": text("The id of the check that fills the field in: verified, not said.", "unit"),
    }


def _rule() -> dict[str, Schema]:
    return {
        "rule": text("A lambda of the whole evidence.", "lambda e: True", pattern=r"^\s*lambda\b"),
        "error_message": text("What the assistant reads when it does not hold.", "More passed than ran."),
    }


def _on_no_go() -> dict[str, Schema]:
    return {
        "advise": text("A sentence that goes with every refusal.", "Run scripts/rollback before you try again."),
        "rollback_to": integer("The earlier phase to which a refusal leads back.", 1),
    }


def _approval() -> dict[str, Schema]:
    return {
        "required": boolean("False: no approval is asked for.", default=True),
        "prompt": text("What the person is asked.", "Is the design ready to build?"),
        "channel": choice(
            "out_of_band: at a terminal of their own. any: also through the client, which proves less.",
            ("out_of_band", "any"),
            default="out_of_band",
        ),
        "expires_hours": {
            "description": "How long the question stands, in hours.",
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 24 * 366,
            "default": DEFAULT_EXPIRES_HOURS,
            "examples": [72],
        },
    }
