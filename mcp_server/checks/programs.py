"""Carries out the checks that run a program: once or for each match, again when that is wanted, and judged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from mcp_server.checks import supervisor
from mcp_server.checks.arguments import Values
from mcp_server.checks.criteria import RunFacts, unmet, value_read
from mcp_server.checks.environment import check_environment, find_command
from mcp_server.checks.files import ProjectFiles
from mcp_server.checks.output import KEEP_BYTES, Output
from mcp_server.checks.probes import ProjectProbes
from mcp_server.checks.protection import listed, printable
from mcp_server.checks.scratch import Scratch, scratch
from mcp_server.checks.supervisor import Cancellation, Command
from mcp_server.domain.checks import Check, Retry, placeholders
from mcp_server.domain.results import CheckResult, CheckStatus, Run

JUDGED_BYTES: Final = 1 << 20
"""How much of the end of an output is judged."""
MAX_MATCHES: Final = 200
Pinned = Callable[[], Mapping[str, bytes]]
"""Gives the files of the definition, by their paths in it."""
CORES: Final = os.cpu_count() or 1
_SLOTS: Final = threading.BoundedSemaphore(CORES)
"""Programs side by side, of all runs of this process together."""
_LOOK_AGAIN_SECONDS: Final = 0.1
_RECORDED_BYTES: Final = 8 * KEEP_BYTES
"""Of one output, of all runs of a check together."""


class EndedError(Exception):
    """The run was cancelled."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What one run is filled in with."""

    values: Values
    definition: Pinned
    match: str | None = None


@dataclass(frozen=True, slots=True)
class _Judged:
    run: Run
    value: JsonValue
    seconds: float


