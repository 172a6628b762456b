"""A report as one HTML file: no scripts, nothing from elsewhere, and text of others nowhere but escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from mcp_server.domain.session import Basis
from mcp_server.report import html_phases, proving, wording
from mcp_server.report.harmless import escaped
from mcp_server.report.html_parts import code, fold, item_table, moment, rows
from mcp_server.report.model import Happening, Notice, Proof, Report

_STYLE: Final = Path(__file__).with_name("style.css")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(report: Report) -> str:
    """The whole page."""
    title = escaped(f"{report.session.workflow_name}: report of {report.session.session_id}")
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>"
    )
    return "\n".join([head, *_body(report), "</body>\n</html>\n"])


def _body(report: Report) -> Iterator[str]:
    yield "<header>"
    yield '<p class="soft">Session report</p>'
    yield f"<h1><bdi>{escaped(report.session.workflow_name)}</bdi></h1>"
    yield f"<p>on {code(report.session.target_file)}</p>"
    yield f'<p class="lead">{escaped(wording.headline(report))}</p>'
    yield "</header>\n<main>"
    yield from _tiles(report)
    if report.notices:
        yield '<h2>Know before you rely on it</h2>\n<ul class="notices">'
        yield from map(_notice, report.notices)
        yield "</ul>"
    yield "<h2>Phases</h2>"
    yield html_phases.overview(report.phases)
    yield from _session(report)
    yield "<h2>Every phase, every attempt</h2>"
    if report.shortened:
        yield f'<p class="soft">{escaped(wording.shortened(report))}</p>'
    for phase in report.phases:
        yield from html_phases.phase(phase)
    if report.happenings:
        yield "<h2>What else happened</h2>"
        yield from _happenings(report)
    yield "<h2>Proof</h2>"
    yield from _proof(report)
    yield "</main>\n<footer>"
    yield f"<p>Made by {escaped(report.made_by)} on {moment(report.made_at)}. Times are UTC.</p>\n</footer>"


def _tiles(report: Report) -> Iterator[str]:
    yield '<section class="tiles" aria-label="Basis of the phases">'
    for basis in wording.BASES:
        more = wording.vouched_by_checks(report) if basis == "verified" else ""
        yield _tile(basis, getattr(report.glance.phases, basis), getattr(report.glance.items, basis), more)
    yield f'</section>\n<p class="soft">{escaped(wording.WEAKEST)}</p>'


def _tile(basis: Basis, numbers: Sequence[int], items: int, more: str) -> str:
    name, meaning = wording.BASES[basis]
    also = f"{wording.many(items, 'piece')} of evidence{more}"
    return (
        f'<div class="tile {basis}"><b>{len(numbers)}</b><strong>{name}</strong>: '
        f"{wording.phases_named(numbers) or 'no phase'}"
        f"<span>{escaped(meaning)}</span><span>{escaped(also)}</span></div>"
    )


def _notice(notice: Notice) -> str:
    quote = f" <q><bdi>{escaped(notice.quote)}</bdi></q>" if notice.quote else ""
    return f'<li class="{notice.kind}">{escaped(notice.text)}{quote}</li>'


def _session(report: Report) -> Iterator[str]:
    session, glance = report.session, report.glance
    definition = f"{session.workflow_type} {session.workflow_version}, {session.source}"
    spent = f"{session.usage.tokens} tokens, {session.usage.cost_usd:.2f} USD as the assistant reported"
    tries = f"{wording.many(glance.attempts, 'attempt')}, {glance.not_passed} did not pass"
    facts = [
        ("Session", code(session.session_id)),
        ("Workflow", code(definition)),
        ("Began", moment(session.created_at)),
        ("Ended" if session.completed_at else "Last change", moment(session.completed_at or session.last_updated)),
        ("Took", escaped(wording.duration(session.elapsed_seconds))),
        ("Active", escaped(wording.duration(session.active_seconds))),
        ("At the gates", escaped(f"{tries}; a person decided {wording.many(glance.decisions, 'time')}")),
        ("Usage", escaped(f"{spent}; {wording.budgeted(session.budget)}")),
    ]
    if session.imported_from:
        facts.append(("Imported from", code(session.imported_from)))
    if session.checkpoint_note:
        facts.append(("Note", f"<bdi>{escaped(session.checkpoint_note)}</bdi>"))
    yield "<h2>Session</h2>"
    yield rows((), [(f"<b>{name}</b>", value) for name, value in facts])
    if session.options:
        yield fold("Options of the start", item_table(session.options))


def _happenings(report: Report) -> Iterator[str]:
    if report.happenings_left_out:
        yield f'<p class="soft">{wording.many(report.happenings_left_out, "older event")} left out.</p>'
    yield rows(("Event", "When", "What"), map(_happening, report.happenings))


def _happening(one: Happening) -> tuple[str, ...]:
    quote = f" <q><bdi>{escaped(one.quote)}</bdi></q>" if one.quote else ""
    by = f'<br><span class="soft">{escaped(wording.who(one.by))}</span>' if one.by else ""
    return str(one.event), moment(one.at), f"{escaped(one.text)}{quote}{by}"


def _proof(report: Report) -> Iterator[str]:
    proof = report.proof
    yield from (f"<p>{escaped(text)}</p>" for text in proving.proven(report))
    yield rows((), [(f"<b>{escaped(name)}</b>", code(value)) for name, value in proving.marks(proof)])
    yield "<h4>Hold it against the files</h4>"
    yield rows((), [(code(command), escaped(meaning)) for command, meaning in proving.commands(report)])
    if proof.blobs:
        yield fold(f"{wording.many(len(proof.blobs), 'stored file')} that this report speaks of", _blobs(proof))


def _blobs(proof: Proof) -> str:
    shown: Iterable[tuple[str, ...]] = (
        (code(f"blobs/{one.sha256[:2]}/{one.sha256}"), escaped(wording.size(one.bytes)), code(one.what))
        for one in proof.blobs
    )
    table = rows(("File in the state folder, named by its SHA-256", "Size", "What"), shown)
    left_out = proof.blobs_left_out
    return table + (f'<p class="soft">{wording.many(left_out, "more file")} left out.</p>' if left_out else "")
