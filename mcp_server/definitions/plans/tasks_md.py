"""``spec_tasks_parser``: a ``tasks.md`` as people write them.

Phases are the headings ``Phase <N>`` at the highest level at which tasks stand beneath them; tasks are headings or
items of lists. What only mentions a phase (its tasks' chapter, its gate, a chapter on times or risks) is none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mcp_server.definitions.plans.fields import Fields
from mcp_server.definitions.plans.gates_md import Zone, gate_zones, read_gate_zone
from mcp_server.definitions.plans.headings import Heading, is_aside, read_headings
from mcp_server.definitions.plans.model import Plan, PlanPhase
from mcp_server.definitions.plans.outline import LABEL_RANK, Mark, Outline
from mcp_server.definitions.plans.tasks_in_md import (
    ACCEPTANCE,
    DELIVERABLES,
    DEPENDENCIES,
    DURATIONS,
    Found,
    find_tasks,
    number_tasks,
    read_task,
)
from mcp_server.definitions.problems import Problem

MAX_LINES = 60_000
MAX_PHASE_HEADINGS = 1_000
NO_PHASE = (
    "has no phase: looked for headings such as '## Phase 1: Title' with tasks beneath them, "
    "as headings '### Task 1.1: Title' or as items '- [ ] **Task 1.1**: Title' or '- [ ] T001 Title'"
)
_OBJECTIVES = ("objective", "goal", "purpose", "phase goal", "phase objective", "description")
_TIME_IN_TITLE = re.compile(r"\(((?:days?|weeks?|hours?|~?\d+)\b[^()]*)\)\s*$", re.IGNORECASE)

Span = tuple[int, int]


def read_tasks_md(text: str, name: str) -> tuple[Plan | None, tuple[Problem, ...]]:
    """The plan that a Markdown file states, and what is wrong with it; with an error there may be no plan."""
    if text.count("\n") >= MAX_LINES:
        hint = "Split the plan, or move what is no plan elsewhere."
        return None, (Problem("error", name, None, f"has more than {MAX_LINES} lines", hint),)
    return _Reader(text, name).read()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A heading that may be a phase, and the lines that belong to it, its own first."""

    heading: Heading
    spans: tuple[Span, ...]
    tasks: tuple[Found, ...]

    @property
    def number(self) -> int:
        return self.heading.number or 0

    @property
    def mark(self) -> Mark:
        return self.heading.mark


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._problems: list[Problem] = []
        self._outline = Outline(text)
        self._headings = read_headings(self._outline)
        self._zones = gate_zones(self._outline, self._headings)
        self._tasks = find_tasks(self._outline, self._headings, self._zones)
        self._starts = [task.start for task in self._tasks]
        self._chapters: dict[int | None, list[Span]] = defaultdict(list)
        for heading in self._headings:
            if heading.kind == "tasks":
                self._chapters[heading.number].append((heading.mark.start, heading.mark.end))

    def read(self) -> tuple[Plan | None, tuple[Problem, ...]]:
        if sum(heading.kind in {"phase", "tasks"} for heading in self._headings) > MAX_PHASE_HEADINGS:
            self._problem(
                "error", None, f"speaks of phases in more than {MAX_PHASE_HEADINGS} headings", "Split the plan."
            )
            return None, tuple(self._problems)
        chosen = self._chosen()
        if not chosen:
            self._problem("error", None, NO_PHASE, "Write the plan so, or name another file.")
            return None, tuple(self._problems)
        spans = [candidate.spans[0] for candidate in chosen]
        gates = self._gates_of(chosen, spans)
        phases = tuple(self._phase(candidate, gates[index]) for index, candidate in enumerate(chosen))
        self._warn_of_strays(chosen)
        return Plan(phases), tuple(self._problems)

    def _warn_of_strays(self, chosen: list[_Candidate]) -> None:
        taken = {task.label for candidate in chosen for task in candidate.tasks}
        for task in self._tasks:
            if task.label not in taken:
                taken.add(task.label)
                message = f"the task {task.label} stands in no phase and is left out"
                hint = "Move it beneath the heading of its phase."
                self._problems.append(Problem("warning", self._name, task.start + 1, message, hint))

    def _problem(self, severity: str, mark: Mark | None, message: str, hint: str) -> None:
        line = None if mark is None else mark.start + 1
        self._problems.append(Problem("error" if severity == "error" else "warning", self._name, line, message, hint))

    def _chosen(self) -> list[_Candidate]:
        """The phases: of the highest level that has tasks, without those that are only mentioned."""
        found = [self._candidate(i, h) for i, h in enumerate(self._headings) if h.kind == "phase"]
        by_rank: dict[int, list[_Candidate]] = defaultdict(list)
        for candidate in found:
            by_rank[candidate.mark.rank].append(candidate)
        worked = {rank: {c.number for c in of_rank if c.tasks} for rank, of_rank in by_rank.items()}
        # The title of a file may be "Phase 2 of the rewrite: plan"; one alone at the top is no level of phases.
        order = sorted(
            (rank for rank in worked if worked[rank]), key=lambda rank: (rank == 1 and len(worked[1]) < 2, rank)
        )
        return self._settled(by_rank[order[0]]) if order else []

    def _settled(self, candidates: list[_Candidate]) -> list[_Candidate]:
        others = [candidate for candidate in candidates if not is_aside(candidate.mark)]
        candidates = others if any(candidate.tasks for candidate in others) else candidates
        first: dict[int, _Candidate] = {}
        for candidate in (one for one in candidates if one.tasks):
            known = first.setdefault(candidate.number, candidate)
            if known is not candidate and not _repeats(candidate, known):
                lines = f"{known.mark.start + 1} and {candidate.mark.start + 1}"
                message = f"the phase {candidate.number} is there twice, on the lines {lines}"
                self._problem("error", candidate.mark, message, "Give each phase its own number.")
        parents = {id(candidate.mark.parent) for candidate in first.values()}
        for candidate in candidates:
            if id(candidate.mark.parent) in parents:
                first.setdefault(candidate.number, candidate)
        return sorted(first.values(), key=lambda candidate: candidate.mark.start)

    def _candidate(self, index: int, heading: Heading) -> _Candidate:
        mark = heading.mark
        end = len(self._outline.lines)
        for at in range(index + 1, len(self._headings)):
            other = self._headings[at]
            if other.mark.rank <= mark.rank and not _continues(other, heading):
                end = other.mark.start
                break
        spans = [(mark.start, end)]
        spans += [span for span in self._chapters[heading.number] if not mark.start <= span[0] < end]
        tasks = [task for start, stop in spans for task in self._between(start, stop)]
        headed = [task for task in tasks if task.heading]
        return _Candidate(heading, tuple(spans), tuple(headed or tasks))

    def _between(self, start: int, end: int) -> Sequence[Found]:
        return self._tasks[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def _gates_of(self, chosen: list[_Candidate], spans: list[Span]) -> list[list[Zone]]:
        """The gates of each phase: those that name it, and those without a name that stand in it."""
        places = {candidate.number: index for index, candidate in enumerate(chosen)}
        starts = [start for start, _ in spans]
        found: list[list[Zone]] = [[] for _ in chosen]
        for zone in self._zones:
            at = bisect_left(starts, zone.start) - 1
            if zone.number in places:
                found[places[zone.number]].append(zone)
            elif zone.number is None and at >= 0 and zone.start < spans[at][1]:
                found[at].append(zone)
            elif zone.number is not None:
                message = f"has a gate of the phase {zone.number}, which is not there"
                self._problems.append(Problem("warning", self._name, zone.start + 1, message, "Mend the number."))
        return found

    def _phase(self, candidate: _Candidate, zones: list[Zone]) -> PlanPhase:
        number, mark = candidate.number, candidate.mark
        start, end = candidate.spans[0]
        fields = Fields(self._outline.between(mark.body, self._preamble_end(candidate, zones)))
        asked = [read_gate_zone(self._outline, zone) for zone in zones]
        numbers, problem = number_tasks(candidate.tasks)
        if problem:
            self._problem("error", mark, problem, "Give each task of a phase its own number.")
        elsewhere = [zone for zone in zones if not start <= zone.start < end]
        without = [(task.start, task.end) for task in candidate.tasks]
        stretches = [self._outline.text(start, end, without)]
        stretches += [self._outline.text(zone.start, zone.end) for zone in elsewhere]
        stated = _TIME_IN_TITLE.search(candidate.heading.title)
        dependencies = fields.first(*DEPENDENCIES)
        return PlanPhase(
            number=number,
            title=candidate.heading.title or f"Phase {number}",
            body="\n\n".join(text for text in stretches if text) + "\n",
            objective=fields.first(*_OBJECTIVES).text or fields.first("").text,
            estimated_duration=fields.first(*DURATIONS).text or (stated.group(1) if stated else ""),
            dependencies=dependencies.text or ", ".join(dependencies.texts),
            deliverables=fields.first(*DELIVERABLES).texts,
            acceptance=fields.first(*ACCEPTANCE).texts,
            gate_items=_distinct(item for one in asked for item in one.items),
            evidence=_distinct(command for one in asked for command in one.evidence),
            tasks=tuple(
                read_task(self._outline, task, of)
                for of, task in sorted(zip(numbers, candidate.tasks, strict=True), key=lambda pair: pair[0])
            ),
            line=mark.start + 1,
        )

    def _preamble_end(self, candidate: _Candidate, zones: list[Zone]) -> int:
        """The line up to which a phase speaks of itself: its first task, gate or chapter of tasks."""
        start, end = candidate.spans[0]
        chapters = (span[0] for span in self._chapters[candidate.heading.number])
        stops = (*(task.start for task in candidate.tasks), *(zone.start for zone in zones), *chapters)
        return min((stop for stop in stops if start < stop < end), default=end)


def _continues(other: Heading, phase: Heading) -> bool:
    """Whether a heading of a phase's own level goes on with it: its tasks, their chapter, its gate."""
    if other.mark.rank == LABEL_RANK or other.kind == "task":
        return True
    if other.mark.rank < phase.mark.rank:
        return False
    return other.kind in {"tasks", "gate"} and other.number in {phase.number, None}


def _repeats(later: _Candidate, first: _Candidate) -> bool:
    """Whether a second heading of a number only speaks of the tasks of the first, say of their times."""
    known = {task.label for task in first.tasks}
    return not any(task.heading or task.label not in known for task in later.tasks)


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
