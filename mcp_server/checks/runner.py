"""Carries out a gate's checks: what is cheap first, then the programs side by side, and at the end what it rests on."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from mcp_server.checks import protection
from mcp_server.checks.arguments import Values, literal
from mcp_server.checks.content import content_digest
from mcp_server.checks.criteria import Facts, FileFacts, GlobFacts, unmet, value_read
from mcp_server.checks.files import ProjectFiles
from mcp_server.checks.probes import ProjectProbes
from mcp_server.checks.programs import CORES, EndedError, Programs
from mcp_server.checks.supervisor import Cancellation
from mcp_server.checks.views import Globs
from mcp_server.domain.checking import PROTECTED_PATHS, Cancellable, Checking, CheckPlan
from mcp_server.domain.checks import Check
from mcp_server.domain.results import CheckResult, CheckStatus, Content


class ProjectChecker:
    """Carries out checks in one project.

    Of ``environment``, this process's own, programs get a small part. ``excluded`` are folders that no glob looks
    into and no digest covers, as the state of this program.
    """

    def __init__(self, project_root: Path, environment: Mapping[str, str], *, excluded: tuple[Path, ...] = ()) -> None:
        self._project = project_root.absolute()
        self._environment = environment
        self._hidden = tuple(_inside(self._project, excluded))
        self._files = ProjectFiles(self._project, hidden=self._hidden)
        self._probes = ProjectProbes(self._project)

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
        heard = _Results(done)
        before = self._protected(plan)
        programs = Programs(self._project, self._environment, plan, self._values(plan), self._files)

        def carry_out(check: Check) -> None:
            if not cancellation.cancelled:
                heard.add(self._result(check, plan, programs, cancellation))

        for check in plan.checks:
            if check.kind != "run" or plan.untrusted is not None:
                carry_out(check)
        runs = [check for check in plan.checks if check.kind == "run" and plan.untrusted is None]
        _side_by_side([check for check in runs if not check.serial], carry_out)
        for check in runs:
            if check.serial:
                carry_out(check)
        if plan.protected_paths and not cancellation.cancelled:
            heard.add(self._unharmed(plan, before))
        contents = () if cancellation.cancelled else self.contents(plan)
        return Checking(heard.of(plan), contents, time.monotonic() - started, cancelled=cancellation.cancelled)

    def baseline(self, paths: Iterable[str]) -> dict[str, str]:
        """The digests, by path, of the files that the globs match now. Raises OSError when they cannot be told."""
        try:
            return protection.digests_of(self._project, list(paths), self._hidden)
        except ValueError as error:
            raise OSError(str(error)) from None

    def contents(self, plan: CheckPlan) -> tuple[Content, ...]:
        """The digests that a run of the plan would end with, as the files are now."""
        values = self._values(plan)
        wanted: dict[tuple[str, ...], None] = {}
        outputs: dict[str, None] = {}
        for check in plan.checks:
            try:
                wanted[_globs(values, check.inputs)] = None
                outputs.update(dict.fromkeys(_globs(values, check.outputs)))
            except LookupError:
                # The check itself is blocked for it.
                wanted[()] = None
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

    def _values(self, plan: CheckPlan) -> Values:
        return Values(plan, self._probes.inside)

    def _result(self, check: Check, plan: CheckPlan, programs: Programs, cancellation: Cancellation) -> CheckResult:
        """What a check comes to, whatever happens. A cancelled one comes to nothing, which nobody is shown."""
        if check.kind == "run" and plan.untrusted is not None:
            return _result(check, "blocked", plan.untrusted)
        try:
            values = self._values(plan)
            _globs(values, (*check.inputs, *check.outputs))
            if check.kind == "run":
                return programs.result(check, cancellation)
            if check.kind == "glob":
                glob = values.glob(check.glob)
                return _looked_at(check, glob, GlobFacts(len(self._files.matching(glob))))
            path = values.path(check.file)
            if check.conditions.unchanged_since_phase_start and plan.baseline is None:
                return _result(check, "blocked", f"{path}: {_NO_BASELINE}")
            return _looked_at(check, path, FileFacts(path, self._files, lambda: self._changed(path, plan)))
        except EndedError:
            return _result(check, "blocked", "it was ended")
        except LookupError as error:
            return _result(check, "blocked", str(error))
        except OSError as error:
            return _result(check, "failed", f"it cannot be told: {error.strerror or error}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no pass
            return _result(check, "blocked", f"it could not be carried out ({type(error).__name__})")

    def _changed(self, path: str, plan: CheckPlan) -> str | None:
        """What has become of a file since the phase was entered; None when nothing has."""
        name = PurePosixPath(path).as_posix()
        known = protection.printable(name)
        before = (plan.baseline or {}).get(known)
        now = protection.digests_of(self._project, [literal(name)], self._hidden).get(known)
        if before is None:
            return "it was no file of the project when the phase was entered"
        if before.startswith("link"):
            return "it was a link when the phase was entered, so whether its content is unchanged cannot be told"
        if now is None:
            return "it has been removed since the phase was entered"
        return None if now == before else "it has changed since the phase was entered"

    def _protected(self, plan: CheckPlan) -> Mapping[str, str] | str:
        """The digests of the protected files as they are now, or why they cannot be told."""
        if not plan.protected_paths or plan.baseline is None:
            return _NO_BASELINE
        try:
            return self.baseline(plan.protected_paths)
        except OSError as error:
            return f"the protected files cannot all be told: {error.strerror or error}"

    def _unharmed(self, plan: CheckPlan, before: Mapping[str, str] | str) -> CheckResult:
        """Whether the protected files are what they were, before the programs ran and after."""
        started = time.monotonic()
        after = self._protected(plan)
        unknown = next((one for one in (before, after) if isinstance(one, str)), None)
        if isinstance(before, str) or isinstance(after, str) or plan.baseline is None:
            return CheckResult(id=PROTECTED_PATHS, status="blocked", problem=unknown)
        problems = [
            protection.told(protection.changes(plan.baseline, before, plan.protected_paths)),
            protection.told(protection.changes(before, after, plan.protected_paths)),
        ]
        if problems[1]:
            problems[1] = f"while the checks ran, {problems[1]}"
        problem = "; ".join(filter(None, problems)) or None
        return CheckResult(
            id=PROTECTED_PATHS,
            status="passed" if problem is None else "failed",
            problem=problem,
            duration_seconds=round(time.monotonic() - started, 3),
            value=problem is None,
        )


_NO_BASELINE = "nobody took down the digests of what has to stay as it is when the phase was entered"


class _Results:
    """Results as they come, from several threads."""

    def __init__(self, done: Callable[[CheckResult], None]) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._results: dict[str, CheckResult] = {}

    def add(self, result: CheckResult) -> None:
        with self._lock:
            self._results[result.id] = result
            self._done(result)

    def of(self, plan: CheckPlan) -> tuple[CheckResult, ...]:
        """In the gate's order."""
        names = [*(check.id for check in plan.checks), PROTECTED_PATHS]
        return tuple(self._results[name] for name in names if name in self._results)


