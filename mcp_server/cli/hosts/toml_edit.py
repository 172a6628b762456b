"""Setting and removing one table in TOML as text: a table stands at the end, and every other byte stays.

The callers compare what the text means before and after, so that a text which misleads these patterns (a header inside
a string, say) is found out and left alone.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mcp_server.cli.hosts.problems import LeftAlone

_HEADER: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)
_LINE: Final = re.compile(r"[^\n]*\n?")


def parse(text: str) -> dict[str, Any]:
    """What the text means. Raises LeftAlone, with the place, when it is not TOML."""
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise LeftAlone(f"it is not valid TOML: {error}") from None
    except RecursionError:
        raise LeftAlone("it is nested too deep") from None


def add_table(text: str, path: Sequence[str], values: Mapping[str, Any]) -> str:
    """The text with the table at its end, a blank line before it."""
    newline = _newline(text)
    block = newline.join([f"[{'.'.join(path)}]", *(f"{name} = {_rendered(value)}" for name, value in values.items())])
    if not text:
        return block + newline
    if text.endswith("\n"):
        return text + newline + block + newline
    return text + newline * 2 + block


def remove_table(text: str, path: Sequence[str]) -> str:
    """The text without the table, the tables below it, and the blank line before each; as it was when there is none."""
    while (found := _table(text, path, below=True)) is not None:
        start, end = found
        before, after = text[:start], text[end:]
        blank = re.search(r"(?:(?<=\n)|\A)\r?\n\Z", before)
        before = before[: blank.start()] if blank else before
        if not after and not text.endswith("\n"):
            before = re.sub(r"\r?\n\Z", "", before)
        text = before + after
    return text


def set_keys(text: str, path: Sequence[str], values: Mapping[str, Any]) -> str:
    """The text with these keys of a table that is there set, new ones at its end, the comments behind them kept.

    Raises LeftAlone when the table has no header of its own.
    """
    for name, value in values.items():
        found = _table(text, path, below=False)
        if found is None:
            raise LeftAlone(f"'{path[-1]}' is in it in a form that cannot be edited safely")
        start, end = found
        key = re.compile(rf"^[ \t]*{_key(name)}[ \t]*=[ \t]*", re.MULTILINE)
        match = key.search(text, start, end)
        if match is None:
            line, newline = f"{name} = {_rendered(value)}", _newline(text)
            added = line + newline if text[:end].endswith("\n") else newline + line
            text = text[:end] + added + text[end:]
        else:
            text = text[: match.end()] + _rendered(value) + text[_value_end(text, match.end(), end) :]
    return text


def _table(text: str, path: Sequence[str], *, below: bool) -> tuple[int, int] | None:
    """Where the first such table starts, and where its last line with a value ends."""
    names = r"[ \t]*\.[ \t]*".join(map(_key, path))
    more = r"(?:[ \t]*\.[^\]\n]*)?" if below else ""
    header = re.search(rf"^[ \t]*\[[ \t]*{names}[ \t]*{more}\][ \t]*(?:#[^\n]*)?\r?$", text, re.MULTILINE)
    if header is None:
        return None
    following = _HEADER.search(text, _line_end(text, header.start()))
    end = following.start() if following else len(text)
    # What stands right before the next header speaks of that one.
    first = _line_end(text, header.start())
    lines = _LINE.findall(text[first:end])
    while lines and not lines[-1].split("#")[0].strip():
        lines.pop()
    return header.start(), first + sum(map(len, lines))


def _key(name: str) -> str:
    """A pattern for a name as a key: bare, or in quotes of either kind."""
    return rf"(?:{re.escape(name)}|\"{re.escape(name)}\"|'{re.escape(name)}')"


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _value_end(text: str, start: int, end: int) -> int:
    """Where the value ends: before the first comment or end of a line up to which it is a whole one."""
    for stop in re.finditer(r"[ \t]*(?=#|\r?\n|\Z)", text[start:end]):
        try:
            tomllib.loads("value = " + text[start : start + stop.start()])
        except tomllib.TOMLDecodeError:
            continue
        return start + stop.start()
    raise LeftAlone("a value in it cannot be edited safely")


def _rendered(value: Any) -> str:
    # What JSON writes of strings, whole numbers and lists of them is TOML too, DEL aside.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
