"""Setting and removing one member in JSON with comments; every other byte of the text stays."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from mcp_server.cli.hosts.jsonc import Member, Node, parse
from mcp_server.cli.hosts.problems import LeftAlone

_REST_OF_LINE: Final = re.compile(r"(?:[ \t]|/\*[^\r\n]*?\*/)*(?://[^\r\n]*)?(?=\r?\n)")
_OWN_LINE: Final = re.compile(r"\r?\n[ \t]*\Z")


def set_member(text: str, path: Sequence[str], value: Any) -> str:
    """The text with ``value`` at ``path``; objects on the way are made where there are none.

    Raises LeftAlone when the text is broken, or something on the way is no object or is named twice.
    """
    root = parse(text)
    if root is None:
        whole = value
        for name in reversed(path):
            whole = {name: whole}
        newline = _newline(text)
        before = text if not text or text.endswith("\n") else text + newline
        return before + _rendered(whole, "  ", "", newline) + newline
    node = _object(root, "the file")
    for depth, name in enumerate(path):
        member = _member(node, name)
        if member is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _inserted(text, root, node, name, value)
        if depth == len(path) - 1:
            return _replaced(text, root, member, value)
        node = _object(member.node, f"'{name}'")
    raise AssertionError("a path has at least one name")


def remove_member(text: str, path: Sequence[str]) -> str:
    """The text without the member at ``path``, its comma and its line; as it was when there is none."""
    root = parse(text)
    node = root
    for name in path[:-1]:
        member = _member(node, name) if node else None
        node = member.node if member else None
    member = _member(node, path[-1]) if node else None
    if node is None or member is None:
        return text
    own = _OWN_LINE.search(text, 0, member.start)
    start = own.start() if own else member.start
    while not own and text[start - 1] in " \t":
        start -= 1
    if len(node.members) == 1:
        end = member.node.end if member.comma is None else member.comma + 1
        before, after = text[node.start + 1 : start], text[end : node.end - 1]
        inside = "" if not (before + after).strip() else before + after
        return text[: node.start + 1] + inside + text[node.end - 1 :]
    if member.comma is not None:
        # The comma may stand behind a comment, which stays.
        return text[:start] + text[member.node.end : member.comma] + text[member.comma + 1 :]
    previous = node.members[-2].comma
    if previous is None:
        raise AssertionError("a member before the last has a comma")
    return text[:previous] + text[previous + 1 : start] + text[member.node.end :]


def _object(node: Node, what: str) -> Node:
    if not isinstance(node.value, dict):
        raise LeftAlone(f"{what} is not an object")
    return node


def _member(node: Node, name: str) -> Member | None:
    found = [member for member in node.members if member.key == name]
    if len(found) > 1:
        raise LeftAlone(f"'{name}' is in it twice")
    return found[0] if found else None


def _inserted(text: str, root: Node, node: Node, name: str, value: Any) -> str:
    newline = _newline(text)
    unit = _unit(text, root)
    if not node.members:
        return _into_empty(text, node, name, value, unit)
    last = node.members[-1]
    indent = _indent(text, last.start)
    if indent is None:
        added = f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        at = last.node.end
    else:
        added = f"{newline}{indent}{json.dumps(name)}: {_rendered(value, unit, indent, newline)}"
        at = _end_of_line(text, last.node.end if last.comma is None else last.comma + 1)
    if last.comma is not None:
        at = max(at, last.comma + 1)
        return text[:at] + added + "," + text[at:]
    return text[: last.node.end] + "," + text[last.node.end : at] + added + text[at:]


def _into_empty(text: str, node: Node, name: str, value: Any, unit: str) -> str:
    newline = _newline(text)
    outer = _line_indent(text, node.start)
    indent = outer + unit
    added = f"{newline}{indent}{json.dumps(name)}: {_rendered(value, unit, indent, newline)}"
    at = node.start + 1
    if "\n" in text[at : node.end]:
        at = _end_of_line(text, at)
        return text[:at] + added + text[at:]
    return text[:at] + added + text[at : node.end - 1].rstrip() + newline + outer + text[node.end - 1 :]


def _replaced(text: str, root: Node, member: Member, value: Any) -> str:
    indent = _indent(text, member.start)
    if indent is None or "\n" not in text[member.node.start : member.node.end]:
        new = json.dumps(value, ensure_ascii=False)
    else:
        new = _rendered(value, _unit(text, root), indent, _newline(text))
    return text[: member.node.start] + new + text[member.node.end :]


def _rendered(value: Any, unit: str, indent: str, newline: str) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", newline + indent)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent(text: str, position: int) -> str | None:
    """The white space before what stands first on its line; None when it does not stand first."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line if not line.strip() and "\n" in text[:position] else None


def _line_indent(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip())]


def _unit(text: str, root: Node) -> str:
    """One step of indentation, as the root's first member shows it."""
    return (_indent(text, root.members[0].start) if root.members else None) or "  "


def _end_of_line(text: str, position: int) -> int:
    """Behind the comments that follow on the same line, if nothing else does."""
    rest = _REST_OF_LINE.match(text, position)
    return rest.end() if rest else position
