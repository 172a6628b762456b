"""A report as Markdown that GitHub shows well. Text of others stands in code alone, where nothing of it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcp_server.report import markdown_phases, proving, wording
from mcp_server.report.harmless import code, prose
from mcp_server.report.markdown_parts import fold, table
from mcp_server.report.model import Report


def page(report: Report) -> str:
    """The whole page."""
    return "\n\n".join(_parts(report)) + "\n"


def _parts(report: Report) -> Iterator[str]:
    session = report.session
    yield f"# Session report: {code(session.workflow_name)}"
    yield f"On {code(session.target_file)}. **{wording.headline(report)}**"
    yield _bases(report)
    yield wording.WEAKEST
    if report.notices:
        yield "## Know before you rely on it"
        yield "\n".join(f"- {prose(one.text)}{_quote(one.quote)}" for one in report.notices)
    yield "## Phases"
    yield markdown_phases.overview(report.phases)
    yield "## Session"
    yield _session(report)
    if session.options:
        yield from fold("Options of the start", [markdown_phases.evidence(session.options)])
    yield "## Every phase, every attempt"
    if report.shortened:
        yield prose(wording.shortened(report))
    for phase in report.phases:
        yield from markdown_phases.phase(phase)
    if report.happenings:
        yield "## What else happened"
        yield from _happenings(report)
    yield "## Proof"
    yield from _proof(report)
    yield f"Made by {report.made_by} on {wording.moment(report.made_at)}. Times are UTC."


def _bases(report: Report) -> str:
    phases, items = report.glance.phases, report.glance.items
    return table(
        ("Basis", "Phases", "Pieces of evidence", "What it means"),
        (
            (
                f"**{name}**",
                wording.phases_named(getattr(phases, basis)) or "none",
                str(getattr(items, basis)) + (wording.vouched_by_checks(report) if basis == "verified" else ""),
                meaning,
            )
            for basis, (name, meaning) in wording.BASES.items()
        ),
    )


def _quote(quote: str | None) -> str:
    return f" {code(quote)}" if quote else ""


def _session(report: Report) -> str:
    session, glance = report.session, report.glance
    tries = f"{wording.many(glance.attempts, 'attempt')}, {glance.not_passed} did not pass"
    spent = f"{session.usage.tokens} tokens, {session.usage.cost_usd:.2f} USD as the assistant reported"
    facts: list[tuple[str, str]] = [
        ("Session", code(session.session_id)),
        ("Workflow", code(f"{session.workflow_type} {session.workflow_version}, {session.source}")),
        ("Began", wording.moment(session.created_at)),
        (
            "Ended" if session.completed_at else "Last change",
            wording.moment(session.completed_at or session.last_updated),
        ),
        ("Took", wording.duration(session.elapsed_seconds)),
        ("Active", wording.duration(session.active_seconds)),
        ("At the gates", f"{tries}; a person decided {wording.many(glance.decisions, 'time')}"),
        ("Usage", f"{spent}; {wording.budgeted(session.budget)}"),
    ]
    if session.imported_from:
        facts.append(("Imported from", code(session.imported_from)))
    if session.checkpoint_note:
        facts.append(("Note", code(session.checkpoint_note)))
    return table(("", ""), facts)


def _happenings(report: Report) -> Iterator[str]:
    if report.happenings_left_out:
        yield f"{wording.many(report.happenings_left_out, 'older event')} left out."
    rows: Iterable[tuple[str, ...]] = (
        (
            str(one.event),
            wording.moment(one.at),
            f"{prose(one.text)}{_quote(one.quote)}{f' By {code(wording.who(one.by))}.' if one.by else ''}",
        )
        for one in report.happenings
    )
    yield table(("Event", "When", "What"), rows)


def _proof(report: Report) -> Iterator[str]:
    proof = report.proof
    yield from proving.proven(report)
    yield table(("", ""), [(name, code(value)) for name, value in proving.marks(proof)])
    yield "To hold it against the files:"
    yield table(("Command", "Where, and what it shows"), [(code(one), said) for one, said in proving.commands(report)])
    if proof.blobs:
        files = ((code(one.sha256), wording.size(one.bytes), code(one.what)) for one in proof.blobs)
        left_out = [f"{wording.many(proof.blobs_left_out, 'more file')} left out."] if proof.blobs_left_out else []
        summary = f"{wording.many(len(proof.blobs), 'stored file')} that this report speaks of"
        yield from fold(summary, [table(("SHA-256, and name", "Size", "What"), files), *left_out])
