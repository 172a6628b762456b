"""The session file of praxis-os as it is found, brought into the one form that the step from version 0 reads.

What is in its way is dropped and told; what a session cannot do without is an UnfitError.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from mcp_server.domain.definition import MAX_FIELD_NAME
from mcp_server.domain.values import is_finite, is_list, is_object
from mcp_server.importing.source import SourceFile
from mcp_server.storage.document import Document, UnfitError
from mcp_server.storage.values import canonical

_LARGEST_PHASE: Final = 100_000
_SHOWN: Final = 80
"""Characters of a name that is none of ours."""

_KEYS: Final = (
    "session_id",
    "workflow_type",
    "target_file",
    "current_phase",
    "completed_phases",
    "phase_artifacts",
    "checkpoints",
    "created_at",
    "updated_at",
    "metadata",
)
_ARTIFACT_KEYS: Final = ("phase_number", "evidence", "outputs", "commands_executed", "timestamp")


def is_ours(fields: Mapping[str, Any]) -> bool:
    """Whether a file is a session of this program, or of a later version of it."""
    return "schema_version" in fields and "phase_history" in fields


def parse(raw: bytes) -> dict[str, Any]:
    """The fields of a file; UnfitError when it is no JSON object."""
    try:
        fields = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnfitError(f"it is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise UnfitError(f"it is not JSON (line {error.lineno}, column {error.colno})") from None
    except (ValueError, RecursionError):
        raise UnfitError("it is not JSON that can be read: a number or its nesting goes beyond reason") from None
    if not is_object(fields):
        raise UnfitError("it is not a JSON object")
    return fields


def normalised(fields: Mapping[str, Any], file: SourceFile, zone: tzinfo | None) -> Document:
    """Version 0, less what has to be found out for it. Times without a zone are of ``zone``; None: this machine's."""
    return _Reader(fields, file, zone).document()


class _Reader:
    """One reading of one file."""

    def __init__(self, fields: Mapping[str, Any], file: SourceFile, zone: tzinfo | None) -> None:
        self._fields = fields
        self._file = file
        self._zone = zone
        self._lost: list[str] = []

    def document(self) -> Document:
        metadata = self._object(self._fields, "metadata")
        options = {name: value for name, value in metadata.items() if name not in ("options", "total_phases")}
        options |= self._object(metadata, "options", "metadata.")
        created, updated = self._times()
        document = {
            "schema_version": 0,
            "session_id": self._text("session_id"),
            "workflow_type": self._text("workflow_type"),
            "target_file": self._target(),
            "current_phase": self._phase("current_phase", self._fields.get("current_phase")),
            "completed_phases": self._completed(),
            "phase_artifacts": self._artifacts(),
            "checkpoints": self._checkpoints(),
            "created_at": created,
            "updated_at": updated,
            "options": dict(self._kept("metadata", options)),
            "total_phases": _integer(metadata.get("total_phases")),
        }
        self._lost += [f"{_shown(name)}: unknown here" for name in self._fields if name not in _KEYS]
        return Document(document, lost=tuple(self._lost))

    def _text(self, name: str) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str) or not value.strip():
            raise UnfitError(f"{name} is {'not text' if name in self._fields else 'missing'}")
        return value.strip()

    def _target(self) -> str:
        value = self._fields.get("target_file")
        if value in (None, ""):
            self._lost.append("target_file: it is empty; the project itself is taken")
            return "."
        return self._text("target_file")

    def _phase(self, name: str, value: object) -> int:
        number = _integer(value)
        if number is None or not 0 <= number <= _LARGEST_PHASE:
            raise UnfitError(f"{name} is not the number of a phase")
        return number

    def _completed(self) -> list[int]:
        value = self._fields.get("completed_phases", [])
        if not is_list(value):
            raise UnfitError("completed_phases is not a list")
        return [self._phase("completed_phases", one) for one in value]

    def _artifacts(self) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for key, value in self._object(self._fields, "phase_artifacts").items():
            phase, where = _integer(key), f"phase_artifacts.{_shown(key)}"
            if phase is None or not is_object(value) or phase in found:
                self._lost.append(f"{where}: it is not what a phase left behind")
                continue
            found[phase] = self._artifact(where, phase, value)
        return found

    def _artifact(self, where: str, phase: int, value: dict[str, Any]) -> dict[str, Any]:
        self._lost += [f"{where}.{_shown(name)}: unknown here" for name in value if name not in _ARTIFACT_KEYS]
        if _integer(value.get("phase_number", phase)) != phase:
            self._lost.append(f"{where}.phase_number: it is another phase's")
        timestamp = self._moment(value.get("timestamp"))
        if timestamp is None and value.get("timestamp") is not None:
            self._lost.append(f"{where}.timestamp: it is no time")
        extras = {name: value[name] for name in ("outputs", "commands_executed") if value.get(name)}
        return {
            "evidence": dict(self._kept(f"{where}.evidence", self._object(value, "evidence", f"{where}."))),
            "timestamp": timestamp,
            **dict(self._kept(where, extras)),
        }

    def _checkpoints(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for key, value in self._object(self._fields, "checkpoints").items():
            phase = _integer(key)
            if phase is None or not isinstance(value, str):
                self._lost.append(f"checkpoints.{_shown(key)}: it is no checkpoint")
            else:
                found[phase] = value[:_SHOWN]
        return found

    def _times(self) -> tuple[datetime, datetime]:
        """When it was begun and when it was changed last; where that cannot be read, the one by the other."""
        created, updated = (self._moment(self._fields.get(name)) for name in ("created_at", "updated_at"))
        if created is None:
            self._lost.append("created_at: it is no time; the nearest one that is known is taken")
        if updated is None:
            self._lost.append("updated_at: it is no time; the nearest one that is known is taken")
        written = self._file.written_at
        return created or updated or written, updated or created or written

    def _moment(self, value: object) -> datetime | None:
        if not isinstance(value, str):
            return None
        try:
            at = datetime.fromisoformat(value.strip())
            if at.tzinfo is None and self._zone is not None:
                at = at.replace(tzinfo=self._zone)
            return at.astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            return None

    def _object(self, fields: Mapping[str, Any], name: str, where: str = "") -> dict[str, Any]:
        value = fields.get(name)
        if value is None:
            return {}
        if not is_object(value):
            self._lost.append(f"{where}{name}: it is not an object")
            return {}
        return value

    def _kept(self, where: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The values that a session can hold."""
        for name, value in values.items():
            if _holdable(name, value):
                yield name, value
            else:
                self._lost.append(f"{where}.{_shown(name)}: it cannot be kept")


def _holdable(name: str, value: Any) -> bool:
    try:
        canonical({name: value})
    except TypeError:
        return False
    return 0 < len(name) <= MAX_FIELD_NAME and is_finite(value)


def _integer(value: object) -> int | None:
    """A whole number, also one that was written as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _shown(name: str) -> str:
    printable = name.encode("utf-8", "backslashreplace").decode()
    return printable if len(printable) <= _SHOWN else printable[: _SHOWN - 1] + "…"
