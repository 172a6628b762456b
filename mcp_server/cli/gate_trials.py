"""Tries the gates of a definition with evidence that its author wrote down, before any session rests on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from mcp_server.checks.probes import ProjectProbes
from mcp_server.cli.failures import CommandError
from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.parse import parse
from mcp_server.definitions.problems import Problem, Severity
from mcp_server.domain.definition import Gate, Phase
from mcp_server.domain.gates import Verdict, judge, required_names

Said = Mapping[str, Any]


class _Lie(BaseModel):
    """What is said, and what of the evidence is other than the honest one."""

    says: str
    evidence: dict[str, JsonValue]


class _Told(BaseModel):
    """What an author wrote down for one phase."""

    honest: dict[str, JsonValue]
    lies: list[_Lie] = []


_FILE: Final = TypeAdapter(dict[str, _Told])

MAX_BYTES: Final = 4 << 20
_FORM: Final = 'Write {"1": {"honest": {…}, "lies": [{"says": "…", "evidence": {…}}]}, "2": …}.'
_TOO_OPEN: Final = "An assistant that did not do the work would be let through."
_TOO_SHUT: Final = "A gate that refuses what is true locks everybody in."
_NOTHING: Final[Mapping[str, Any]] = {
    "boolean": False,
    "integer": 0,
    "number": 0,
    "float": 0.0,
    "string": "",
    "object": {},
    "list": [],
}


def try_gates(folder: Path, file: Path) -> tuple[Problem, ...]:
    """What the gates of the definition in ``folder`` take and should not, or refuse and should not.

    They are judged by form; paths in the evidence are relative to the working directory. A definition that cannot be
    read has no gates to be tried. CommandError when ``file`` does not hold what it should.
    """
    workflow = parse(read_folder(folder).bundle).workflow
    if workflow is None:
        return ()
    told, place = _read(file), str(file.resolve())
    found = [
        Problem("error", place, None, f"there is no phase {number} that stands by itself", "Take it out.", _FORM)
        for number in told.keys() - {str(phase.number) for phase in workflow.phases}
    ]
    for phase in workflow.phases:
        for severity, message, why in _of_phase(phase, told.get(str(phase.number))):
            hint = "Mend the gate, or the evidence if it is not what it is said to be."
            found.append(Problem(severity, place, None, f"phase {phase.number}: {message}", hint, why))
    return tuple(found)


def _of_phase(phase: Phase, told: _Told | None) -> Iterator[tuple[Severity, str, str]]:
    if told is None:
        yield "error", "there is no honest evidence for it", "Nobody has seen yet that its gate can be passed."
        return
    gate, honest = phase.gate, told.honest
    verdict = _judged(gate, honest)
    if verdict.outcome != "passed":
        yield "error", f"honest evidence is {verdict.outcome}: {_reasons(verdict)}", _TOO_SHUT
    if not required_names(gate):
        # What it wants is looked at by the server, or by a person.
        return
    fields = [field for field in gate.fields if field.from_check is None]
    empty: Mapping[str, Said] = {
        "nothing at all": {},
        "false for everything": {field.name: False for field in fields},
        "nothing in the right form": {field.name: _NOTHING.get(field.type) for field in fields},
    }
    for what, evidence in empty.items():
        if _judged(gate, evidence).outcome == "passed":
            yield "error", f"{what} passes", _TOO_OPEN
    for lie in told.lies:
        if _judged(gate, {**honest, **lie.evidence}).outcome == "passed":
            yield "error", f"a lie passes: {lie.says}", _TOO_OPEN
    if not told.lies:
        yield "warning", "no lie is told to it", "A gate that was only shown what is true has not been tried."


def _judged(gate: Gate, evidence: Said) -> Verdict:
    return judge(gate, evidence, ProjectProbes(Path.cwd()))


def _reasons(verdict: Verdict) -> str:
    missing = [f"{name} is missing" for name in verdict.missing]
    return "; ".join([*missing, *(f"{one.field}: {one.problem}" for one in verdict.findings), *verdict.blocked_by])


def _read(file: Path) -> Mapping[str, _Told]:
    try:
        with file.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.", _FORM) from None
    if len(data) > MAX_BYTES:
        raise CommandError(f"{file} is larger than {MAX_BYTES >> 20} MiB.", _FORM)
    try:
        return _FILE.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise CommandError(f"{file} cannot be used: {place}: {first['msg']}.", _FORM) from None
