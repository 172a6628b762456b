"""What a gate wants checked, as its definition declares it. What came of a check is ``domain.results``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

Kind = Literal["run", "file", "glob"]

DEFAULT_TIMEOUT_SECONDS: Final = 300.0
MAX_TIMEOUT_SECONDS: Final = 24 * 3600.0
DEFAULT_EXPIRES_HOURS: Final = 72.0

PLACES: Final = ("target_file", "project", "session_id", "phase", "match", "definition")
"""What a check may have filled in, beside ``options.NAME``."""

CHOICES_SHOWN: Final = 20

_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


class Declared(BaseModel):
    """The common ground: frozen, and no field that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberInOutput(Declared):
    """A number in the standard output: the first group of ``pattern`` (or all of its match) where it is found last."""

    pattern: str
    equals: float | None = None
    at_least: float | None = None
    at_most: float | None = None


class ValueInJson(Declared):
    """A value of the standard output read as JSON, by a dotted path; ``equals`` holds the value, if there is one."""

    path: str
    equals: tuple[JsonValue] | None = None
    at_least: float | None = None
    at_most: float | None = None


class Conditions(Declared):
    """What has to hold for a check to pass, all of it. None: not asked for."""

    exit_code: int | None = None
    stdout_matches: str | None = None
    stdout_not_matches: str | None = None
    stdout_min_lines: int | None = None
    stdout_number: NumberInOutput | None = None
    stdout_json: ValueInJson | None = None
    exists: bool | None = None
    absent: bool | None = None
    min_bytes: int | None = None
    contains: str | None = None
    matches: str | None = None
    unchanged_since_phase_start: bool | None = None
    count_at_least: int | None = None
    count_at_most: int | None = None


CONDITIONS_OF: Final[Mapping[Kind, frozenset[str]]] = {
    "run": frozenset(
        {"exit_code", "stdout_matches", "stdout_not_matches", "stdout_min_lines", "stdout_number", "stdout_json"}
    ),
    "file": frozenset({"exists", "absent", "min_bytes", "contains", "matches", "unchanged_since_phase_start"}),
    "glob": frozenset({"count_at_least", "count_at_most"}),
}
"""The conditions that make sense for each kind of check."""


class Retry(Declared):
    """How often a check is run again for the sake of flaky infrastructure, and after what. Times are in seconds."""

    attempts: int = 3
    backoff_seconds: float = 1.0
    backoff_factor: float = 2.0
    max_backoff_seconds: float = 30.0
    on_timeout: bool = False
    on_exit_codes: tuple[int, ...] = ()

    def delay(self, failures: int) -> float:
        """How long to wait after so many failures in a row, at least one."""
        return min(self.max_backoff_seconds, self.backoff_seconds * self.backoff_factor ** (failures - 1))


class Check(Declared):
    """One criterion, judged by the server: a program that is run, a file or a glob that is looked at.

    ``for_each`` runs it once for every file that the glob matches, as ``{match}``. ``inputs`` are the globs of the
    content that the result depends on (none: the project's files), ``outputs`` those that the check itself writes.
    """

    id: str
    kind: Kind
    description: str = ""
    run: tuple[str, ...] = ()
    file: str = ""
    glob: str = ""
    for_each: str | None = None
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    serial: bool = False
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    retry: Retry | None = None
    conditions: Conditions = Conditions()


class Approval(Declared):
    """That a person has to approve: what they are asked, through which channel, and for how long the asking stands."""

    prompt: str = ""
    """As the definition has it, perhaps empty; ``question`` is what is asked."""
    channel: Literal["out_of_band", "any"] = "out_of_band"
    expires_hours: float = DEFAULT_EXPIRES_HOURS

    @property
    def question(self) -> str:
        """What the person is asked, also where the definition does not say."""
        return self.prompt.strip() or "May the session leave this phase?"


class OptionDeclaration(Declared):
    """An option of ``start`` that checks may name: a choice between fragments of a command line, or a confined path.

    ``choices`` maps each choice to its arguments. A choice that is only listed stands for itself.
    """

    name: str
    path: bool = False
    choices: Mapping[str, tuple[str, ...]] = {}
    default: str | None = None
    required: bool = True
    description: str = ""

    @property
    def kind(self) -> str:
        """What a value has to be, in words."""
        if self.choices:
            return f"one of {', '.join(list(self.choices)[:CHOICES_SHOWN])}"
        return "a path relative to the project root" if self.path else "text"

    @property
    def wanted(self) -> str:
        """What it is for, what its value has to be, and what it is without one."""
        given = f"default {self.default}" if self.default is not None else ""
        wanted = f"{self.kind}; {given or ('required' if self.required else 'optional')}"
        return f"{self.description.rstrip('.')} ({wanted})" if self.description else wanted


class Budget(Declared):
    """What a session may use up. ``strict`` refuses at the gate what is over or not reported, ``warn`` says it."""

    max_tokens: int | None = None
    max_cost_usd: float | None = None
    max_active_minutes: float | None = None
    mode: Literal["strict", "warn", "off"] = "warn"


def placeholders(text: str) -> Iterator[str]:
    """The names between braces in an argument; doubled braces stand for themselves."""
    return (found.group(1) for found in _PLACEHOLDER.finditer(text) if found.group(1) is not None)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The argument with every placeholder replaced. Raises KeyError for a name without a value."""

    def replacement(found: re.Match[str]) -> str:
        name = found.group(1)
        return found.group()[0] if name is None else values[name]

    return _PLACEHOLDER.sub(replacement, text)
