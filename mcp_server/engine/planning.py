"""From a phase's gate to what its checks need: what is filled in, what must be as it was, what may be run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from mcp_server.checks.arguments import literal
from mcp_server.definitions.bundle import Bundle
from mcp_server.domain.checking import CheckPlan
from mcp_server.domain.checks import filled
from mcp_server.domain.definition import Phase, Workflow
from mcp_server.domain.frozen import Stored
from mcp_server.domain.session import Session
from mcp_server.engine.ground import Ground
from mcp_server.errors import ConfigurationError
from mcp_server.storage.layout import sha256
from mcp_server.storage.values import canonical

if TYPE_CHECKING:
    from pydantic import JsonValue

_DIGESTS: Final[TypeAdapter[dict[str, str]]] = TypeAdapter(dict[str, str])


@dataclass(frozen=True, slots=True)
class Baseline:
    """The digests of the files that a phase must leave alone: where they are stored, and the blob to be stored."""

    stored: Stored | None = None
    blobs: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


def plan_of(ground: Ground, session: Session, workflow: Workflow, phase: Phase) -> CheckPlan:
    """What it takes to carry out the checks of a phase's gate for a session."""
    gate, options = phase.gate, ground.options(session)
    baseline = session.baselines.get(phase.number)
    return CheckPlan(
        checks=gate.checks,
        protected_paths=gate.protected_paths,
        baseline=None if baseline is None else _DIGESTS.validate_json(ground.store.blob(baseline.sha256)),
        values=_values(ground, session.session_id, session.target_file, workflow, options, phase.number),
        fragments=_fragments(workflow, options),
        untrusted=_untrusted(ground, session),
        definition=lambda: _bundle(ground, session).files,
        whole=gate.approval is not None,
    )


def baseline_of(
    ground: Ground,
    session_id: str,
    target_file: str,
    workflow: Workflow,
    options: Callable[[], Mapping[str, JsonValue]],
    phase: Phase,
) -> Baseline:
    """The digests of the files that a phase must leave alone, as they are now, when it is entered.

    Without them its gate blocks; so it does where they cannot be told. ``options`` are asked for only where there are
    such files.
    """
    gate = phase.gate
    kept = [check.file for check in gate.checks if check.conditions.unchanged_since_phase_start]
    if not (gate.protected_paths or kept):
        return Baseline()
    values = _values(ground, session_id, target_file, workflow, options(), phase.number)
    try:
        globs = [*gate.protected_paths, *(literal(filled(file, values)) for file in kept)]
        digests = ground.checker.baseline(globs)
    except (OSError, KeyError, ConfigurationError):
        return Baseline()
    content = canonical(digests)
    digest = sha256(content)
    return Baseline(Stored(sha256=digest, bytes=len(content)), {digest: content})


def _values(
    ground: Ground,
    session_id: str,
    target_file: str,
    workflow: Workflow,
    options: Mapping[str, JsonValue],
    phase: int,
) -> dict[str, str]:
    """What placeholders stand for. A path that leads out of the project by now has no value."""
    paths = {"target_file": target_file}
    for option in workflow.options:
        given = options.get(option.name, option.default)
        if option.path and isinstance(given, str):
            paths[f"options.{option.name}"] = given
    inside = ground.workspace.world.inside
    # With "./" before it, so that no name becomes an option of the program.
    values = {name: f"./{PurePosixPath(path)}" for name, path in paths.items() if inside(path)}
    return {**values, "session_id": session_id, "phase": str(phase)}


def _fragments(workflow: Workflow, options: Mapping[str, JsonValue]) -> dict[str, tuple[str, ...]]:
    chosen = ((option, options.get(option.name, option.default)) for option in workflow.options)
    return {
        f"options.{option.name}": option.choices[choice]
        for option, choice in chosen
        if isinstance(choice, str) and choice in option.choices
    }


def _untrusted(ground: Ground, session: Session) -> str | None:
    trust = ground.workspace.trust
    if trust is not None and trust.is_trusted(_bundle(ground, session).definition_digest):
        return None
    return (
        "nobody has allowed this definition to run commands in this project: ask the person to run `pos-workflow trust "
        f"--session {session.session_id}`, which shows them first"
    )


def _bundle(ground: Ground, session: Session) -> Bundle:
    digest = session.definition.digest
    return _decoded(digest, ground.store.blob(digest))


@lru_cache(maxsize=16)
def _decoded(_digest: str, data: bytes) -> Bundle:
    return Bundle.decode(data)
