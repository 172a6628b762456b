"""What keeps a gate from ever being judged, or makes it say other than its author meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mcp_server.domain.definition import Gate
from mcp_server.domain.expressions import Expression, ForbiddenExpressionError, compile_expression
from mcp_server.domain.suggestions import did_you_mean
from mcp_server.domain.validators import InvalidValidatorError, condition_of


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with a gate, and the keys in its file that lead there."""

    path: tuple[str | int, ...]
    problem: str


def defects(gate: Gate) -> tuple[Defect, ...]:
    """Why ``gate`` can never be judged: what cannot be read, and names of what does not exist."""
    return (*_broken_validators(gate), *_broken_fields(gate), *_broken_rules(gate), *_unknown_checks(gate))


def doubts(gate: Gate) -> tuple[Defect, ...]:
    """What can be judged and is likely a mistake: a rule that takes nothing for what no field is called."""
    return tuple(
        Defect(path, f"the rule {index + 1} asks for '{name}', which {_undeclared(gate, name)}")
        for index, path, rule in _readable_rules(gate)
        for name in rule.inputs
        if name not in rule.needed and _is_undeclared(gate, name)
    )


def _broken_validators(gate: Gate) -> Iterator[Defect]:
    for name, text in gate.validators.items():
        problem = _unreadable(text)
        if problem is not None:
            yield Defect(("validators", name), f"the validator '{name}' cannot be used: {problem}")


def _broken_fields(gate: Gate) -> Iterator[Defect]:
    for field in gate.fields:
        own = gate.validators.get(field.validator or "")
        if own is not None and _unreadable(own) is not None:
            continue  # said once, where it is written
        try:
            condition_of(field, gate)
        except InvalidValidatorError as error:
            yield Defect(("evidence_schema", field.name, "validator"), f"the field '{field.name}': {error}")


def _broken_rules(gate: Gate) -> Iterator[Defect]:
    for index, rule in enumerate(gate.rules):
        problem = _unreadable(rule.expression)
        if problem is not None:
            yield Defect(_path(index), f"the rule {index + 1} cannot be used: {problem}")
    for index, path, rule in _readable_rules(gate):
        if len(rule.parameters) != 1:
            yield Defect(path, f"the rule {index + 1} has to take the evidence alone, as in 'lambda e: …'")
        for name in rule.needed:
            if _is_undeclared(gate, name):
                yield Defect(path, f"the rule {index + 1} reads '{name}', which {_undeclared(gate, name)}")


def _unknown_checks(gate: Gate) -> Iterator[Defect]:
    known = [check.id for check in gate.checks]
    for field in gate.fields:
        if field.from_check is not None and field.from_check not in known:
            meant = did_you_mean(field.from_check, known)
            problem = f"the field '{field.name}' comes from the check '{field.from_check}', which is not there{meant}"
            yield Defect(("evidence_schema", field.name, "from_check"), problem)


def _readable_rules(gate: Gate) -> Iterator[tuple[int, tuple[str | int, ...], Expression]]:
    for index, rule in enumerate(gate.rules):
        if _unreadable(rule.expression) is None:
            yield index, _path(index), compile_expression(rule.expression)


def _path(index: int) -> tuple[str | int, ...]:
    return ("cross_field_validation", index, "rule")


def _unreadable(text: str) -> str | None:
    try:
        compile_expression(text)
    except ForbiddenExpressionError as error:
        return str(error)
    return None


def _is_undeclared(gate: Gate, name: str) -> bool:
    # Without a schema the evidence is whatever the rules read.
    return bool(gate.fields) and all(field.name != name for field in gate.fields)


def _undeclared(gate: Gate, name: str) -> str:
    return f"evidence_schema does not declare{did_you_mean(name, (field.name for field in gate.fields))}"
