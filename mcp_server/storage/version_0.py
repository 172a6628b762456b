"""Version 0: the session file of praxis-os, and the step that makes a session of it.

Such a file does not say which definition it follows, only its name, and its times have no zone. What had to be found
out for it stands under ``resolved``; the rest are its own keys, brought into one form each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic import AwareDatetime, JsonValue

from mcp_server.domain.session import DefinitionRef, Frozen
from mcp_server.storage.document import Document, UnfitError
from mcp_server.storage.values import pack

_EXTRAS: Final = ("outputs", "commands_executed")
"""What praxis-os kept beside the evidence of a phase; it joins the evidence under these names."""


class Artifact(Frozen):
    """What one phase left behind."""

    evidence: dict[str, JsonValue]
    outputs: JsonValue = None
    commands_executed: JsonValue = None
    timestamp: AwareDatetime | None = None


class Resolved(Frozen):
    """What the file does not say: the id it gets here, its definition, that one's phases, and when it comes over."""

    at: AwareDatetime
    session_id: str
    workflow_type: str
    definition: DefinitionRef
    phases: tuple[int, ...]


class Version0(Frozen):
    """A session file of praxis-os. ``current_phase`` is one past the last phase when the session is complete."""

    schema_version: Literal[0] = 0
    session_id: str
    target_file: str
    current_phase: int
    completed_phases: tuple[int, ...]
    phase_artifacts: dict[int, Artifact]
    checkpoints: dict[int, str]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    options: dict[str, JsonValue]
    total_phases: int | None = None
    resolved: Resolved


def from_version_0(document: Document) -> Document:
    """Version 1 of a praxis-os session. Raises UnfitError for one whose state makes no sense."""
    old = Version0.model_validate(dict(document.fields))
    walk = _Walk(old)
    blobs = dict(document.blobs)
    artifacts = {str(phase): _packed(walk.evidence(phase), blobs) for phase in walk.completed}
    draft = walk.evidence(walk.current) if walk.current is not None else {}
    last = walk.current if walk.current is not None else old.resolved.phases[-1]
    changed = max(old.updated_at, old.created_at)
    complete = walk.current is None
    # The keys of version 1 as they are, and not this program's own model, which may have gone on since.
    fields: dict[str, Any] = {
        "session_id": old.resolved.session_id,
        "version": 1,
        "session_status": "completed" if complete else "active",
        "gate": None if complete else "open",
        "workflow_type": old.resolved.workflow_type,
        "target_file": old.target_file,
        "definition": old.resolved.definition.model_dump(),
        "phases": list(old.resolved.phases),
        "current_phase": last,
        "completed_phases": list(walk.completed),
        "artifacts": artifacts,
        "draft": {"evidence": _packed(draft, blobs)} if draft else None,
        "phase_history": walk.history(),
        "options": _packed(old.options, blobs),
        "created_at": old.created_at.isoformat(),
        "last_updated": changed.isoformat(),
        "completed_at": changed.isoformat() if complete else None,
        # What it took elsewhere is not known; here its time begins now.
        "active_since": None if complete else old.resolved.at.isoformat(),
        "imported_from": old.session_id,
    }
    return replace(document, fields=fields, blobs=blobs, lost=(*document.lost, *walk.lost()))


