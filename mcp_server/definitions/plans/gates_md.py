"""The gates of a plan in Markdown, wherever they stand: inside a phase, after it, or all together at the end."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from mcp_server.definitions.plans.fields import Fields, Part
from mcp_server.definitions.plans.headings import Heading
from mcp_server.definitions.plans.outline import LABEL_RANK, Outline

_PREAMBLES = ("before ", "evidence", "final evidence", "criteria", "checklist", "required", "requirements")


@dataclass(frozen=True, slots=True)
class Zone:
    """The lines of one gate; ``number`` is the phase's where the gate names it."""

    start: int
    body: int
    end: int
    said: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a gate asks for, and the fenced commands that it shows beside."""

    items: tuple[str, ...]
    evidence: tuple[str, ...]


def gate_zones(outline: Outline, headings: list[Heading]) -> list[Zone]:
    """Every gate in the order of the file. A chapter of gates gives one for each phase that it names."""
    found: list[Zone] = []
    ends = sorted([*outline.rules, *(h.mark.start for h in headings if h.mark.rank == LABEL_RANK and _ends_label(h))])
    for index, heading in enumerate(headings):
        if heading.kind != "gate" or (found and heading.mark.start < found[-1].end and heading.number is None):
            continue
        parts = _parts(headings, index) if heading.number is None else []
        if parts:
            found += [_zone(part, ends) for part in parts]
        else:
            found.append(_zone(heading, ends))
    return sorted(set(found), key=lambda zone: (zone.start, zone.end))


def _ends_label(heading: Heading) -> bool:
    return heading.kind == "gate" or heading.number is not None or heading.title == "tasks"


def _parts(headings: list[Heading], index: int) -> list[Heading]:
    """What a chapter of gates says of single phases."""
    chapter = headings[index].mark
    parts: list[Heading] = []
    for at in range(index + 1, len(headings)):
        heading = headings[at]
        if heading.mark.start >= chapter.end or chapter.rank == LABEL_RANK:
            break
        if heading.number is not None:
            parts.append(heading)
    return parts


def _zone(heading: Heading, ends: list[int]) -> Zone:
    mark, end = heading.mark, heading.mark.end
    if mark.rank == LABEL_RANK:
        at = bisect_left(ends, mark.start + 1)
        end = min(end, ends[at]) if at < len(ends) else end
    return Zone(mark.start, mark.body, end, mark.said, heading.number)


def read_gate_zone(outline: Outline, zone: Zone) -> Asked:
    """The items of a gate's checklist; without checkboxes those of its lists, without lists what it says."""
    fields = Fields(outline.between(zone.body, zone.end))
    everything = [(label, part) for label, part in fields.parts.items()]
    boxed = [text for label, part in everything for text in _sentences(label, part, boxed=True)]
    listed = [text for label, part in everything for text in _sentences(label, part, boxed=False)]
    said = [text for text in (zone.said, fields.first("").text) if text and not text.endswith(":")]
    items = boxed or listed or said[:1]
    fences = [fence for _, part in everything for fence in part.fences]
    return Asked(tuple(dict.fromkeys(items)), tuple(fences))


def _sentences(label: str, part: Part, *, boxed: bool) -> Iterable[str]:
    if not boxed and label.startswith("evidence"):
        return []
    prefix = f"{label.capitalize()}: " if label and not label.startswith(_PREAMBLES) else ""
    return [prefix + item.text for item in part.items if item.text and item.boxed is boxed]
