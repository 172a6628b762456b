"""How the checks of an attempt are told: each with its verdict, and of those that did not pass what they printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from mcp_server.actions.paging import Pager, clipped
from mcp_server.domain.definition import Gate
from mcp_server.domain.results import Checked, CheckResult
from mcp_server.engine import Engine

CHECKS_BYTES: Final = 20_000
"""What the checks of one attempt may take of a reply; ``pos-workflow report`` has all of it."""
OUTPUT_BYTES: Final = 2_000
"""What the end of one output may take."""
PROBLEM_BYTES: Final = 1_500


def told(engine: Engine, checked: Checked | None) -> list[dict[str, Any]]:
    """The results of an attempt's checks, in the gate's order."""
    if checked is None:
        return []
    return Pager("checks", budget=CHECKS_BYTES).items(_result(one) for one in engine.checks(checked))


def unjudged(gate: Gate, status: Literal["running", "not_run"]) -> list[dict[str, Any]]:
    """The checks of a gate that have come to nothing yet, or that were not run since the gate blocked before."""
    named = ({"id": clipped(check.id, 200), "status": status} for check in gate.checks)
    return Pager("checks", budget=CHECKS_BYTES).items(named)


def _result(result: CheckResult) -> dict[str, Any]:
    told: dict[str, Any] = {"id": result.id, "status": result.status}
    if result.duration_seconds:
        told["duration_seconds"] = round(result.duration_seconds, 3)
    if result.status == "passed":
        return told
    if result.description:
        told["description"] = clipped(result.description, 300)
    if result.problem:
        told["problem"] = clipped(result.problem, PROBLEM_BYTES)
    failing = next((run for run in result.runs if run.status != "passed"), None)
    if failing is not None:
        if failing.match is not None:
            told["match"] = failing.match
        if failing.exit_code is not None:
            told["exit_code"] = failing.exit_code
        told |= dict(_output(failing.stdout, failing.stderr))
    return told


def _output(stdout: str, stderr: str) -> Iterator[tuple[str, str]]:
    for name, text in (("stdout", stdout), ("stderr", stderr)):
        if text.strip():
            yield name, _end(text.rstrip())


def _end(text: str) -> str:
    """The end of a text, in as much as its bytes may take."""
    return text if len(text) <= OUTPUT_BYTES else clipped(f"… {text[-OUTPUT_BYTES:]}", 2 * OUTPUT_BYTES)
