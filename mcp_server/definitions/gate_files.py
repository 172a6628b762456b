"""Reads ``gate-definition.yaml``.

Whatever is wrong is an error with its line and makes the gate one that blocks. A key that this program knows nothing of
may ask for something, so it blocks as well; only keys that inform a reader are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast

from mcp_server.definitions.check_parts import read_approval, read_checks
from mcp_server.definitions.confinement import require_inside
from mcp_server.definitions.documents import DocumentError, read_yaml
from mcp_server.definitions.nodes import Node, Report
from mcp_server.definitions.plain_gates import check_name
from mcp_server.domain.defects import Defect, defects, doubts
from mcp_server.domain.definition import DEFAULT_MAX_ATTEMPTS, Field, FieldType, Gate, Rule
from mcp_server.domain.suggestions import did_you_mean
from mcp_server.domain.validators import BUILT_IN

# The short names that Python and JSON Schema have for the same types.
_TYPES: Mapping[str, FieldType] = {
    "boolean": "boolean",
    "bool": "boolean",
    "integer": "integer",
    "int": "integer",
    "number": "number",
    "float": "float",
    "string": "string",
    "str": "string",
    "object": "object",
    "dict": "object",
    "list": "list",
    "array": "list",
    "any": "any",
}
_INFORMATIVE = frozenset(
    {"$schema", "description", "example", "examples", "hint", "label", "name", "notes", "title", "version"}
)
_GATE_KEYS = frozenset(
    {"checkpoint", "evidence_schema", "validators", "cross_field_validation", "checks", "approval", "max_attempts"}
    | {"reopen", "protected_paths", "on_no_go", "phase", "phase_number", "phase_name"}
)
_REFERENCE = "What a gate file may say: docs/reference/definition-format.md."
_NAMES_SHOWN = 20
_FIELD_KEYS = frozenset({"type", "required", "validator", "validator_params", "from_check"})


def read_gate(text: str, file: str) -> tuple[Gate, Report]:
    """The gate that a file states, and what is wrong with it; with an error, the gate has a ``problem``."""
    report = Report(file)
    try:
        report.document = read_yaml(text)
    except DocumentError as error:
        report.add_at("error", error.line, str(error), "Mend the YAML.")
        return Gate(origin="file", problem=_problem(report)), report
    root = Node(report.document.data, (), report)
    gate = _gate(root)
    for defect in defects(gate):
        report.add("error", defect.path, defect.problem, _hint(gate, defect))
    for doubt in doubts(gate):
        why = "Nobody is told to show it, so the rule is likely judged without it."
        report.add("warning", doubt.path, doubt.problem, "Declare the field, or mend its name.", why)
    return gate.model_copy(update={"problem": _problem(report)}), report


def _hint(gate: Gate, defect: Defect) -> str:
    """What there is to choose from, where a name is wrong."""
    if defect.path[-1] == "validator":
        own = sorted(gate.validators)[:_NAMES_SHOWN]
        return f"There are {', '.join([*own, *sorted(BUILT_IN)])}, or write a lambda."
    if defect.path[-1] == "from_check":
        known = [check.id for check in gate.checks[:_NAMES_SHOWN]]
        return f"The gate's checks: {', '.join(known)}." if known else "Add the check under checks, or remove the key."
    return _REFERENCE


def _problem(report: Report) -> str | None:
    errors = [str(problem) for problem in report.problems if problem.severity == "error"]
    return f"the gate is invalid: {'; '.join(errors[:3])}" if errors else None


def _gate(root: Node) -> Gate:
    checkpoint = root.child("checkpoint")
    unsupported = [*_unknown(root, _GATE_KEYS), *_unknown(checkpoint, {"strict", "allow_override", "enabled"})]
    if checkpoint.child("enabled").boolean(default=True) is False:
        why = "A gate that can be switched off is none, so this one is judged as if the key were not there."
        checkpoint.child("enabled").warning("'enabled: false' does not open a gate", "Remove the key.", why)
    fields = read_fields(root.child("evidence_schema").members().items(), unsupported)

    def unknown(node: Node, known: Iterable[str]) -> None:
        unsupported.extend(_unknown(node, known, informative=()))

    on_no_go = root.child("on_no_go")
    unknown(on_no_go, {"advise", "rollback_to"})
    require_inside(root.child("protected_paths"))
    return Gate(
        fields=fields,
        rules=tuple(_rule(node, unsupported) for node in root.child("cross_field_validation").entries()),
        validators={name: node.text() for name, node in root.child("validators").members().items()},
        strict=checkpoint.child("strict").boolean(default=True),
        allow_override=checkpoint.child("allow_override").boolean(default=True),
        max_attempts=root.child("max_attempts").integer(DEFAULT_MAX_ATTEMPTS),
        reopen=_reopen(root.child("reopen")),
        advice=on_no_go.child("advise").text() or None,
        rollback_to=_phase_number(on_no_go.child("rollback_to")),
        checks=read_checks(root.child("checks"), unknown),
        approval=read_approval(root.child("approval"), unknown),
        protected_paths=root.child("protected_paths").texts(),
        unsupported=tuple(unsupported),
        origin="file",
    )


def _unknown(node: Node, known: Iterable[str], informative: Iterable[str] = _INFORMATIVE) -> list[str]:
    keys = set(known)
    allowed = keys.union(informative)
    return [
        _without_machinery(member, did_you_mean(key, keys))
        for key, member in node.members().items()
        if key not in allowed and not (informative and key.startswith("x-"))
    ]


def _without_machinery(node: Node, meant: str = "") -> str:
    message = f"'{node.label}' is not supported by this version, so the gate blocks{meant}"
    hint = _REFERENCE if meant else "Remove it to use this version."
    node.warning(message, hint, "What it asks for would be passed over, so no evidence opens the gate.")
    return node.label


def read_fields(members: Iterable[tuple[str, Node]], unsupported: list[str]) -> tuple[Field, ...]:
    """The fields of an evidence schema; ``unsupported`` takes the keys whose machinery is missing."""
    return tuple(_field(name, node, unsupported) for name, node in members)


def _field(name: str, node: Node, unsupported: list[str]) -> Field:
    unsupported += _unknown(node, _FIELD_KEYS)
    check_name(name, node)
    if node.data is None:
        node.error(f"the field '{name}' says nothing", "Give it a type, and whether it is required.")
    kind = node.child("type").text("any")
    if kind not in _TYPES:
        known = "boolean, integer, number, float, string, object, list"
        node.child("type").error(f"there is no type '{kind}'", f"Use one of {known}.")
    return Field(
        name=name,
        type=_TYPES.get(kind, "any"),
        required=node.child("required").boolean(default=True),
        validator=node.child("validator").text() or None,
        validator_params={key: member.data for key, member in node.child("validator_params").members().items()},
        description=node.child("description").text(),
        from_check=node.child("from_check").text() or None,
    )


def _rule(node: Node, unsupported: list[str]) -> Rule:
    unsupported += _unknown(node, {"rule", "error_message"})
    expression = node.child("rule").text()
    return Rule(
        expression=expression,
        error_message=node.child("error_message").text() or f"{node.label} does not hold",
    )


def _phase_number(node: Node) -> int | None:
    return None if node.data is None else node.integer(0)


def _reopen(node: Node) -> Literal["assistant", "person"]:
    said = node.text("assistant")
    if said not in {"assistant", "person"}:
        node.error(f"nobody called '{said}' can reopen a phase", "Use assistant or person.")
        return "person"
    return cast("Literal['assistant', 'person']", said)
