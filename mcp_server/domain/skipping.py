"""Which phase is entered next. A phase that the session's options make needless is skipped, by its own condition."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mcp_server.domain.definition import Phase
from mcp_server.domain.events import Skipped
from mcp_server.domain.expressions import Expression, ExpressionError, ForbiddenExpressionError, compile_expression


@dataclass(frozen=True, slots=True)
class Entry:
    """The phase that is entered, or None when none is left, and those that were skipped on the way to it."""

    phase: int | None
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()


def enter(phases: Iterable[Phase], options: Callable[[], Mapping[str, object]]) -> Entry:
    """The first of ``phases`` that is not skipped with these options, which are asked for only where one may be.

    A condition that cannot be judged on them skips nothing, and a warning says so.
    """
    skipped: list[Skipped] = []
    for phase in phases:
        condition = condition_of(phase)
        if condition is None:
            return Entry(phase.number, tuple(skipped))
        try:
            holds = bool(condition(dict(options())))
        except ExpressionError as error:
            warning = (
                f"Phase {phase.number} is not skipped: its skip_condition cannot be judged on the options: {error}."
            )
            return Entry(phase.number, tuple(skipped), (warning,))
        if not holds:
            return Entry(phase.number, tuple(skipped))
        skipped.append(Skipped(phase=phase.number, condition=phase.skip_condition))
    return Entry(None, tuple(skipped))


def condition_of(phase: Phase) -> Expression | None:
    """When the phase is skipped; None when it never is, since it is not skippable or only a note says when."""
    return read_condition(phase.skip_condition) if phase.skippable else None


def read_condition(text: str) -> Expression | None:
    """The expression over ``options`` that ``text`` states, bare or as a lambda of one parameter; None for a note.

    What says nothing of the options is a note too: ``'yes'`` is an expression only by accident.
    """
    for form in (text, f"lambda options: {text}"):
        try:
            expression = compile_expression(form)
        except ForbiddenExpressionError:
            continue
        if len(expression.parameters) == 1 and _reads(expression):
            return expression
    return None


def _reads(expression: Expression) -> bool:
    (parameter,) = expression.parameters
    return any(isinstance(node, ast.Name) and node.id == parameter for node in ast.walk(expression.body))
