"""What a reader should know before the rest: where a report rests on less than what the server saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcp_server.domain.events import Repinned, SessionStarted
from mcp_server.report.clipping import Clipper
from mcp_server.report.happenings import authority_of
from mcp_server.report.model import Notice, Phase
from mcp_server.report.wording import many, phases_named
from mcp_server.storage.verification import Whole


def notices(whole: Whole, phases: Sequence[Phase], clipper: Clipper) -> Iterator[Notice]:
    """The notices of a report, the gravest first."""
    yield from _doubts(whole, phases)
    for phase in phases:
        if phase.basis == "overridden":
            decided = next((one.decided for one in reversed(phase.attempts) if one.outcome == "overridden"), None)
            text = f"Phase {phase.number} was overridden: a person let it pass although its gate did not."
            yield Notice(kind="override", text=text, quote=decided.note if decided else None)
    said = [phase.number for phase in phases if phase.basis == "attested"]
    if said:
        rest = "rests" if len(said) == 1 else "rest"
        text = (
            f"{_phases(said)} {rest} at least in part on what the assistant said of its own work. Nobody checked that."
        )
        yield Notice(kind="attested", text=text)
    yield from _persons(whole)
    for record in whole.records:
        if isinstance(record.event, Repinned):
            text = (
                f"A person had the session go on with another definition (event {record.seq}). What passed before was "
                "judged by the gates of the earlier one; titles and what the gates ask for are the present one's."
            )
            yield Notice(kind="person", text=text, quote=clipper.said(record.event.decision.note))
        if isinstance(record.event, SessionStarted):
            for warning in record.event.warnings:
                yield Notice(kind="history", text="The start of the session warned:", quote=clipper.said(warning))


def _doubts(whole: Whole, phases: Sequence[Phase]) -> Iterator[Notice]:
    if whole.key_id is None:
        text = "The session is not sealed: changes of its files by other hands would go unnoticed."
        yield Notice(kind="doubt", text=text)
    elif not whole.anchored:
        text = "The session has no anchor: an older copy of its files that was put back would go unnoticed."
        yield Notice(kind="doubt", text=text)
    if whole.accepted:
        text = (
            f"Files of the session were changed by other hands, and a person accepted them as they were (event "
            f"{whole.accepted}). Nothing vouches for what precedes that."
        )
        yield Notice(kind="doubt", text=text)
    taken = [phase.number for phase in phases if phase.taken_over]
    if taken:
        text = (
            f"{_phases(taken)}: that it was completed, and on what basis, is taken over from a record that was "
            "imported, restored or accepted. No gate of this log let it pass."
        )
        yield Notice(kind="doubt", text=text)
    partial = sorted(
        {
            phase.number
            for phase in phases
            for attempt in phase.attempts
            for one in attempt.rounds
            if any(content.partial for content in one.contents)
        }
    )
    if partial:
        text = f"{_phases(partial)}: the project was too large to be hashed whole, so a digest covers a part of it."
        yield Notice(kind="doubt", text=text)


def _persons(whole: Whole) -> Iterator[Notice]:
    found = [authority for record in whole.records if (authority := authority_of(record.event)) is not None]
    unknown = sum(not one.authenticated for one in found)
    if unknown:
        which = "it" if unknown == 1 else "them"
        text = (
            f"Of {many(len(found), 'decision')} of a person {unknown} {'was' if unknown == 1 else 'were'} not "
            f"authenticated: an assistant that has a shell could have given {which}."
        )
        yield Notice(kind="person", text=text)
    if any(one.channel == "elicitation" for one in found):
        text = (
            "A decision came through the assistant's client: that proves that a client answered, not that a person did."
        )
        yield Notice(kind="person", text=text)


def _phases(numbers: Sequence[int]) -> str:
    return phases_named(numbers).capitalize()