class _Walk:
    """How far a session had come, told in the phases of its definition."""

    def __init__(self, old: Version0) -> None:
        self._old = old
        self._phases = old.resolved.phases
        self.completed = tuple(sorted(set(old.completed_phases)))
        self.current = self._current()
        self.skipped = self._skipped()
        self._require_sense()

    def evidence(self, phase: int) -> dict[str, JsonValue]:
        """All that a phase left behind, under names of its own."""
        artifact = self._old.phase_artifacts.get(phase)
        if artifact is None:
            return {}
        extras = {name: getattr(artifact, name) for name in _EXTRAS if getattr(artifact, name)}
        return {**extras, **artifact.evidence}

    def history(self) -> list[dict[str, Any]]:
        """One record for each phase that was entered; each begins where the one before it ended."""
        records: list[dict[str, Any]] = []
        at = self._old.created_at
        for phase in self._phases:
            record = {"phase": phase, "started_at": at.isoformat()}
            if phase in self.completed:
                artifact = self._old.phase_artifacts.get(phase)
                at = max(at, (artifact.timestamp if artifact else None) or at)
                passed = {"attempt": 1, "basis": "attested", "completed_at": at.isoformat()}
                records.append({**record, "status": "completed", **passed})
            elif phase in self.skipped:
                records.append({**record, "status": "skipped"})
            elif phase == self.current:
                records.append({**record, "status": "in_progress"})
        return records

    def lost(self) -> tuple[str, ...]:
        """What the session has no place for."""
        old, lost = self._old, list[str]()
        if old.total_phases is not None and old.total_phases != len(self._phases):
            lost.append(
                f"total_phases: it was begun with {old.total_phases}, its definition has {len(self._phases)} now"
            )
        for phase in sorted(old.phase_artifacts):
            if phase not in self.completed and phase != self.current:
                lost.append(f"phase_artifacts.{phase}: that phase is not completed")
                continue
            artifact = old.phase_artifacts[phase]
            lost += [
                f"phase_artifacts.{phase}.{name}: its evidence has a value of that name"
                for name in _EXTRAS
                if getattr(artifact, name) and name in artifact.evidence
            ]
        lost += [
            f"phase_artifacts.{phase}: there is no evidence" for phase in self.completed if not self.evidence(phase)
        ]
        for phase, status in sorted(old.checkpoints.items()):
            if status != self._implied(phase):
                lost.append(f"checkpoints.{phase}: {status}, though the phase is {self._standing(phase)}")
        return tuple(lost)

    def _current(self) -> int | None:
        """The phase that is open, or None when none is left."""
        phase, old = self._old.current_phase, self._old
        if phase in self._phases and phase not in self.completed:
            return phase
        if all(one in self.completed or old.checkpoints.get(one) == "skipped" for one in self._phases):
            return None
        if phase in self._phases:
            raise UnfitError(f"it is in phase {phase}, which it has completed")
        raise UnfitError(f"it is in phase {phase}; its workflow has {_listed(self._phases)}")

    def _skipped(self) -> tuple[int, ...]:
        passed = (phase for phase in self._phases if self.current is None or phase < self.current)
        return tuple(p for p in passed if p not in self.completed and self._old.checkpoints.get(p) == "skipped")

    def _require_sense(self) -> None:
        unknown = sorted(set(self.completed) - set(self._phases))
        if unknown:
            raise UnfitError(f"it completed {_listed(unknown)}; its workflow has {_listed(self._phases)}")
        for phase in self._phases:
            done = phase in self.completed or phase in self.skipped
            if self.current is not None and phase < self.current and not done:
                raise UnfitError(f"it is in phase {self.current}, and phase {phase} is not completed")
            if self.current is not None and phase > self.current and done:
                raise UnfitError(f"it is in phase {self.current}, and phase {phase} is completed")
        total = self._old.total_phases
        if total is not None and (len(self.completed) + len(self.skipped) >= total) != (self.current is None):
            raise UnfitError(f"it was begun with {total} phases, and its definition has {len(self._phases)} now")

    def _implied(self, phase: int) -> str:
        return {"completed": "passed", "skipped": "skipped"}.get(self._standing(phase), "pending")

    def _standing(self, phase: int) -> str:
        if phase in self.completed:
            return "completed"
        return "skipped" if phase in self.skipped else "open"


def _packed(values: Mapping[str, Any], blobs: dict[str, bytes]) -> dict[str, Any]:
    evidence, made = pack(values)
    blobs.update(made)
    return evidence.model_dump(mode="json")


def _listed(phases: tuple[int, ...] | list[int]) -> str:
    shown = ", ".join(map(str, phases[:20]))
    return f"phase {shown}" if len(phases) == 1 else f"the phases {shown}{' …' if len(phases) > 20 else ''}"
