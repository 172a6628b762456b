"""How things are shown: plain tables for people, JSON for programs, problems on standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE: Final = 10_000
"""Columns when nobody looks: what is piped must not be wrapped."""
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """A console that shows text as it is: no markup in it, nothing highlighted, nothing wrapped in a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    return _Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def clean(value: object) -> str:
    """Text that cannot steer a terminal: definitions and notes come from others, and people decide by what they see."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], str(value))


def text(value: object, style: str = "") -> Text:
    """Foreign text, made harmless."""
    return Text(clean(value), style=style)


def say(value: object = "", style: str = "") -> None:
    """Print a line on standard output."""
    console().print(text(value, style), soft_wrap=True)


def note(value: object, style: str = "") -> None:
    """Print a line on standard error."""
    console(stderr=True).print(text(value, style), soft_wrap=True)


def complain(message: object, remedy: object = "", kind: str = "error") -> None:
    """Say what is wrong in one line, and what to do in the next."""
    out = console(stderr=True)
    out.print(Text.assemble((f"{kind}: ", "bold red"), text(message)), soft_wrap=True)
    if remedy:
        out.print(text(f"  {remedy}"), soft_wrap=True)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, heading: bool = True, spare: Sequence[str] = ()
) -> None:
    """Print rows in columns; what is too long for a terminal goes on in the next line, nothing is cut off.

    With ``spare`` columns no cell is broken: these are left out, the first one first, until the others fit.
    """
    out = console()
    cells = [[cell if isinstance(cell, Text) else text(cell) for cell in row] for row in rows]
    widths = {
        name: max([len(name), *(row[number].cell_len for row in cells)]) + 2 for number, name in enumerate(columns)
    }
    for name in spare:
        if sum(widths.values()) > out.width:
            del widths[name]
    if spare:
        # What is still too wide is left to the terminal, which breaks lines without breaking what is copied.
        out.width = max(out.width, sum(widths.values()))
    shown = Table(box=None, pad_edge=False, show_header=heading, header_style="bold", padding=(0, 2, 0, 0))
    kept = [number for number, name in enumerate(columns) if not spare or name in widths]
    for number in kept:
        shown.add_column(columns[number], overflow="fold", no_wrap=bool(spare))
    for row in cells:
        shown.add_row(*(row[number] for number in kept))
    if out.is_terminal:
        out.print(shown)
        return
    with out.capture() as captured:
        out.print(shown)
    for line in captured.get().splitlines():
        out.file.write(line.rstrip() + "\n")


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """Print names and values; a value that is None is left out."""
    table(("", ""), [(Text(name, "bold"), value) for name, value in rows if value is not None], heading=False)


def print_json(value: Any) -> None:
    """Print a value as JSON: indented for a person, in one line for a program."""
    indent = 2 if sys.stdout.isatty() else None
    separators = None if indent else (",", ":")
    sys.stdout.write(json.dumps(value, indent=indent, separators=separators, ensure_ascii=False, default=str) + "\n")


def moment(value: datetime | str | None) -> str:
    """A time to the second, in UTC."""
    if value is None:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def duration(seconds: float | None) -> str:
    """A length of time as people say it."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if not hours else ""]
    return " ".join(part for part in parts if part)


def size(count: int) -> str:
    """A number of bytes as people say it."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
