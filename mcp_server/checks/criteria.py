"""Whether what a check found satisfies its conditions, all of them, and what it read.

Whatever cannot be told does not hold: output that was cut, a pattern that takes too long, a file that is unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import regex
from pydantic import JsonValue

from mcp_server.checks.output import Output
from mcp_server.checks.readings import CUT, MATCH_SECONDS, MAX_SHOWN, UntoldError, number_in, shown, value_in
from mcp_server.domain.checks import Check, Conditions, NumberInOutput, ValueInJson
from mcp_server.domain.values import is_number, same


class FilesAsFacts(Protocol):
    """Facts about files by their paths. Whatever raises OSError cannot be told."""

    def exists(self, path: str) -> bool: ...  # noqa: D102
    def absent(self, path: str) -> bool: ...  # noqa: D102
    def size(self, path: str) -> int: ...  # noqa: D102
    def contains(self, path: str, text: str) -> bool: ...  # noqa: D102
    def matches(self, path: str, pattern: str) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class RunFacts:
    """How a program exited, and what it wrote to its standard output."""

    exit_code: int
    stdout: Output


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file. ``unchanged`` gives what has become of it since the phase was entered: None if nothing has."""

    path: str
    files: FilesAsFacts
    unchanged: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class GlobFacts:
    """How many files a glob matches."""

    count: int


Facts = RunFacts | FileFacts | GlobFacts


def unmet(conditions: Conditions, facts: Facts) -> str | None:
    """What does not hold, every condition of it with what was found and what was wanted; None when all of it holds.

    What cannot be read out of the output is told where it is all that is wrong.
    """
    judges = _JUDGES[type(facts)]
    wanted = [(name, value) for name, value in conditions if value is not None]
    if not wanted:
        return "nothing is said that has to hold"
    problems: dict[str, None] = {}
    untold: dict[str, None] = {}
    for name, value in wanted:
        try:
            problem = _judged(judges.get(name), name, value, facts)
        except UntoldError as error:
            untold[f"{name} {error}"] = None
            continue
        if problem is not None:
            problems[problem] = None
    # What a program that ended badly did not write is no news: it is told where nothing else is wrong.
    return "; ".join(problems or untold) or None


def value_read(check: Check, facts: Facts) -> JsonValue:
    """What evidence takes from a check: the value in the JSON, else the number, else the count, else if it passed."""
    conditions = check.conditions
    try:
        if isinstance(facts, RunFacts) and conditions.stdout_json is not None:
            return value_in(conditions.stdout_json, facts.stdout)
        if isinstance(facts, RunFacts) and conditions.stdout_number is not None:
            return number_in(conditions.stdout_number, facts.stdout)
    except (UntoldError, TimeoutError, regex.error):
        return None
    return facts.count if isinstance(facts, GlobFacts) else unmet(conditions, facts) is None


def _judged(judge: Callable[[Any, Any], str | None] | None, name: str, wanted: object, facts: Facts) -> str | None:
    if judge is None:
        return f"{name} says nothing about this check"
    try:
        return judge(wanted, facts)
    except FileNotFoundError:
        return "there is no such file in the project"
    except TimeoutError:
        return f"{name} cannot be told: the pattern takes too long"
    except OSError as error:
        return f"{name} cannot be told: {error.strerror or error}"
    except regex.error as error:
        return f"{name} cannot be told: it is no pattern ({error})"


def _exit_code(wanted: int, facts: RunFacts) -> str | None:
    return None if facts.exit_code == wanted else f"the exit code was {facts.exit_code}, wanted {wanted}"


def _stdout_matches(pattern: str, facts: RunFacts) -> str | None:
    if _found(pattern, facts.stdout):
        return None
    if facts.stdout.truncated:
        raise UntoldError(CUT)
    return f"the output does not match {shown(pattern)}"


def _stdout_not_matches(pattern: str, facts: RunFacts) -> str | None:
    if _found(pattern, facts.stdout):
        return f"the output matches {shown(pattern)}, which it must not"
    if facts.stdout.truncated:
        raise UntoldError(CUT)
    return None


def _found(pattern: str, output: Output) -> bool:
    return regex.search(pattern, output.text, timeout=MATCH_SECONDS) is not None


def _stdout_min_lines(wanted: int, facts: RunFacts) -> str | None:
    lines = facts.stdout.lines
    return None if lines >= wanted else f"the output has {lines} lines, wanted at least {wanted}"


def _stdout_number(wanted: NumberInOutput, facts: RunFacts) -> str | None:
    return _compared("the number in the output", number_in(wanted, facts.stdout), wanted)


def _stdout_json(wanted: ValueInJson, facts: RunFacts) -> str | None:
    value = value_in(wanted, facts.stdout)
    if wanted.equals is not None and not same(value, wanted.equals[0]):
        return f"{wanted.path} is {_json(value)}, wanted {_json(wanted.equals[0])}"
    if wanted.at_least is None and wanted.at_most is None:
        return None
    if not is_number(value):
        return f"{wanted.path} is {_json(value)}, wanted a number"
    return _compared(wanted.path, value, NumberInOutput(pattern="", at_least=wanted.at_least, at_most=wanted.at_most))


def _compared(what: str, number: float, wanted: NumberInOutput) -> str | None:
    if wanted.equals is not None and number != wanted.equals:
        return f"{what} is {number}, wanted {wanted.equals:g}"
    if wanted.at_least is not None and number < wanted.at_least:
        return f"{what} is {number}, wanted at least {wanted.at_least:g}"
    if wanted.at_most is not None and number > wanted.at_most:
        return f"{what} is {number}, wanted at most {wanted.at_most:g}"
    return None


def _exists(_: bool, facts: FileFacts) -> str | None:
    return None if facts.files.exists(facts.path) else "there is no such file in the project"


def _absent(_: bool, facts: FileFacts) -> str | None:
    return None if facts.files.absent(facts.path) else "it is there, wanted absent"


def _min_bytes(wanted: int, facts: FileFacts) -> str | None:
    size = facts.files.size(facts.path)
    return None if size >= wanted else f"it has {size} bytes, wanted at least {wanted}"


def _contains(text: str, facts: FileFacts) -> str | None:
    return None if facts.files.contains(facts.path, text) else f"it does not contain {shown(text)}"


def _matches(pattern: str, facts: FileFacts) -> str | None:
    return None if facts.files.matches(facts.path, pattern) else f"it does not match {shown(pattern)}"


def _unchanged(_: bool, facts: FileFacts) -> str | None:
    return facts.unchanged()


def _count_at_least(wanted: int, facts: GlobFacts) -> str | None:
    return None if facts.count >= wanted else f"{facts.count} match, wanted at least {wanted}"


def _count_at_most(wanted: int, facts: GlobFacts) -> str | None:
    return None if facts.count <= wanted else f"{facts.count} match, wanted at most {wanted}"


def _json(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


_JUDGES: Final[Mapping[type[Facts], Mapping[str, Callable[[Any, Any], str | None]]]] = {
    RunFacts: {
        "exit_code": _exit_code,
        "stdout_matches": _stdout_matches,
        "stdout_not_matches": _stdout_not_matches,
        "stdout_min_lines": _stdout_min_lines,
        "stdout_number": _stdout_number,
        "stdout_json": _stdout_json,
    },
    FileFacts: {
        "exists": _exists,
        "absent": _absent,
        "min_bytes": _min_bytes,
        "contains": _contains,
        "matches": _matches,
        "unchanged_since_phase_start": _unchanged,
    },
    GlobFacts: {"count_at_least": _count_at_least, "count_at_most": _count_at_most},
}
