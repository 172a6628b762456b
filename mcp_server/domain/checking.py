"""What carrying out a gate's checks takes, and what it gives: the engine asks, the room ``checks`` answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mcp_server.domain.checks import Check
from mcp_server.domain.results import CheckResult, Content

PROTECTED_PATHS = "protected_paths"
"""The id of the result that tells whether the protected files are as they were."""


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """All that is needed to carry out a gate's checks once.

    ``baseline`` holds the digests by path, as ``Checker.baseline`` gave them when the phase was entered; None when
    nobody took them. ``values`` are what placeholders stand for; ``fragments`` those that may stand for several
    arguments. ``untrusted`` says, where nobody has trusted the definition, what a person has to do: nothing is run.
    ``definition`` gives the pinned files by path, for a check that wants a copy of them. ``whole`` asks for the digest
    of the whole project even where every check names its inputs.
    """

    checks: tuple[Check, ...] = ()
    protected_paths: tuple[str, ...] = ()
    baseline: Mapping[str, str] | None = None
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    fragments: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    untrusted: str | None = None
    definition: Callable[[], Mapping[str, bytes]] = dict
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Checking:
    """What came of it. ``contents`` were taken once, after all checks. ``cancelled``: it was ended before its end."""

    results: tuple[CheckResult, ...]
    contents: tuple[Content, ...]
    duration_seconds: float
    cancelled: bool = False


class Cancellable(Protocol):
    """Ends what runs, from another thread."""

    @property
    def cancelled(self) -> bool:
        """Whether it was."""
        ...

    def cancel(self) -> None:
        """End it now and for good; returns at once."""
        ...


class Checker(Protocol):
    """Carries out checks in a project. Nothing here takes part in a lock."""

    def cancellation(self) -> Cancellable:
        """A new way to end one run."""
        ...

    def run(self, plan: CheckPlan, cancellation: Cancellable, done: Callable[[CheckResult], None]) -> Checking:
        """Carry out the plan in the calling thread and in threads of its own; ``done`` hears of each result at once.

        Never raises for what a check does: whatever goes wrong is a result that is not passed.
        """
        ...

    def baseline(self, paths: Iterable[str]) -> dict[str, str]:
        """The digests, by path, of the files that the globs match now. Raises OSError when they cannot be told."""
        ...

    def contents(self, plan: CheckPlan) -> tuple[Content, ...]:
        """The digests that a run of the plan would end with, as the files are now."""
        ...
