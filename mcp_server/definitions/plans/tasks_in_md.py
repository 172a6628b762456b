"""The tasks of a plan in Markdown: headings ``Task N.M``, items ``- [ ] **Task N.M**`` and ``- [ ] T012``."""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_server.definitions.plans.fields import CHECKBOX, Fields
from mcp_server.definitions.plans.gates_md import Zone
from mcp_server.definitions.plans.headings import Heading, read_task_title
from mcp_server.definitions.plans.model import PlanTask
from mcp_server.definitions.plans.outline import Outline

DURATIONS = ("estimated duration", "estimated time", "estimated effort", "duration", "effort", "time", "estimate")
DEPENDENCIES = ("dependencies", "dependency", "depends on", "blocked by", "prerequisites")
DELIVERABLES = ("deliverables", "deliverable", "outputs", "produces", "artifacts")
ACCEPTANCE = ("acceptance criteria", "acceptance", "success criteria")
_STEPS = ("steps", "implementation steps", "actions")
_DESCRIPTIONS = ("objective", "description", "purpose", "goal")

_BOLD_START = re.compile(r"^(\*\*|__)(.*?)\1")
_NUMBERED = re.compile(r"(?P<label>T\d{1,5})\b\s*[:.)-]?\s*(?P<rest>.*)")
_MENTIONS = re.compile(r"depend|blocked|prerequisite|parallel|execution order|related|see also|traceab|critical path")


@dataclass(frozen=True, slots=True)
class Found:
    """A task in the file, from its line ``start`` up to ``end``; ``lead`` is what stands beside its title."""

    label: str
    title: str
    start: int
    body: int
    end: int
    heading: bool
    lead: tuple[str, ...] = ()


def find_tasks(outline: Outline, headings: list[Heading], zones: list[Zone]) -> list[Found]:
    """Every task, in the order of the file; what a task or a gate mentions is none."""
    starts = sorted(zone.start for zone in zones)
    by_heading = list(_headed(headings, starts))
    closed = sorted([(task.start, task.end) for task in by_heading] + [(zone.start, zone.end) for zone in zones])
    listed = [task for task in _listed(outline, headings) if not _covered(closed, task.start)]
    return sorted([*by_heading, *listed], key=lambda task: task.start)


def _headed(headings: list[Heading], gates: list[int]) -> Iterator[Found]:
    tasks = [heading for heading in headings if heading.kind == "task"]
    own: list[Heading] = []
    for heading in tasks:
        inside = own and heading.mark.start < own[-1].mark.end
        if not (inside and heading.label.startswith(f"{own[-1].label}.")):
            own.append(heading)
    for index, heading in enumerate(own):
        mark = heading.mark
        at = bisect_right(gates, mark.start)
        limits = [mark.end, *gates[at : at + 1], *(other.mark.start for other in own[index + 1 : index + 2])]
        yield Found(heading.label, heading.title, mark.start, mark.body, min(limits), heading=True)


def _covered(stretches: Sequence[tuple[int, int]], line: int) -> bool:
    at = bisect_right(stretches, (line, 1 << 60)) - 1
    return at >= 0 and line < stretches[at][1]


def _listed(outline: Outline, headings: list[Heading]) -> Iterator[Found]:
    marks = [heading.mark.start for heading in headings]
    inside, quoted = -1, 0
    for index, token in enumerate(outline.tokens):
        if token.type == "list_item_close" and token.level == inside:
            inside = -1
        quoted += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type != "list_item_open" or inside >= 0 or quoted or not token.map:
            continue
        following = outline.tokens[index + 2] if index + 2 < len(outline.tokens) else token
        found = _read_item(following.content) if following.type == "inline" else None
        at = bisect_right(marks, token.map[0]) - 1
        around = headings[at] if at >= 0 else None
        if found and not (around and _mentions(around)):
            inside = token.level
            rest = tuple(following.content.splitlines()[1:])
            yield Found(*found, token.map[0], (following.map or token.map)[1], token.map[1], heading=False, lead=rest)


def _mentions(around: Heading) -> bool:
    """Whether the items below a heading or a label, one that says nothing itself, only refer to tasks."""
    return around.kind != "phase" and not around.mark.said and bool(_MENTIONS.match(around.mark.title.lower()))


def _read_item(content: str) -> tuple[str, str] | None:
    first = content.split("\n", 1)[0]
    box = CHECKBOX.match(first)
    text = _BOLD_START.sub(r"\2", first[box.end() :] if box else first).strip()
    numbered = _NUMBERED.fullmatch(text) if box else None
    return (numbered["label"], numbered["rest"].strip()) if numbered else read_task_title(text)


def number_tasks(found: Sequence[Found]) -> tuple[list[int], str]:
    """The tasks' numbers in their phase: the last part of each label, else by their place; and why it was so."""
    numbers = [int(task.label.lstrip("T").rsplit(".", 1)[-1]) for task in found]
    if len(set(numbers)) == len(numbers) and not any(task.label.count(".") > 1 for task in found):
        return numbers, ""
    twice = [label for label, count in Counter(task.label for task in found).items() if count > 1]
    if twice:
        lines = [task.start + 1 for task in found if task.label == twice[0]]
        return numbers, f"the task {twice[0]} is there twice, on the lines {' and '.join(map(str, lines[:4]))}"
    return list(range(1, len(found) + 1)), ""


def read_task(outline: Outline, found: Found, number: int) -> PlanTask:
    """What the plan says of a task."""
    fields = Fields(outline.between(found.body, found.end), found.lead)
    dependencies = fields.first(*DEPENDENCIES)
    unlabelled = fields.first("")
    nested = () if found.heading else tuple(item.text for item in unlabelled.items)
    body = outline.text(found.start, found.end)
    return PlanTask(
        number=number,
        label=found.label,
        title=found.title or f"Task {found.label}",
        body=textwrap.dedent(body) if not found.heading else body,
        description=fields.first(*_DESCRIPTIONS).text or unlabelled.text,
        estimated_duration=fields.first(*DURATIONS).text,
        dependencies=dependencies.text or ", ".join(dependencies.texts),
        steps=fields.first(*_STEPS).texts or nested,
        acceptance=fields.first(*ACCEPTANCE).texts,
        deliverables=fields.first(*DELIVERABLES).texts,
        line=found.start + 1,
    )
