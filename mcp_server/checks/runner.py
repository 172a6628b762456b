"""Carries out a gate's checks: what is cheap first, then the programs side by side, and at the end what it rests on."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from mcp_server.checks.arguments import Values
from mcp_server.checks.content import content_digest
from mcp_server.checks.criteria import Facts, FileFacts, GlobFacts, unmet, value_read
from mcp_server.checks.files import ProjectFiles
from mcp_server.checks.probes import ProjectProbes
from mcp_server.checks.programs import CORES, EndedError, Programs
from mcp_server.checks.protection import NO_BASELINE, Protection, printable
from mcp_server.checks.supervisor import Cancellation
from mcp_server.checks.views import Globs
from mcp_server.domain.checking import PROTECTED_PATHS, Cancellable, Checking, CheckPlan
from mcp_server.domain.checks import Check
from mcp_server.domain.results import CheckResult, CheckStatus, Content

Found = TypeVar("Found")


class ProjectChecker:
    """Carries out checks in one project.

    Of ``environment``, this process's own, programs get a small part. ``excluded`` are folders that no glob looks
    into and no digest covers, such as the state of this program.
    """

    def __init__(self, project_root: Path, environment: Mapping[str, str], *, excluded: tuple[Path, ...] = ()) -> None:
        self._project = project_root.absolute()
        self._hidden = tuple(_inside(self._project, excluded))
        self._files = ProjectFiles(self._project, hidden=self._hidden)
        self._probes = ProjectProbes(self._project)
        self._protection = Protection(self._project, self._hidden)
        self._programs = Programs(self._project, environment, self._files, self._probes)

    def cancellation(self) -> Cancellation:
        """A new way to end one run."""
        return Cancellation()

    def run(self, plan: CheckPlan, cancellation: Cancellable, done: Callable[[CheckResult], None]) -> Checking:
        """Carry out the plan; ``done`` hears of each result at once, never of two at a time.

        ``cancellation`` is one that ``cancellation()`` gave. Results come in the gate's order, that of the protected
        paths at the end. Never raises for what a check does: whatever goes wrong is a result that is not passed.
        """
        assert isinstance(cancellation, Cancellation)  # noqa: S101 - see above
        started = time.monotonic()
        results = _Results(done)
        contents: tuple[Content, ...] = ()
        with suppress(EndedError):
            before = _unless_ended(lambda: self._protection.look(plan), cancellation) if plan.protected_paths else ""
            self._carry_out(plan, cancellation, results)
            if plan.protected_paths:
                results.add(_unless_ended(lambda: self._protection.result(plan, before), cancellation))
            contents = _unless_ended(lambda: self.contents(plan), cancellation)
        return Checking(results.of(plan), contents, time.monotonic() - started, cancelled=cancellation.cancelled)

    def baseline(self, paths: Iterable[str]) -> dict[str, str]:
        """The digests, by path, of the files that the globs match now. Raises OSError when they cannot be told."""
        return self._protection.digests(paths)

    def contents(self, plan: CheckPlan) -> tuple[Content, ...]:
        """The digests that a run of the plan would end with, as the files are now."""
        values = Values(plan, self._probes.inside)
        wanted: dict[tuple[str, ...], None] = {}
        outputs: dict[str, None] = {}
        for check in plan.checks:
            try:
                inputs, written = _globs(values, check.inputs), _globs(values, check.outputs)
            except LookupError:
                # The check is blocked for it; what it rests on is then everything.
                inputs, written = (), ()
            wanted[inputs] = None
            outputs.update(dict.fromkeys(written))
        if plan.whole:
            wanted[()] = None
        return tuple(self._content(inputs, tuple(outputs)) for inputs in wanted)

    def _content(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Content:
        try:
            found = content_digest(self._project, inputs, outputs, hidden=self._hidden)
        except OSError:
            # What cannot be told is equal to nothing, not even to itself later.
            return Content(inputs=inputs, digest=secrets.token_hex(32), files=0, partial=True)
        return Content(inputs=inputs, digest=found.sha256, files=found.files, partial=found.partial)

    def _carry_out(self, plan: CheckPlan, cancellation: Cancellation, results: _Results) -> None:
        """All checks of the plan. Raises EndedError when cancelled."""

        def carry_out(check: Check) -> None:
            if cancellation.cancelled:
                raise EndedError
            results.add(self._result(check, plan, cancellation))

        runs = [check for check in plan.checks if check.kind == "run" and plan.untrusted is None]
        for check in plan.checks:
            if check not in runs:
                carry_out(check)
        _side_by_side([check for check in runs if not check.serial], carry_out)
        for check in runs:
            if check.serial:
                carry_out(check)

    def _result(self, check: Check, plan: CheckPlan, cancellation: Cancellation) -> CheckResult:
        """What a check comes to, whatever happens. Raises EndedError when cancelled."""
        if check.kind == "run" and plan.untrusted is not None:
            return _unjudged(check, "blocked", plan.untrusted)
        try:
            values = Values(plan, self._probes.inside)
            named = [text for text in (check.glob, check.for_each) if text]
            _globs(values, (*check.inputs, *check.outputs, *named))
            if check.kind == "run":
                return self._programs.result(check, values, plan.definition, cancellation)
            return self._looked_at(check, values, plan.baseline)
        except EndedError:
            raise
        except LookupError as error:
            return _unjudged(check, "blocked", str(error))
        except OSError as error:
            status: CheckStatus = "blocked" if check.kind == "run" else "failed"
            return _unjudged(check, status, printable(f"it cannot be told: {error.strerror or error}"))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no pass
            return _unjudged(check, "blocked", f"it could not be carried out ({type(error).__name__})")

    def _looked_at(self, check: Check, values: Values, baseline: Mapping[str, str] | None) -> CheckResult:
        """What a file or a glob comes to."""
        facts: Facts
        if check.kind == "glob":
            what = values.glob(check.glob)
            facts = GlobFacts(len(self._files.matching(what)))
        else:
            what = values.path(check.file)
            if check.conditions.unchanged_since_phase_start and baseline is None:
                return _unjudged(check, "blocked", f"{printable(what)}: {NO_BASELINE}")
            facts = FileFacts(what, self._files, lambda: self._protection.changed(what, baseline or {}))
        problem = unmet(check.conditions, facts)
        return CheckResult(
            id=check.id,
            description=check.description,
            status="passed" if problem is None else "failed",
            problem=None if problem is None else f"{printable(what)}: {problem}",
            value=value_read(check, facts),
        )


class _Results:
    """Results as they come, from several threads."""

    def __init__(self, done: Callable[[CheckResult], None]) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._results: dict[str, CheckResult] = {}

    def add(self, result: CheckResult) -> None:
        """Keep a result and tell it."""
        with self._lock:
            self._results[result.id] = result
            self._done(result)

    def of(self, plan: CheckPlan) -> tuple[CheckResult, ...]:
        """In the gate's order."""
        names = [*(check.id for check in plan.checks), PROTECTED_PATHS]
        return tuple(self._results[name] for name in names if name in self._results)


