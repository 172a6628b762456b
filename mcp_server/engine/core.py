"""Every use case by its name. What goes through a gate is ``gatekeeper``'s, what only a person may do ``persons``'s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mcp_server.definitions.library import Found, Library, Listing
from mcp_server.definitions.plans.files import PlanFileError, read_plan_file
from mcp_server.domain import machine
from mcp_server.domain.consequences import OfAttempt
from mcp_server.domain.definition import Task
from mcp_server.domain.events import (
    AttemptBegun,
    AttemptsExhausted,
    Event,
    GateBlocked,
    GateRefused,
    GateSentBack,
    Paused,
    PhaseCompleted,
    PhaseOverridden,
    PhaseRetried,
    Repinned,
    Resumed,
    RolledBack,
    SealAccepted,
    SessionRestored,
)
from mcp_server.domain.results import Checked, CheckResult
from mcp_server.domain.session import Evidence, Item, Session
from mcp_server.engine.gatekeeper import Gatekeeper, Standing
from mcp_server.engine.ground import Call, Ground, Outcome, View, Workspace, listed, require_phase
from mcp_server.engine.persons import Persons
from mcp_server.engine.starting import Starter
from mcp_server.errors import NotFoundError
from mcp_server.storage.listing import Listing as SessionListing
from mcp_server.storage.log import Record
from mcp_server.storage.summary import Summary
from mcp_server.storage.values import read_report
from mcp_server.storage.verification import Whole
from mcp_server.storage.writer import Committed

if TYPE_CHECKING:
    from pydantic import JsonValue

Refusal = GateRefused | AttemptsExhausted | GateSentBack | GateBlocked
"""How an attempt is told that did not pass."""


class Engine:
    """All use cases on one library of definitions and, where a project is known, its workspace."""

    def __init__(
        self,
        library: Library,
        workspace: Workspace | None,
        *,
        stale_after_days: int = 7,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._library = library
        self._ground = Ground(workspace, clock)
        self._gatekeeper = Gatekeeper(self._ground)
        self._starter = Starter(library, self._ground, stale_after_days=stale_after_days)
        self._clock = clock
        self.persons = Persons(library, self._ground, self._gatekeeper)
        """What only a person may do: nothing of the tool calls it."""
        self.stale_after_days = stale_after_days

    def list_workflows(self) -> Listing:
        """Every definition that can be started, and those that do not load."""
        return self._library.listing()

    def definition(self, name: str) -> Found:
        """The definition of that name or alias. Raises NotFoundError, and ConfigurationError when it is invalid."""
        return self._library.find(name)

    def start(self, name: str, target_file: str, options: Mapping[str, JsonValue], call: Call) -> Outcome:
        """Begin a session of the workflow of that name or alias.

        Raises NotFoundError, ConfigurationError (invalid definition), InvalidArgumentError (target outside, no plan,
        options that are wrong or with which every phase is skipped).
        """
        return self._starter.start(name, target_file, options, call)

    def view(self, session_id: str) -> View:
        """A session as it is now."""
        return self.of(self._ground.store.read(session_id))

    def of(self, session: Session) -> View:
        """A session that was read, with the definition that it pins."""
        return self._ground.view(session)

    def task(self, session_id: str, phase: int, number: int) -> tuple[View, Task]:
        """A task of a phase up to the current one.

        Raises NotFoundError for a phase or task that does not exist, StateError for a phase that is still closed.
        """
        view = self.view(session_id)
        task = require_phase(view.workflow, phase).task(number)
        if task is None:
            numbers = [task.number for task in require_phase(view.workflow, phase).tasks]
            raise NotFoundError(
                f"Phase {phase} has no task {number}.",
                remediation=f"Its tasks are {listed(numbers)}."
                if numbers
                else "It has no tasks: read its instructions.",
                did_you_mean=[str(one) for one in numbers[:5]],
            )
        if phase > view.session.current_phase:
            raise machine.refusal(
                view.session,
                f"Phase {phase} is still closed: the current phase is {view.session.current_phase}.",
                "Complete the current phase first; its gate opens the next one.",
            )
        return view, task

    def complete_phase(
        self, session_id: str, phase: int, evidence: Mapping[str, JsonValue], call: Call
    ) -> Outcome | Standing:
        """Judge the evidence at the current phase's gate and commit what it comes to, a refusal included.

        Where the gate has checks or asks a person, they are begun and the answer is where the attempt stands.
        """
        return self._gatekeeper.submit(session_id, phase, evidence, call)

    def attempt(self, session_id: str, begun: int) -> Outcome | Standing:
        """What the attempt came to that the event of number ``begun`` began, or where it stands."""
        return self._gatekeeper.after(session_id, begun)

    def standing(self, session_id: str) -> Standing:
        """Where the attempt of a session stands that is under way."""
        return self._gatekeeper.standing(session_id)

    def checks(self, checked: Checked) -> list[CheckResult]:
        """The results of an attempt's checks in full."""
        return read_report(checked, self._ground.store.blob)

    def close(self) -> None:
        """End the checks that run; their attempts are ``interrupted``."""
        self._gatekeeper.runs.close()

    def pause(self, session_id: str, note: str | None, call: Call) -> Outcome:
        """Pause an active session, with a note for whoever goes on."""

        def decide(session: Session) -> Event:
            machine.require_action(session, "pause")
            return Paused(at=self._clock(), note=note)

        return self._mutate(session_id, decide, call)

    def resume(self, session_id: str, call: Call) -> Outcome:
        """Go on with a paused session."""

        def decide(session: Session) -> Event:
            machine.require_action(session, "resume")
            at = self._clock()
            seconds = (at - session.paused_at).total_seconds() if session.paused_at else 0.0
            return Resumed(at=at, paused_seconds=max(0.0, round(seconds, 3)))

        return self._mutate(session_id, decide, call)

    def retry_phase(self, session_id: str, phase: int, call: Call, *, reset_evidence: bool) -> Outcome:
        """Begin the current phase again, from ``failed`` with its count of refusals anew."""

        def decide(session: Session) -> Event:
            workflow = self._ground.workflow(session)
            require_phase(workflow, phase)
            machine.require_action(session, "retry_phase")
            machine.require_phase(session, "retry_phase", phase)
            return PhaseRetried(at=self._clock(), phase=phase, reset_evidence=reset_evidence)

        return self._mutate(session_id, decide, call)

    def rollback(self, session_id: str, to_phase: int, call: Call) -> Outcome:
        """Make an earlier phase, or the current one, current again."""

        def decide(session: Session) -> Event:
            workflow = self._ground.workflow(session)
            require_phase(workflow, to_phase)
            machine.require_action(session, "rollback")
            if to_phase > session.current_phase:
                raise machine.refusal(
                    session,
                    f"rollback goes back: the current phase is {session.current_phase}, {to_phase} comes after it.",
                    "Give a to_phase at or before current_phase.",
                )
            cleared = tuple(sorted(number for number in session.artifacts if number > to_phase))
            return RolledBack(at=self._clock(), from_phase=session.current_phase, to_phase=to_phase, cleared=cleared)

        return self._mutate(session_id, decide, call)

    def delete_session(self, session_id: str, reason: str | None, call: Call) -> Committed | None:
        """Move a session to the trash; None when there is none of that id."""
        return self._ground.store.delete(
            session_id,
            at=self._clock(),
            reason=reason,
            request=call.request,
            expected_version=call.expected_version,
        )

    def undelete(self, session_id: str) -> Session:
        """Take a session out of the trash."""
        return self._ground.store.undelete(session_id, at=self._clock())

    def sessions(self) -> SessionListing:
        """Every session, and those whose files cannot be trusted."""
        return self._ground.store.sessions()

    def open_sessions(self) -> list[Summary]:
        """The sessions that somebody may yet go on with, the one that changed last first."""
        unfinished = (one for one in self.sessions().sessions if one.unfinished)
        return sorted(unfinished, key=lambda one: (one.last_updated, one.session_id), reverse=True)

    def events(self, session_id: str, after: int = 0) -> list[Record]:
        """What happened to a session, in order, from the event that follows number ``after``."""
        return self._ground.store.events(session_id, after=after)

    def refusals(self, session_id: str) -> list[Refusal]:
        """The attempts that did not pass, oldest first."""
        return [record.event for record in self.events(session_id) if isinstance(record.event, Refusal)]

    def last_refusals(self, session_id: str, phase: int, *, before: int, most: int) -> list[Refusal]:
        """The last attempts at a phase that did not pass, oldest first, of those before the event of that number."""

        def is_first(record: Record) -> bool:
            event = record.event
            return isinstance(event, OfAttempt) and (event.phase, event.attempt) == (phase, 1)

        records = self._ground.store.recent(
            session_id,
            lambda one: one.seq < before and isinstance(one.event, Refusal) and one.event.phase == phase,
            most=most,
            until=is_first,
        )
        return [record.event for record in reversed(records) if isinstance(record.event, Refusal)]

    def last_refusal(self, session: Session) -> Refusal | None:
        """What the draft of the current phase was refused for; None when it was not."""
        if session.draft is None or session.under_way is not None:
            return None
        found = self._ground.store.recent(
            session.session_id, lambda one: isinstance(one.event, Refusal), most=1, until=_is_another_submission
        )
        return next((one.event for one in found if isinstance(one.event, Refusal)), None)

    def whole(self, session_id: str) -> Whole:
        """All of a session with what proves it; CorruptStateError when anything of it is not as it was written."""
        return self._ground.store.whole(session_id)

    def evidence(self, evidence: Evidence) -> dict[str, Item]:
        """The items of a submission, large values by where they are stored."""
        return self._ground.items(evidence)

    def value(self, item: Item) -> str:
        """The value of an item as JSON text."""
        return self._ground.text(item)

    def moved_on(self, session: Session) -> bool:
        """Whether the definition on disk, or the plan, is no longer the one that the session pins."""
        pinned = session.definition
        try:
            plan = self._plan_on_disk(session)
        except PlanFileError:
            return True
        return self._library.moved_on(session.workflow_type, pinned.source, pinned.digest, plan)

    def shadows(self, session: Session) -> tuple[str, ...]:
        """The places of definitions that are hidden by the one that the session pins, while it is on disk."""
        return self._library.shadows(session.workflow_type, session.definition.source)

    def notices(self) -> tuple[str, ...]:
        """What a person should know about where sessions are kept, for instance that they go unsealed."""
        return self._ground.store.notices

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._clock()

    def _mutate(self, session_id: str, decide: Callable[[Session], Event], call: Call) -> Outcome:
        outcome = self._ground.commit(session_id, decide, call)
        self._gatekeeper.ended(outcome.committed.present)
        return outcome

    def _plan_on_disk(self, session: Session) -> tuple[str, bytes] | None:
        """The plan as it is now, for a session that works one off."""
        source = self._ground.workflow(session).plan
        if source is None:
            return None
        option = self.evidence(session.options).get(source.option)
        plan = read_plan_file(source, option.value if option else None, self._ground.workspace.world.read)
        return plan.name, plan.data


def _is_another_submission(record: Record) -> bool:
    """Whether what was refused before this was another submission, phase, gate or session."""
    match record.event:
        case RolledBack(from_phase=left, to_phase=entered):
            return left != entered
        case AttemptBegun() | PhaseCompleted() | PhaseOverridden() | Repinned() | SealAccepted() | SessionRestored():
            return True
        case _:
            return False
