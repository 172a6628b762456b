"""The self-test's outcome as a validation report in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mcp_server.cli.diagnosis import versions
from mcp_server.cli.selftest import DISCOVERY, Latency, SelfTest

GROUPS: Final = {
    "Discovery": DISCOVERY,
    "Execution": ("start", "get_phase", "get_task", "complete_phase", "get_state"),
    "Management": ("list_sessions", "get_session", "delete_session", "pause", "resume"),
    "Recovery": ("retry_phase", "rollback", "get_errors"),
}
_MARKS: Final = {True: "✅", False: "❌"}


def markdown(outcome: SelfTest) -> str:
    """The report."""
    return "\n".join(_lines(outcome))


def _lines(outcome: SelfTest) -> Iterator[str]:
    yield "# pos_workflow validation report"
    yield ""
    yield "## Test execution"
    yield ""
    yield f"- Date: {outcome.at:%Y-%m-%d %H:%M} UTC"
    yield f"- Environment: {', '.join(f'{name} {number}' for name, number in versions().items())}; stdio"
    yield "- Tester: `pos-workflow doctor --selftest`, in a scratch project with a scratch user folder"
    yield ""
    yield "## Test results"
    yield ""
    yield _result(all(outcome.actions.values()), f"All {len(outcome.actions)} actions tested")
    for group, names in GROUPS.items():
        broken = [name for name in names if not outcome.actions[name]]
        yield _result(not broken, f"{group} actions ({len(names)})", ", ".join(broken))
    for workflow, phases in outcome.shipped.items():
        yield _result(workflow in outcome.completed, f"Workflow {workflow} completed ({phases} phases)")
    yield f"- Calls that had to be refused, and were, each with its error type: {outcome.refusals}"
    yield f"- Work that was claimed and not done, and was found out, each by what should: {outcome.found_out}"
    yield ""
    yield "## Performance metrics"
    yield ""
    yield f"Server start to the first answer: {outcome.start_seconds:.2f} s. A median over the target is an issue."
    yield ""
    yield "| action | calls | median | max | target | |"
    yield "|---|--:|--:|--:|--:|---|"
    yield from map(_row, outcome.latencies)
    yield ""
    yield "## Issues found"
    yield ""
    yield from [f"- {issue}" for issue in outcome.issues] or ["None."]
    yield ""
    yield "## Recommendation"
    yield ""
    yield "✅ Approve for use on this machine" if outcome.ok else "❌ Do not use it here until the issues are mended"


def _result(passed: bool, what: str, broken: str = "") -> str:
    return f"- [{'x' if passed else ' '}] {what}: {_MARKS[passed]}{f' {broken}' if broken else ''}"


def _row(one: Latency) -> str:
    mark = _MARKS[one.p50 <= one.limit]
    return f"| {one.action} | {one.calls} | {one.p50:.1f} ms | {one.max:.1f} ms | < {one.limit} ms | {mark} |"
