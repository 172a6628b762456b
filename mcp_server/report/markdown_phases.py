"""The phases on the Markdown page, and every attempt in detail."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from mcp_server.report import wording
from mcp_server.report.harmless import code, escaped, fence, line, prose
from mcp_server.report.markdown_parts import cut, fold, left_out, table
from mcp_server.report.model import Attempt, Decided, EvidenceItem, Phase, Round, ShownCheck, ShownRun

_SHORT = 120
"""Characters of a value that stand in a table; a longer one has a block of its own."""


def overview(phases: Sequence[Phase]) -> str:
    """All phases in one table."""
    return table(
        ("Phase", "Title", "Result", "Basis", "Attempts", "Checks", "A person", "Took"),
        (
            (
                str(one.number),
                code(one.title),
                wording.result(one),
                _basis(one),
                str(one.attempts_made or ""),
                wording.checks_of(one),
                one.decided or "",
                wording.duration(one.duration_seconds),
            )
            for one in phases
        ),
    )


def phase(one: Phase) -> Iterator[str]:
    """One phase."""
    yield f"### Phase {one.number}: {code(one.title)}"
    yield f"{_basis(one) or 'No basis'}; {wording.result(one)}{_times(one)}."
    if one.condition:
        yield f"It was skipped, since this held: {code(one.condition)}"
    asked = [words + (": " if names else "") + ", ".join(map(code, names)) for words, names in wording.asked(one.asked)]
    if asked:
        yield f"The gate asks for {'; '.join(asked)}."
    if one.evidence:
        content = [evidence(one.evidence), *left_out(one.evidence_left_out, "more piece")]
        yield from fold(f"Accepted evidence ({len(one.evidence)})", content)
    yield from left_out(one.attempts_left_out, "older attempt")
    for attempt in one.attempts:
        summary = f"<b>{wording.named(attempt)}</b>: {wording.OUTCOMES[attempt.outcome]}"
        yield from fold(summary, _told(attempt, one))


def evidence(items: Iterable[EvidenceItem]) -> str:
    """Evidence with the basis of each piece; long values below the table."""
    shown = list(items)
    short = {id(one): len(one.value.text) <= _SHORT and not one.value.clipped for one in shown}
    rows = table(
        ("Evidence", "Basis", "Value"),
        (
            (code(one.name), wording.BASES[one.basis][0], code(one.value.text) if short[id(one)] else cut(one.value))
            for one in shown
        ),
    )
    long = (
        f"{code(one.name)}:\n\n{fence(one.value.text, 'json')}"
        for one in shown
        if not short[id(one)] and one.value.text
    )
    return "\n\n".join([rows, *long])


def _basis(one: Phase) -> str:
    return f"**{wording.BASES[one.basis][0]}**" if one.basis else ""


def _times(one: Phase) -> str:
    began, ended = wording.moment(one.started_at), wording.moment(one.completed_at)
    if ended:
        return f", {began} to {ended}, {wording.duration(one.duration_seconds)}"
    return f", since {began}" if began else ""


def _told(attempt: Attempt, phase: Phase) -> Iterator[str]:
    if not attempt.vouched:
        yield f"**Not vouched for.** {wording.UNVOUCHED}"
    steps = ((str(one.event), wording.moment(one.at), prose(one.what)) for one in attempt.steps)
    yield table(("Event", "When", "What"), steps)
    if len(attempt.steps) > 1:
        yield f"{wording.duration(attempt.duration_seconds)} from the first to the last."
    if attempt.decided:
        yield _decided(attempt.decided)
    wrong = [(code(one), "missing") for one in attempt.missing]
    wrong += [(code(one.field), code(one.problem)) for one in attempt.problems]
    wrong += [("the gate", code(one)) for one in attempt.blocked_by]
    if wrong:
        yield table(("What the gate found", ""), wrong)
        yield from left_out(attempt.problems_left_out, "more finding")
    if attempt.advice:
        yield f"The gate advises: {code(attempt.advice)}"
    yield from (f"Warning: {code(one)}" for one in attempt.warnings)
    for one in attempt.rounds:
        yield from _round(one)
    instead = wording.evidence_of(attempt, phase)
    if instead:
        yield instead
    elif attempt.evidence:
        content = [evidence(attempt.evidence), *left_out(attempt.evidence_left_out, "more piece")]
        yield from fold(f"Evidence as it was handed in ({len(attempt.evidence)})", content)
    usage = wording.used(attempt.usage)
    if usage:
        yield usage


def _decided(decided: Decided) -> str:
    note = f" {code(decided.note)}" if decided.note else " No note was given."
    who = code(wording.who(decided.by))
    return f"**{decided.what.capitalize()} by a person** on {wording.moment(decided.at)}: {who}.{note}"


def _round(one: Round) -> Iterator[str]:
    if one.checks:
        took = wording.duration(one.duration_seconds)
        yield f"**What the server checked**, by {wording.moment(one.at)}, in {took}:"
        yield table(("Check", "Result", "Exit code", "Took", "What it checks"), map(_row, one.checks))
    yield from left_out(one.checks_left_out, "more check")
    for check in one.checks:
        content = list(_check(check))
        if content:
            yield from fold(f"{check.status}: <code>{escaped(line(check.id))}</code>", content)
    if one.contents:
        yield table(
            ("Content that it depends on", "Files", "Digest"),
            (
                (
                    code(", ".join(content.inputs) or "the project's files"),
                    wording.covered(content),
                    code(content.digest),
                )
                for content in one.contents
            ),
        )


def _row(check: ShownCheck) -> tuple[str, ...]:
    description = code(check.description) if check.description else ""
    took = wording.duration(check.duration_seconds)
    return code(check.id), f"**{check.status}**", _exit_codes(check), took, description


def _exit_codes(check: ShownCheck) -> str:
    codes = dict.fromkeys(str(run.exit_code) for run in check.runs if run.exit_code is not None)
    return ", ".join(codes)


def _check(check: ShownCheck) -> Iterator[str]:
    if check.problem:
        yield f"Problem: {code(check.problem)}"
    if check.value and check.value.text not in ("true", "false"):
        yield f"It read {code(check.value.text)}, {cut(check.value)}."
    for run in check.runs:
        yield from _run(run)
    yield from left_out(check.runs_left_out, "more run")


def _run(run: ShownRun) -> Iterator[str]:
    exit_code = "no exit code" if run.exit_code is None else f"exit code {run.exit_code}"
    tries = f", run {run.tries} times" if run.tries > 1 else ""
    match = f" for {code(run.match)}" if run.match else ""
    command = code(shlex.join(run.argv))
    yield f"{command}{match}: **{run.status}**, {exit_code}, {wording.duration(run.duration_seconds)}{tries}."
    if run.problem:
        yield f"Problem: {code(run.problem)}"
    for name, stream in (("Standard output", run.stdout), ("Standard error", run.stderr)):
        if stream.bytes:
            yield f"{name}: {cut(stream)}"
            if stream.text:
                yield fence(stream.text.rstrip("\n"))
