"""The gate's judgement: evidence in, verdict out.

A gate fails closed. Whatever is missing, wrong, unknown or raises keeps it shut and is said, all findings at once and
never with the value that would open it. What the assistant says of itself is ``attested``, whatever its form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import JsonValue

from mcp_server.domain.conditions import Condition, Probes
from mcp_server.domain.defects import defects
from mcp_server.domain.definition import Field, FieldType, Gate
from mcp_server.domain.expressions import ExpressionError, compile_expression
from mcp_server.domain.results import CheckResult
from mcp_server.domain.validators import InvalidValidatorError, condition_of
from mcp_server.domain.values import is_empty, is_finite, is_integer, is_list, is_number, is_object, same

__all__ = [
    "Accepted",
    "Finding",
    "Outcome",
    "Probes",
    "Verdict",
    "conclude",
    "evidence_schema",
    "judge",
    "required_names",
]

Outcome = Literal["passed", "refused", "blocked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with the evidence of that name; of a rule over several, with those in ``fields``."""

    field: str
    problem: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """One piece of evidence that was taken, and on what it rests."""

    name: str
    basis: Literal["attested", "verified"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it.

    ``blocked_by`` says why the gate does not open whatever is shown, ``missing`` and ``findings`` what is wrong with
    what was shown, ``no_go`` which checks did not pass and why. ``filled`` is the evidence that the server read itself.
    """

    outcome: Outcome
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    blocked_by: tuple[str, ...] = ()
    no_go: tuple[Finding, ...] = ()
    filled: Mapping[str, JsonValue] = dataclasses.field(default_factory=dict[str, JsonValue])


_OF_TYPE: Mapping[FieldType, tuple[str, Callable[[object], bool]]] = {
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "integer": ("an integer", is_integer),
    "number": ("a number", is_number),
    "float": ("a number", is_number),
    "string": ("a string", lambda value: isinstance(value, str)),
    "object": ("an object", is_object),
    "list": ("a list", is_list),
    "any": ("a value", lambda _: True),
}


def judge(gate: Gate, evidence: Mapping[str, object], probes: Probes) -> Verdict:
    """Judge the form of ``evidence`` at ``gate``: all that can be told without its checks.

    What comes from a check, and rules that read it, are left for ``conclude``. Never raises: an exception inside is a
    finding, not a pass.
    """
    return _judged(gate, evidence, probes, read_by_checks(gate))


def conclude(gate: Gate, evidence: Mapping[str, object], results: Iterable[CheckResult], probes: Probes) -> Verdict:
    """Judge ``evidence`` at ``gate`` with what its checks came to. Never raises.

    Evidence that comes from a check is what the check read, whatever was submitted under its name.
    """
    found = {result.id: result for result in results}
    filled = {
        field.name: _value(field, found[field.from_check])
        for field in gate.fields
        if field.from_check in found and found[field.from_check].status == "passed"
    }
    # Without its check the value is not known: the check is told, the value is not asked for.
    unknown = {field.name for field in gate.fields if field.from_check and field.name not in filled}
    told = {name: value for name, value in evidence.items() if name not in unknown}
    verdict = _judged(gate, {**told, **filled}, probes, unknown)
    if verdict.blocked_by:
        return verdict
    no_go = tuple(Finding(one.id, one.problem or "did not pass") for one in found.values() if one.status == "failed")
    missing = (check.id for check in gate.checks if check.id not in found)
    blocked = [f"{one.id}: {one.problem or 'cannot be run'}" for one in found.values() if one.status == "blocked"]
    blocked += [f"{name}: was not run" for name in missing]
    outcome = verdict.outcome if not no_go else "refused"
    if blocked and outcome == "passed":
        outcome = "blocked"
    ignored = tuple(
        f"{name}: what the server read itself counts, not what was submitted"
        for name in filled
        if name in evidence and not same(evidence[name], filled[name])
    )
    return replace(
        verdict,
        outcome=outcome,
        warnings=(*verdict.warnings, *ignored),
        blocked_by=tuple(blocked),
        no_go=no_go,
        filled=filled,
        accepted=tuple(
            Accepted(one.name, "verified" if one.name in filled else "attested") for one in verdict.accepted
        ),
    )


def _value(field: Field, result: CheckResult) -> JsonValue:
    """What a field takes from a check that passed: whether it did, or what it read."""
    return True if field.type == "boolean" and not isinstance(result.value, bool) else result.value


def _judged(gate: Gate, evidence: Mapping[str, object], probes: Probes, unknown: set[str]) -> Verdict:
    broken = (gate.problem,) if gate.problem is not None else tuple(defect.problem for defect in defects(gate))
    lacking = (f"'{key}' is not supported by this version of the program" for key in gate.unsupported)
    blocked_by = (*broken, *lacking)
    if broken:
        # What such a gate asks for cannot be told.
        return Verdict("blocked", blocked_by=blocked_by)
    fields = [field for field in gate.fields if field.name not in unknown]
    shown = {field.name for field in fields if _is_shown(gate, evidence.get(field.name))}
    missing = tuple(field.name for field in fields if field.required and field.name not in shown)
    wrong = {name: "holds a number that is not finite" for name, value in evidence.items() if not is_finite(value)}
    doubtful: dict[str, str] = {}
    for field in fields:
        if field.name in shown and field.name not in wrong:
            problem = _problem_of(field, gate, evidence[field.name], probes)
            if problem is not None:
                (wrong if gate.strict or field.required else doubtful)[field.name] = problem
    findings = [Finding(name, problem) for name, problem in wrong.items()]
    findings += _broken_rules(gate, evidence, {*missing, *wrong, *unknown})
    warnings = tuple(f"{name}: {problem}" for name, problem in doubtful.items())
    if blocked_by:
        return Verdict("blocked", missing, tuple(findings), warnings, blocked_by=blocked_by)
    if missing or findings:
        return Verdict("refused", missing, tuple(findings), warnings)
    names = dict.fromkeys([field.name for field in fields if field.name in shown] + list(evidence))
    accepted = tuple(Accepted(name, "attested") for name in names if name not in doubtful)
    return Verdict("passed", warnings=warnings, accepted=accepted)


def required_names(gate: Gate) -> tuple[str, ...]:
    """The names that the assistant has to show, in the definition's order."""
    return tuple(field.name for field in gate.fields if field.required and field.from_check is None)


def read_by_checks(gate: Gate) -> set[str]:
    """The names that the server fills in, from what its checks read."""
    return {field.name for field in gate.fields if field.from_check is not None}


def evidence_schema(gate: Gate) -> dict[str, Any]:
    """The evidence object as JSON Schema (draft 2020-12, no ``$ref``), less the value that opens the gate."""
    return {
        "type": "object",
        "properties": {field.name: _property(field, gate) for field in gate.fields if field.from_check is None},
        "required": list(required_names(gate)),
    }


def _is_shown(gate: Gate, value: object) -> bool:
    # A name without a schema asks for something; in a gate file it is non_empty that says so.
    return value is not None and (gate.origin == "file" or not is_empty(value))


def _problem_of(field: Field, gate: Gate, value: object, probes: Probes) -> str | None:
    wanted, fits = _OF_TYPE[field.type]
    if not fits(value):
        return f"has to be {wanted}, not {_kind(value)}"
    condition = condition_of(field, gate)
    try:
        if value is False and field.required and not _wants_false(condition, probes):
            return "has not been shown"
        if condition is None or condition.accepts(value, probes):
            return None
        return condition.refusal(value, probes)
    except ExpressionError as error:
        return f"cannot be judged: {error}"
    except Exception as error:  # noqa: BLE001 - whatever a probe raises, it is not a pass
        return f"cannot be judged ({type(error).__name__})"


def _wants_false(condition: Condition | None, probes: Probes) -> bool:
    return condition is not None and condition.accepts(False, probes) and not condition.accepts(True, probes)


def _broken_rules(gate: Gate, evidence: Mapping[str, object], reported: set[str]) -> list[Finding]:
    found: list[Finding] = []
    for rule in gate.rules:
        expression = compile_expression(rule.expression)
        if reported.intersection(expression.inputs):
            continue
        about = ", ".join(expression.inputs) or "evidence"
        try:
            if not expression(dict(evidence)):
                found.append(Finding(about, rule.error_message, expression.inputs))
        except ExpressionError as error:
            found.append(Finding(about, f"cannot be judged ({error}): {rule.error_message}", expression.inputs))
    return found


def _kind(value: object) -> str:
    return next(spoken for spoken, fits in _OF_TYPE.values() if fits(value))


def _property(field: Field, gate: Gate) -> dict[str, Any]:
    schema: dict[str, Any] = {} if field.type == "any" else {"type": _JSON_TYPE.get(field.type, field.type)}
    if field.description:
        schema["description"] = field.description
    try:
        condition = condition_of(field, gate)
    except InvalidValidatorError:
        return schema
    return schema | _told(field.type, condition.schema if condition else {})


def _told(kind: FieldType, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a condition's schema that says something about a value of this kind."""
    wanted = _KEYWORDS.get(kind)
    return {key: value for key, value in schema.items() if wanted is None or key in wanted or key == "enum"}


_JSON_TYPE: Mapping[str, str] = {"float": "number", "list": "array"}
_NUMERIC = {"minimum", "maximum", "exclusiveMinimum"}
_KEYWORDS: Mapping[FieldType, set[str]] = {
    "boolean": set(),
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "float": _NUMERIC,
    "string": {"minLength", "maxLength", "pattern", "format"},
    "list": {"minItems", "maxItems"},
    "object": {"minProperties", "maxProperties"},
}
