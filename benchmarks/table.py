"""The one table: for people, for the page and for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure

TITLES: Final = ("figure", "measured", "floor", "ratio", "goal", "met")
BEGIN: Final = "<!-- begin: the latest table -->\n"
END: Final = "<!-- end: the latest table -->\n"


def machine() -> dict[str, Any]:
    """When and on what it was measured, without a name of anybody's."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "mcp": version("mcp"),
    }


def as_json(figures: Sequence[Figure]) -> dict[str, Any]:
    """All of it for programs."""
    return {"machine": machine(), "figures": [{**asdict(figure), "met": figure.met} for figure in figures]}


def as_text(figures: Sequence[Figure]) -> str:
    """The table in Markdown, wide enough to be read as it is, and what it was measured on."""
    rows = [TITLES, *map(_cells, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, _line(["-" * width for width in widths], widths))
    about = machine()
    judged = [figure.met for figure in figures if figure.met is not None]
    measured = (
        f"{sum(judged)} of {len(judged)} goals met. Measured on {about['date']} with {about['cores']} cores, "
        f"{about['system']}, Python {about['python']}, mcp {about['mcp']}."
    )
    return "\n".join([*lines, "", measured]) + "\n"


def renew(page: Path, text: str) -> None:
    """Put the table into a page, between its two marks. ValueError for a page without them."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{page} has no place for the table: {BEGIN.strip()} and {END.strip()}")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _cells(figure: Figure) -> tuple[str, ...]:
    floors = ", ".join(f"{name} {number(value)}" for name, value in figure.floors.items())
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    met = {True: "yes", False: "**no**", None: ""}[figure.met]
    return (figure.name, f"{number(figure.value)} {figure.unit}", floors, ratio, figure.goal, met)


def number(value: float) -> str:
    """Three digits, or more before the point."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