class Programs:
    """Runs the programs of one project. What they get of the outside is made from ``inherited``."""

    def __init__(self, project: Path, inherited: Mapping[str, str], files: ProjectFiles, probes: ProjectProbes) -> None:
        self._project = project
        self._inherited = inherited
        self._files = files
        self._probes = probes

    def result(self, check: Check, values: Values, definition: Pinned, cancellation: Cancellation) -> CheckResult:
        """What a check comes to, once for each match.

        Raises EndedError when cancelled, LookupError for what is missing to run it, OSError when the system has no
        room for it.
        """
        if check.for_each is None:
            return _combined(check, [self._judged(check, _Order(values, definition), KEEP_BYTES, cancellation)])
        glob = values.glob(check.for_each)
        try:
            matches = self._files.matching(glob)
        except OSError as error:
            return _failed(check, printable(f"what matches {glob} cannot be told: {error.strerror or error}"))
        if not matches:
            return _failed(check, f"nothing matches {printable(glob)}")
        if len(matches) > MAX_MATCHES:
            return _failed(check, f"{len(matches)} match {printable(glob)}, and it is run for {MAX_MATCHES} at most")
        keep = min(KEEP_BYTES, _RECORDED_BYTES // len(matches))
        orders = (_Order(values, definition, match) for match in matches)
        return _combined(check, [self._judged(check, order, keep, cancellation) for order in orders])

    def _judged(self, check: Check, order: _Order, keep: int, cancellation: Cancellation) -> _Judged:
        """One run, repeated as far as the check wants it."""
        with scratch() as room:
            places = self._places(check, order, room)
            argv = order.values.argv(check.run, places)
            seconds, tries = 0.0, 0
            while True:
                tries += 1
                result = self._run(check, argv, room, cancellation)
                seconds += result.duration_seconds
                status, problem = _verdict(check, argv[0], result)
                if status == "passed" or not _is_flaky(check.retry, result):
                    break
                if check.retry is None or tries >= check.retry.attempts:
                    break
                _pause(check.retry.delay(tries), cancellation)
        run = Run(
            # As it is written: the copy of the definition is gone by then.
            argv=tuple(map(printable, order.values.argv(check.run, {**places, "definition": "{definition}"}))),
            match=None if order.match is None else printable(order.match),
            status=status,
            problem=problem,
            exit_code=result.exit_code,
            duration_seconds=round(result.duration_seconds, 3),
            tries=tries,
            stdout=_recorded(result.stdout, keep),
            stderr=_recorded(result.stderr, keep),
            stdout_sha256=result.stdout.sha256,
            stderr_sha256=result.stderr.sha256,
            stdout_bytes=result.stdout.size,
            stderr_bytes=result.stderr.size,
        )
        facts = _facts(result)
        return _Judged(run, None if facts is None else value_read(check, facts), seconds)

    def _places(self, check: Check, order: _Order, room: Scratch) -> dict[str, str]:
        """What stands for something in this run alone."""
        places = {"project": str(self._project)}
        if order.match is not None:
            if not self._probes.inside(order.match):
                raise LookupError(f"{printable(order.match)} leads out of the project")
            places["match"] = f"./{order.match}"
        if any(name == "definition" for text in check.run for name in placeholders(text)):
            places["definition"] = str(room.copy(order.definition()))
        return places

    def _run(self, check: Check, argv: tuple[str, ...], room: Scratch, cancellation: Cancellation) -> supervisor.Result:
        environment = {
            **check_environment(self._project, self._inherited),
            # What lies compiled beside a module need not be what the module says.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPYCACHEPREFIX": str(room.empty()),
        }
        try:
            program = find_command(argv[0], self._project, environment)
        except LookupError as error:
            raise LookupError(f"its program is missing: {argv[0]} ({error})") from None
        command = Command(
            argv=(*program, *argv[1:]),
            cwd=self._project,
            environment=environment,
            timeout_seconds=check.timeout_seconds,
            keep_bytes=JUDGED_BYTES,
        )
        with _slot(cancellation):
            result = supervisor.run(command, cancellation)
        if result.outcome == "cancelled":
            raise EndedError
        return result


def _verdict(check: Check, program: str, result: supervisor.Result) -> tuple[CheckStatus, str | None]:
    if result.outcome == "missing_program":
        return "blocked", f"its program is missing: {program} ({result.reason})"
    if result.outcome == "not_started":
        return "blocked", f"it could not be started: {result.reason}"
    facts = _facts(result)
    if facts is not None:
        problem = unmet(check.conditions, facts)
        return ("passed", None) if problem is None else ("failed", problem)
    wanted = check.conditions.exit_code
    exit_wanted = "an end by itself" if wanted is None else f"the exit code {wanted}"
    if result.outcome == "signalled":
        return "failed", f"it was ended by {result.signal}, wanted {exit_wanted}"
    if result.outcome == "timed_out":
        return "failed", f"it did not end within {check.timeout_seconds:g} seconds, wanted {exit_wanted}"
    return "failed", result.reason or "how it ended is not known"


def _facts(result: supervisor.Result) -> RunFacts | None:
    """What can be judged; None when it did not exit by itself."""
    if result.outcome != "exited" or result.exit_code is None:
        return None
    return RunFacts(result.exit_code, result.stdout)


def _is_flaky(retry: Retry | None, result: supervisor.Result) -> bool:
    """Whether it is to be run again after such an end."""
    if retry is None:
        return False
    return retry.on_timeout if result.outcome == "timed_out" else result.exit_code in retry.on_exit_codes


def _combined(check: Check, judged: list[_Judged]) -> CheckResult:
    runs = tuple(one.run for one in judged)
    statuses = {run.status for run in runs}
    status: CheckStatus = "failed" if "failed" in statuses else "blocked" if "blocked" in statuses else "passed"
    problems = [
        run.problem or run.status if run.match is None else f"{run.match}: {run.problem}"
        for run in runs
        if run.status != "passed"
    ]
    return CheckResult(
        id=check.id,
        description=check.description,
        status=status,
        problem=listed(problems) or None,
        duration_seconds=round(sum(one.seconds for one in judged), 3),
        value=judged[0].value if check.for_each is None else status == "passed",
        runs=runs,
    )


def _failed(check: Check, problem: str) -> CheckResult:
    return CheckResult(id=check.id, description=check.description, status="failed", problem=problem)


def _recorded(output: Output, keep: int) -> str:
    return replace(output, tail=output.tail[-keep:]).text


@contextmanager
def _slot(cancellation: Cancellation) -> Generator[None]:
    while not _SLOTS.acquire(timeout=_LOOK_AGAIN_SECONDS):
        if cancellation.cancelled:
            raise EndedError
    try:
        yield
    finally:
        _SLOTS.release()


def _pause(seconds: float, cancellation: Cancellation) -> None:
    ended = threading.Event()
    with cancellation.stopping(ended.set):
        ended.wait(seconds)
    if cancellation.cancelled:
        raise EndedError
