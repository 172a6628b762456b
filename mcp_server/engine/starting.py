"""How a session begins: from a definition, a target and options to the first event."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from mcp_server.definitions.library import Found, Library
from mcp_server.definitions.plans.files import with_plan
from mcp_server.domain.checks import OptionDeclaration
from mcp_server.domain.definition import Workflow
from mcp_server.domain.events import SessionStarted
from mcp_server.domain.session import DefinitionRef
from mcp_server.domain.skipping import Entry, enter
from mcp_server.domain.suggestions import did_you_mean
from mcp_server.engine.ground import Call, Ground, Outcome, World, require_phase
from mcp_server.engine.planning import baseline_of
from mcp_server.errors import ConfigurationError, ConflictError, InvalidArgumentError, NotFoundError
from mcp_server.storage.summary import Summary
from mcp_server.storage.values import pack

if TYPE_CHECKING:
    from pydantic import JsonValue

OPEN_SESSIONS_SHOWN: Final = 20
UNUSED_SHOWN: Final = 5
NAME_SHOWN: Final = 60
"""How many options that nothing reads a start warns of, and how many characters of each name."""


class Starter:
    """Begins sessions on one ground."""

    def __init__(self, library: Library, ground: Ground, *, stale_after_days: int) -> None:
        self._library = library
        self._ground = ground
        self._stale_after = timedelta(days=stale_after_days)

    def start(self, name: str, target_file: str, options: Mapping[str, JsonValue], call: Call) -> Outcome:
        """Begin a session; what was begun under this request is answered again."""
        world = self._ground.workspace.world
        if not world.inside(target_file):
            problem = "leads outside the project (directory traversal)"
            raise InvalidArgumentError(
                [{"field": "target_file", "problem": problem}],
                remediation="Give a path relative to the project's root that stays inside it.",
            )
        try:
            found = with_plan(self._library.find(name), options, world.read)
            _require_declared(found.workflow, options, world)
            first, entry = _first(found.workflow, options)
        except (NotFoundError, ConfigurationError, InvalidArgumentError):
            # What was begun is answered again, also when its definition or its plan is gone by now.
            again = self._begun(call)
            if again is None:
                raise
            return again
        return self._begin(found, target_file, options, call, first, entry)

    def _begin(
        self,
        found: Found,
        target_file: str,
        options: Mapping[str, JsonValue],
        call: Call,
        first: int,
        entry: Entry,
    ) -> Outcome:
        workflow, at = found.workflow, self._ground.now()
        packed, blobs = pack(options)
        session_id = new_session_id(workflow.workflow_type, target_file, at)
        phase = require_phase(workflow, first)
        entered = baseline_of(self._ground, session_id, target_file, workflow, lambda: options, phase)
        open_sessions = self._open_on(workflow.workflow_type, target_file)
        event = SessionStarted(
            at=at,
            session_id=session_id,
            workflow_type=workflow.workflow_type,
            target_file=target_file,
            definition=DefinitionRef(
                digest=found.digest, version=workflow.version, name=workflow.name, source=found.source
            ),
            phases=workflow.numbers,
            first_phase=first,
            options=packed,
            baseline=entered.stored,
            skipped=entry.skipped,
            open_sessions=tuple(one.session_id for one in open_sessions),
            warnings=(
                *self._warnings(found),
                *_unused(workflow, options),
                *found.notes,
                *entry.warnings,
                *_stale(open_sessions, at, self._stale_after),
            ),
        )
        content = {**blobs, **entered.blobs, found.digest: found.bundle.encode()}
        committed = self._ground.store.create(event, request=call.request, blobs=content)
        return Outcome(committed, self._ground.workflow(committed.session))

    def _begun(self, call: Call) -> Outcome | None:
        """The session that a start with this request has begun; None when there is none, or it asked for another."""
        if call.request is None:
            return None
        try:
            committed = self._ground.store.begun(call.request)
        except ConflictError:
            return None
        return Outcome(committed, self._ground.workflow(committed.session)) if committed else None

    def _open_on(self, workflow_type: str, target_file: str) -> list[Summary]:
        """The unfinished sessions on the same workflow and target, newest first."""
        same = (
            session
            for session in reversed(self._ground.store.sessions().sessions)
            if session.workflow_type == workflow_type and session.target_file == target_file and session.unfinished
        )
        return list(islice(same, OPEN_SESSIONS_SHOWN))

    def _warnings(self, found: Found) -> Iterator[str]:
        """What a person should know before the first phase: what is hidden, what will block, what nobody trusts."""
        if found.shadows:
            yield f"This {found.source} definition hides one of the same name from: {', '.join(found.shadows)}."
        for phase in found.workflow.phases:
            if phase.gate.unsupported:
                lacking = ", ".join(phase.gate.unsupported)
                yield (
                    f"The gate of phase {phase.number} needs {lacking}, which this version cannot run: "
                    "it will stay blocked."
                )
        runs = [phase.number for phase in found.workflow.phases if any(check.run for check in phase.gate.checks)]
        trust = self._ground.workspace.trust
        if runs and (trust is None or not trust.is_trusted(found.bundle.definition_digest)):
            gates = ", ".join(map(str, runs))
            yield (
                "Nobody has allowed this workflow's checks to run commands in this project yet. Ask the person to run "
                f"`pos-workflow trust {found.workflow.workflow_type}`: until then these phases' gates block: {gates}."
            )


def _stale(sessions: Iterable[Summary], now: datetime, after: timedelta) -> Iterator[str]:
    """What to do about the sessions on the same target that nobody goes on with."""
    for session in sessions:
        if session.is_stale(now - after):
            days = (now - session.last_updated).days
            yield (
                f"Open session {session.session_id} has not changed for {days} days: go on with it (get_state), "
                "or delete it (delete_session)."
            )


def _unused(workflow: Workflow, options: Mapping[str, JsonValue]) -> Iterator[str]:
    """Which options nothing of the definition reads: most often a name that was misspelled."""
    read = [option.name for option in workflow.options] + ([workflow.plan.option] if workflow.plan else [])
    conditions = " ".join(phase.skip_condition for phase in workflow.phases)
    unused = [name for name in options if name not in read and name not in conditions]
    for name in unused[:UNUSED_SHOWN]:
        near = did_you_mean(name[:NAME_SHOWN], read)
        yield f"options.{name[:NAME_SHOWN]}: {workflow.workflow_type} reads no such option{near}"
    if len(unused) > UNUSED_SHOWN:
        yield f"{len(unused) - UNUSED_SHOWN} more options are read by nothing."


def _require_declared(workflow: Workflow, options: Mapping[str, JsonValue], world: World) -> None:
    """Raise InvalidArgumentError unless every option that checks may name is what its declaration says."""
    wrong = [
        {"field": f"options.{option.name}", "problem": problem}
        for option in workflow.options
        if (problem := _problem(option, options.get(option.name), world)) is not None
    ]
    if wrong:
        raise InvalidArgumentError(
            wrong, remediation="Correct these options and call start again; no session was created."
        )


def _problem(option: OptionDeclaration, value: JsonValue, world: World) -> str | None:
    if value is None:
        return f"is missing: {option.wanted}" if option.required and option.default is None else None
    if not isinstance(value, str) or (option.choices and value not in option.choices):
        return f"has to be {option.kind}"
    if option.path:
        path = PurePosixPath(value)
        confined = value.strip() and "\0" not in value and not path.is_absolute() and ".." not in path.parts
        if not confined or not world.inside(value):
            return "has to be a path relative to the project's root that stays inside it (directory traversal)"
    return None


def _first(workflow: Workflow, options: Mapping[str, JsonValue]) -> tuple[int, Entry]:
    """The phase that a session with these options begins with, and how it gets there."""
    start = workflow.start_phase
    entry = enter((phase for phase in workflow.phases if phase.number >= start), lambda: options)
    if entry.phase is None:
        problem = "would skip every phase, and nothing would be left to do"
        raise InvalidArgumentError(
            [{"field": "options", "problem": problem}],
            remediation="Start it with options that leave a phase (list_workflows describes it), or not at all.",
        )
    return entry.phase, entry


def new_session_id(workflow_type: str, target: str, at: datetime) -> str:
    """An id that says what it is of and when, safe as a file name: ``<workflow>_<target>_<date>_<time>_<random>``."""
    parts = (_slug(workflow_type, 60), _slug(target, 60) or "project")
    return f"{'_'.join(parts)}_{at:%Y%m%d_%H%M%S}_{secrets.token_hex(4)}"


def _slug(text: str, length: int) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower())[:length].strip("_")