def _side_by_side(checks: Iterable[Check], carry_out: Callable[[Check], None]) -> None:
    """Carry out checks in this thread and, as far as there are cores, in others."""
    waiting = deque(checks)

    def work() -> None:
        with suppress(EndedError):
            while waiting:
                try:
                    check = waiting.popleft()
                except IndexError:
                    return
                carry_out(check)

    # Daemons, so that a program that cannot be ended does not keep this process; its supervisor ends it then.
    others = [threading.Thread(target=work, name="check", daemon=True) for _ in range(min(CORES, len(waiting)) - 1)]
    for other in others:
        other.start()
    work()
    for other in others:
        other.join()


def _unless_ended(work: Callable[[], Found], cancellation: Cancellation) -> Found:
    """What a function gives that cannot be ended; it is left to itself, and EndedError raised, when cancelled."""
    outcome: Future[Found] = Future()
    over = threading.Event()

    def attempt() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            outcome.set_exception(error)
        over.set()

    with cancellation.stopping(over.set):
        threading.Thread(target=attempt, name="digest", daemon=True).start()
        over.wait()
    if cancellation.cancelled:
        raise EndedError
    return outcome.result()


def _globs(values: Values, texts: Iterable[str]) -> tuple[str, ...]:
    """Globs that are filled in and stay inside the project; LookupError for one that does not."""
    globs = tuple(map(values.glob, texts))
    try:
        Globs(globs)
    except ValueError as error:
        raise LookupError(str(error)) from None
    return globs


def _unjudged(check: Check, status: CheckStatus, problem: str) -> CheckResult:
    return CheckResult(id=check.id, description=check.description, status=status, problem=problem)


def _inside(project: Path, excluded: Iterable[Path]) -> Iterable[str]:
    root = project.resolve()
    for folder in excluded:
        place = (root / folder).resolve()
        if place != root and place.is_relative_to(root):
            yield place.relative_to(root).as_posix()