def _side_by_side(checks: list[Check], carry_out: Callable[[Check], None]) -> None:
    waiting = deque(checks)

    def work() -> None:
        while True:
            try:
                check = waiting.popleft()
            except IndexError:
                return
            carry_out(check)

    # Daemons, so that a program that cannot be ended does not keep this process; its supervisor ends it then.
    threads = [threading.Thread(target=work, name="check", daemon=True) for _ in range(min(CORES, len(checks)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _globs(values: Values, texts: Iterable[str]) -> tuple[str, ...]:
    """Globs that are filled in and stay inside the project; LookupError for one that does not."""
    globs = values.globs(texts)
    try:
        Globs(globs)
    except ValueError as error:
        raise LookupError(str(error)) from None
    return globs


def _looked_at(check: Check, what: str, facts: Facts) -> CheckResult:
    problem = unmet(check.conditions, facts)
    return CheckResult(
        id=check.id,
        description=check.description,
        status="passed" if problem is None else "failed",
        problem=None if problem is None else f"{protection.printable(what)}: {problem}",
        value=value_read(check, facts),
    )


def _result(check: Check, status: CheckStatus, problem: str) -> CheckResult:
    return CheckResult(id=check.id, description=check.description, status=status, problem=problem)


def _inside(project: Path, excluded: Iterable[Path]) -> Iterable[str]:
    root = project.resolve()
    for folder in excluded:
        place = (root / folder).resolve()
        if place != root and place.is_relative_to(root):
            yield place.relative_to(root).as_posix()
