"""The phases on the HTML page, and every attempt in detail."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from mcp_server.domain.results import CheckStatus
from mcp_server.report import wording
from mcp_server.report.harmless import escaped
from mcp_server.report.html_parts import badge, block, code, cut, fold, item_table, moment, rows
from mcp_server.report.model import Attempt, Decided, Phase, Round, ShownCheck, ShownRun

_KINDS: dict[CheckStatus, str] = {"passed": "good", "failed": "bad", "blocked": "bad"}


def overview(phases: Sequence[Phase]) -> str:
    """All phases in one table."""
    return rows(
        ("Phase", "Result", "Basis", "Attempts", "Checks", "A person", "Took"),
        (
            (
                f'<a href="#phase-{one.number}">{one.number}</a> <bdi>{escaped(one.title)}</bdi>',
                escaped(wording.result(one)),
                _basis(one),
                str(one.attempts_made or ""),
                escaped(wording.checks_of(one)),
                one.decided or "",
                escaped(wording.duration(one.duration_seconds)),
            )
            for one in phases
        ),
    )


def phase(one: Phase) -> Iterator[str]:
    """One phase."""
    yield f'<section class="phase" id="phase-{one.number}">'
    yield f"<h3>Phase {one.number}: <bdi>{escaped(one.title)}</bdi> {_basis(one)}</h3>"
    yield f'<p class="soft">{escaped(wording.result(one))}{_times(one)}</p>'
    if one.condition:
        yield f"<p>It was skipped, since this held: {code(one.condition)}</p>"
    asked = wording.asked(one.asked)
    if asked:
        yield f"<p>The gate asks for {'; '.join(_quoted(words, names) for words, names in asked)}.</p>"
    if one.evidence:
        more = _left_out(one.evidence_left_out, "more piece")
        yield fold(f"Accepted evidence ({len(one.evidence)})", item_table(one.evidence) + more)
    yield _left_out(one.attempts_left_out, "older attempt")
    for number, attempt in enumerate(one.attempts, 1):
        yield _attempt(attempt, one, is_open=number == len(one.attempts))
    yield "</section>"


def _basis(one: Phase) -> str:
    return badge(wording.BASES[one.basis][0], one.basis) if one.basis else badge("no basis", "none")


def _times(one: Phase) -> str:
    if one.completed_at:
        return f", {moment(one.started_at)} to {moment(one.completed_at)}, {wording.duration(one.duration_seconds)}"
    return f", since {moment(one.started_at)}" if one.started_at else ""


def _quoted(words: str, names: Sequence[str]) -> str:
    return escaped(words) + (": " if names else "") + ", ".join(map(code, names))


def _left_out(count: int, what: str) -> str:
    return f'<p class="soft">{escaped(wording.many(count, what))} left out.</p>' if count else ""


def _attempt(attempt: Attempt, phase: Phase, *, is_open: bool) -> str:
    name = wording.named(attempt)
    good = "good" if attempt.outcome == "passed" else "none" if attempt.outcome in wording.OPEN else "bad"
    kind = attempt.basis or good
    summary = f"{escaped(name)} {badge(wording.OUTCOMES[attempt.outcome], kind)}"
    return fold(summary, "\n".join(_told(attempt, phase)), name="attempt", is_open=is_open)


def _told(attempt: Attempt, phase: Phase) -> Iterator[str]:
    if not attempt.vouched:
        yield f"<p>{badge('not vouched for', 'bad')} {escaped(wording.UNVOUCHED)}</p>"
    yield rows((), ((f"event {one.event}", moment(one.at), escaped(one.what)) for one in attempt.steps))
    if len(attempt.steps) > 1:
        yield f'<p class="soft">{escaped(wording.duration(attempt.duration_seconds))} from the first to the last.</p>'
    if attempt.decided:
        yield _decided(attempt.decided)
    yield from _found(attempt)
    if attempt.advice:
        yield f"<p>The gate advises: <q><bdi>{escaped(attempt.advice)}</bdi></q></p>"
    for warning in attempt.warnings:
        yield f"<p>Warning: <bdi>{escaped(warning)}</bdi></p>"
    for one in attempt.rounds:
        yield from _round(one)
    instead = wording.evidence_of(attempt, phase)
    if instead:
        yield f"<p>{instead}</p>"
    elif attempt.evidence:
        more = _left_out(attempt.evidence_left_out, "more piece")
        yield fold(f"Evidence as it was handed in ({len(attempt.evidence)})", item_table(attempt.evidence) + more)
    usage = wording.used(attempt.usage)
    if usage:
        yield f'<p class="soft">{escaped(usage)}</p>'


def _found(attempt: Attempt) -> Iterator[str]:
    wrong = [(code(one), "missing") for one in attempt.missing]
    wrong += [(code(one.field), f"<bdi>{escaped(one.problem)}</bdi>") for one in attempt.problems]
    wrong += [("the gate", f"<bdi>{escaped(one)}</bdi>") for one in attempt.blocked_by]
    if wrong:
        yield "<h4>What the gate found</h4>"
        yield rows((), wrong) + _left_out(attempt.problems_left_out, "more finding")


def _decided(decided: Decided) -> str:
    note = f" <q><bdi>{escaped(decided.note)}</bdi></q>" if decided.note else " No note was given."
    who = escaped(wording.who(decided.by))
    return f"<p><b>{decided.what.capitalize()} by a person</b> on {moment(decided.at)}: {who}.{note}</p>"


def _round(one: Round) -> Iterator[str]:
    took = wording.duration(one.duration_seconds)
    if one.checks:
        yield f"<h4>What the server checked, by {moment(one.at)}, in {escaped(took)}</h4>"
    for check in one.checks:
        title = f"{badge(check.status, _KINDS[check.status])} {code(check.id)} <bdi>{escaped(check.description)}</bdi>"
        summary = f'{title} <span class="soft">{escaped(wording.duration(check.duration_seconds))}</span>'
        yield fold(summary, "\n".join(_check(check)), is_open=check.status != "passed")
    yield _left_out(one.checks_left_out, "more check")
    contents = ((code(", ".join(content.inputs) or "the project's files"), escaped(wording.covered(content)),
                 code(content.digest)) for content in one.contents)  # fmt: skip
    if one.contents:
        yield rows(("Content that it depends on", "Files", "Digest"), contents)


def _check(check: ShownCheck) -> Iterator[str]:
    if check.problem:
        yield f"<p><bdi>{escaped(check.problem)}</bdi></p>"
    if check.value and check.value.text not in ("true", "false"):
        yield f"<p>It read {code(check.value.text)} {cut(check.value)}</p>"
    for run in check.runs:
        yield from _run(run)
    yield _left_out(check.runs_left_out, "more run")


def _run(run: ShownRun) -> Iterator[str]:
    exit_code = "no exit code" if run.exit_code is None else f"exit code {run.exit_code}"
    tries = f", run {run.tries} times" if run.tries > 1 else ""
    yield f"<p>{code(shlex.join(run.argv))}{f' for {code(run.match)}' if run.match else ''}</p>"
    ended = f"{exit_code}, {wording.duration(run.duration_seconds)}{tries}"
    yield f"<p>{badge(run.status, _KINDS[run.status])} {escaped(ended)}</p>"
    if run.problem:
        yield f"<p><bdi>{escaped(run.problem)}</bdi></p>"
    for name, stream in (("Standard output", run.stdout), ("Standard error", run.stderr)):
        if stream.bytes:
            yield f"<p>{name}: {cut(stream)}</p>{block(stream.text) if stream.text else ''}"
