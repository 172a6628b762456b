"""What the headings of a plan are: phases, their companions, gates, tasks, or none of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from mcp_server.definitions.plans.outline import LABEL_RANK, Mark, Outline

Kind = Literal["phase", "tasks", "gate", "task", "aside", "other"]

_GATE_WORDS = (
    r"(?:(?:validation|quality|exit|completion|acceptance|phase|final|go/no-go)\s+)*(?:gates?|checkpoints?)"
    r"|(?:exit|completion)\s+criteria"
)
_NOTE = r"(?:\s*\(.*\))?"
_PHASE = re.compile(
    r"phase\s+#?(?P<number>\d{1,6}|N)(?![\w]|[.,]\d)\s*(?P<sign>[:.|)\u2013\u2014-]*)\s*(?P<rest>.*)", re.IGNORECASE
)
_TRANSITION = re.compile(r"(?:\u2192|->|=>|\u21d2|\u2190|<-|>|to\s+phase\b|and\s+phase\b|&).*", re.IGNORECASE)
_RANGE = re.compile(r"phases?\s+\d+\s?[-\u2013\u2014]\s?\d+\b(?!\s*\w)", re.IGNORECASE)
_TASKS = re.compile(rf"tasks?(?:\s+(?:list|breakdown|details?))?{_NOTE}", re.IGNORECASE)
_GATE = re.compile(rf"(?:{_GATE_WORDS}){_NOTE}", re.IGNORECASE)
_BARE_GATE = re.compile(
    rf"(?:(?P<plain>{_GATE_WORDS})(?:\s*(?:for|of|[:\u2013\u2014-])\s*phase\s+(?P<number>\d{{1,6}})\b.*)?{_NOTE})",
    re.IGNORECASE,
)
_SAID_ASIDE = re.compile(
    r"(?:acceptance|success)\s+criteria|dependenc\w+|deliverables?|risks?\b.*|time\w*\b.*|estimate.*|summary|objectives?"
    r"|overview|notes?|checklist|evidence.*|duration|milestones?|completion|complete|status|progress",
    re.IGNORECASE,
)
_ASIDE_CHAPTER = re.compile(
    r"\b(?:time(?:line|s)?|estimates?|estimation|schedule|risks?|acceptance|success|dependenc(?:y|ies)|summary"
    r"|milestones?|traceability|rollback|metrics|effort)\b",
    re.IGNORECASE,
)
_TASK = re.compile(
    r"task\s+#?(?P<label>\d{1,6}(?:\.\d{1,6})*)(?!\w)\s*(?P<sign>[:.)|\u2013\u2014-]*)\s*(?P<rest>.*)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A mark and what it is; ``number`` is the phase's where it names one, ``label`` the task's."""

    mark: Mark
    kind: Kind
    number: int | None = None
    label: str = ""
    title: str = ""


def read_task_title(text: str) -> tuple[str, str] | None:
    """The number and the title of a task, where the text begins with ``Task N.M``."""
    match = _TASK.fullmatch(text)
    if not match or _TRANSITION.fullmatch(match["rest"]):
        return None
    return match["label"], match["rest"].strip("* \t")


def is_aside(mark: Mark) -> bool:
    """Whether a mark stands in a chapter that speaks about the phases: of time, risks, gates and the like."""
    chapters = (above.title for above in mark.above() if above.rank > 1)
    return any(_ASIDE_CHAPTER.search(title) or _BARE_GATE.fullmatch(title) for title in chapters)


def read_headings(outline: Outline) -> list[Heading]:
    """All marks with what they are."""
    headings: list[Heading] = []
    last = 0
    for mark in outline.marks:
        headings.append(_read(mark, last + 1))
        last = headings[-1].number or last if headings[-1].kind == "phase" else last
    # "Phase 1: Tasks" is a companion where another heading is the phase 1, and else a phase of that name.
    named = {heading.number for heading in headings if heading.kind == "phase" and not _is_companion(heading)}
    return [
        replace(heading, kind="tasks" if _TASKS.fullmatch(heading.title) else "gate")
        if heading.kind == "phase" and heading.number in named and _is_companion(heading)
        else heading
        for heading in headings
    ]


def _is_companion(heading: Heading) -> bool:
    return bool(_TASKS.fullmatch(heading.title) or _GATE.fullmatch(heading.title))


def _read(mark: Mark, following: int) -> Heading:
    """What a mark is; a phase that is literally called N, as templates leave it, is the ``following`` one."""
    task = read_task_title(mark.title) if mark.rank < LABEL_RANK else None
    if task:
        return Heading(mark, "task", label=task[0], title=task[1])
    phase = _PHASE.fullmatch(mark.title)
    if phase:
        number = int(phase["number"]) if phase["number"].isdecimal() else following
        rest = phase["rest"].strip("* \t")
        return Heading(mark, _kind_of_phase(mark, phase["sign"], rest), number, title=rest)
    gate = _BARE_GATE.fullmatch(mark.title)
    if gate:
        return Heading(mark, "gate", int(gate["number"]) if gate["number"] else None)
    return Heading(mark, "other", title=mark.title)


def _kind_of_phase(mark: Mark, sign: str, rest: str) -> Kind:
    if _TRANSITION.fullmatch(rest) or _RANGE.fullmatch(mark.title):
        return "aside"
    if mark.rank == LABEL_RANK:
        return "gate" if _GATE.fullmatch(rest) else "aside"
    if not sign:
        if _TASKS.fullmatch(rest):
            return "tasks"
        if _GATE.fullmatch(rest):
            return "gate"
        if _SAID_ASIDE.fullmatch(rest):
            return "aside"
    return "phase"
