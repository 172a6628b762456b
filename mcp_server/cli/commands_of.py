"""What a definition would have run, in words for the person who is asked to trust it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mcp_server.domain.checks import Check, OptionDeclaration, placeholders
from mcp_server.domain.definition import Workflow

_OPTION = "options."


@dataclass(frozen=True)
class Command:
    """One command: the phase and check that it belongs to, the command line, and what else decides what is run."""

    phase: int
    check: str
    shown: str
    notes: tuple[str, ...] = ()


def commands_of(workflow: Workflow) -> tuple[Command, ...]:
    """Every command of every gate, in order; none for a definition that needs no trust."""
    return tuple(
        Command(phase.number, check.id, _line(check.run), tuple(_notes(check, workflow.options)))
        for phase in workflow.phases
        for check in phase.gate.checks
        if check.kind == "run"
    )


def _line(arguments: Iterable[str]) -> str:
    """A command line as a shell would take it, in one line whatever is in it: what is asked must not be imitated."""
    return shlex.join(arguments).replace("\n", "\\n")


def _notes(check: Check, options: tuple[OptionDeclaration, ...]) -> Iterator[str]:
    if check.for_each is not None:
        yield f"once for each {check.for_each}"
    named = {name for argument in check.run for name in placeholders(argument)}
    for option in options:
        if _OPTION + option.name not in named:
            continue
        if option.choices:
            fragments = ", or ".join(_line(fragment) for fragment in option.choices.values())
            yield f"{{{_OPTION}{option.name}}} is {fragments}, as the assistant chooses"
        else:
            yield f"{{{_OPTION}{option.name}}} is a path inside the project, as the assistant chooses"
