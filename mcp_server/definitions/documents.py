"""JSON and YAML files as plain data that knows its lines.

Both give the values of JSON only. What the formats allow and a definition has no use for is refused: duplicate keys,
YAML aliases (a small file could expand without end) and tags, numbers that are not finite, more than 60 levels.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str | int, ...]

MAX_DEPTH = 60

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_YAML: Any = yaml  # its stubs leave unsaid what these functions take and give
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_YAML_KINDS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "null", "str", "timestamp"))


class DocumentError(ValueError):
    """A file that cannot be read as data; ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a file, and the line on which each part of it begins."""

    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int | None:
        """The line of what is at ``path``, or of the nearest part around it."""
        return next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), None)


def read_json(text: str) -> Document:
    """The document that JSON states. Raises DocumentError."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"is not valid JSON: {error.msg} (column {error.colno})", error.lineno) from None
    except RecursionError:
        raise _too_deep(1) from None
    except ValueError as error:
        raise DocumentError(f"is not valid JSON: {error}", 1) from None
    newlines = [match.start() for match in re.finditer("\n", text)]
    builder = _Builder()
    for match in _JSON_TOKEN.finditer(text):
        line = bisect_right(newlines, match.start()) + 1
        match match.group():
            case "{":
                builder.open({}, line)
            case "[":
                builder.open([], line)
            case "}" | "]":
                builder.close()
            case "," | ":":
                pass
            case token:
                builder.scalar(json.loads(token), line)
    return builder.document()


def read_yaml(text: str) -> Document:
    """The document that YAML states. Raises DocumentError."""
    builder, reader = _Builder(), _YamlScalars()
    try:
        for event in _YAML.parse(text, Loader=_YAML_LOADER):
            line = event.start_mark.line + 1
            match event:
                case yaml.CollectionStartEvent(tag=str(tag)):
                    raise DocumentError(f"uses the tag {tag}, which is not read", line)
                case yaml.MappingStartEvent():
                    builder.open({}, line)
                case yaml.SequenceStartEvent():
                    builder.open([], line)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    builder.close()
                case yaml.ScalarEvent():
                    builder.scalar(reader.value(event, line), line, event.value)
                case yaml.AliasEvent():
                    raise DocumentError("uses an alias (*name), which is not read: write the value out", line)
                case _:
                    pass
    except yaml.MarkedYAMLError as error:
        raise _broken(error, text) from None
    except yaml.YAMLError as error:
        raise DocumentError(f"is not valid YAML: {error}", 1) from None
    return builder.document()


def _broken(error: yaml.MarkedYAMLError, text: str) -> DocumentError:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    if "nesting depth" in str(error.problem):
        # The parser looks far ahead, and has a bound of its own that it comes to before the first bracket is told.
        return _too_deep(line)
    return DocumentError(f"is not valid YAML: {error.problem or error.context}", min(line, text.count("\n") + 1))


def _too_deep(line: int) -> DocumentError:
    return DocumentError(f"is nested more than {MAX_DEPTH} levels deep", line)


class _YamlScalars:
    """Resolves the scalars of one document; the library's constructor remembers every node it has seen."""

    def __init__(self) -> None:
        self._constructor: Any = _YAML.constructor.SafeConstructor()
        self._resolver: Any = _YAML.resolver.Resolver()

    def value(self, event: Any, line: int) -> Any:
        """The value of a scalar; a date stays the text that it is."""
        tag = event.tag or self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag not in _YAML_KINDS:
            raise DocumentError(f"uses the tag {tag}, which is not read", line)
        if tag == "tag:yaml.org,2002:timestamp":
            return event.value
        try:
            return self._constructor.construct_object(yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError, IndexError, yaml.YAMLError):
            raise DocumentError(f"holds a value that cannot be read: {event.value[:40]}", line) from None


class _Builder:
    """Puts a document together from its parts in their order."""

    def __init__(self) -> None:
        self._root: list[Any] = []
        self._lines: dict[Path, int] = {}
        self._open: list[tuple[list[Any] | dict[str, Any], Path]] = []
        self._key: tuple[str, int] | None = None

    def open(self, container: list[Any] | dict[str, Any], line: int) -> None:
        """A list or a mapping begins."""
        path = self._add(container, line)
        self._open.append((container, path))
        if len(self._open) > MAX_DEPTH:
            raise _too_deep(line)

    def close(self) -> None:
        """It ends."""
        self._open.pop()

    def scalar(self, value: Any, line: int, written: str | None = None) -> None:
        """A key or a value; ``written`` is how the file spells it, which is what a key is."""
        if isinstance(value, float) and not math.isfinite(value):
            raise DocumentError("holds a number that is not finite", line)
        if self._open and isinstance(self._open[-1][0], dict) and self._key is None:
            key = str(value) if written is None else written
            if key in self._open[-1][0]:
                raise DocumentError(f"has the key '{key}' twice", line)
            self._key = (key, line)
        else:
            self._add(value, line)

    def _add(self, value: Any, line: int) -> Path:
        if not self._open:
            if self._root:
                raise DocumentError("holds more than one document", line)
            self._root.append(value)
            self._lines[()] = line
            return ()
        container, path = self._open[-1]
        if isinstance(container, list):
            path = (*path, len(container))
            container.append(value)
        else:
            if self._key is None:
                raise DocumentError("has a key that is not plain text", line)
            key, line = self._key
            self._key = None
            path = (*path, key)
            container[key] = value
        self._lines[path] = line
        return path

    def document(self) -> Document:
        """What was put together. Raises DocumentError when that is nothing."""
        if not self._root:
            raise DocumentError("is empty", 1)
        return Document(self._root[0], self._lines)
