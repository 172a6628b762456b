"""What only a person may do to a session. The command line calls this, after it has made sure who asks.

An answer that a person gave through the assistant's client comes the same way, and is recorded as just that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from mcp_server.definitions.library import Found, Library
from mcp_server.definitions.plans.files import with_plan
from mcp_server.domain import attempts, machine
from mcp_server.domain.attempts import Submission
from mcp_server.domain.authority import Authority
from mcp_server.domain.budgeting import budget_of
from mcp_server.domain.checks import Budget
from mcp_server.domain.definition import Gate, Phase
from mcp_server.domain.events import BudgetRaised, Event, PhaseReopened, Repinned
from mcp_server.domain.results import Decision
from mcp_server.domain.session import Basis, DefinitionRef, Session, Status
from mcp_server.engine.approvals import LOOK_AGAIN, Approvals, submitted_in
from mcp_server.engine.gatekeeper import Gatekeeper
from mcp_server.engine.ground import Ground, Outcome, listed, require_phase
from mcp_server.engine.waiting import Waiting, waiting
from mcp_server.errors import ConfigurationError
from mcp_server.storage.values import settled


class Persons:
    """The decisions of a person, on one ground."""

    def __init__(self, library: Library, ground: Ground, gatekeeper: Gatekeeper) -> None:
        self._library = library
        self._ground = ground
        self._gatekeeper = gatekeeper
        self.approvals = Approvals(ground, gatekeeper)
        """What a gate asks of a person."""

    def pending(self) -> list[Waiting]:
        """All that waits for a person, the one that has waited longest first."""
        return waiting(self._ground)

    def override(self, session_id: str, phase: int, authority: Authority, reason: str) -> Outcome:
        """Let the current phase, which is ``phase``, go although its gate did not, from ``active`` or ``failed``.

        Raises StateError elsewhere, and when the gate says that it is not to be overridden.
        """
        before = self._ground.store.read(session_id)
        entered = self._gatekeeper.entered(before, phase)
        submitted = submitted_in(before)
        # The gate believed none of it, so nothing of it is told as if it had.
        bases: dict[str, Basis] = dict.fromkeys(self._ground.items(submitted), "overridden")
        evidence, blobs = settled(submitted, bases, {}, self._ground.store.blob)

        def decide(session: Session) -> Event:
            workflow = self._ground.workflow(session)
            gate = self.require_overridable(session, phase)
            if submitted_in(session) != submitted:
                raise machine.refusal(session, "Other evidence was submitted in the meantime.", LOOK_AGAIN)
            decision = self._decision(authority, reason)
            submission = Submission(
                session.record.attempt,
                evidence,
                decision.at,
                checked=session.under_way.checked if session.under_way else None,
                decision=decision,
            )
            entry = self._ground.entry(session, workflow, phase)
            return attempts.overridden(gate, entry, submission, baseline=entered.stored)

        return self._changed(session_id, decide, {**blobs, **entered.blobs})

    def require_overridable(self, session: Session, phase: int) -> Phase:
        """The phase whose gate may be overridden now; StateError says why it may not."""
        found = require_phase(self._ground.workflow(session), phase)
        if session.session_status not in (Status.ACTIVE, Status.FAILED):
            hint = "Resume it first." if session.session_status is Status.PAUSED else "Nothing has to be done."
            raise machine.refusal(session, f"A session that is {session.session_status} has no gate to override.", hint)
        if session.current_phase != phase:
            raise machine.refusal(session, f"The session is in phase {session.current_phase} by now.", LOOK_AGAIN)
        if not found.gate.allow_override:
            raise machine.refusal(session, f"The gate of phase {phase} says that it is not to be overridden.", _MEND)
        return found

    def reopen(self, session_id: str, authority: Authority, reason: str) -> Outcome:
        """Open a failed phase again, its attempts counted anew."""

        def decide(session: Session) -> Event:
            return PhaseReopened(at=self._ground.now(), phase=session.current_phase, reason=reason, authority=authority)

        return self._changed(session_id, decide)

    def set_budget(
        self, session_id: str, authority: Authority, changes: Mapping[str, float | str], reason: str
    ) -> Outcome:
        """Give a session another budget: the one it has, with ``changes`` to fields of ``Budget`` by name."""

        def decide(session: Session) -> Event:
            present = budget_of(session, self._ground.workflow(session)) or Budget()
            budget = Budget.model_validate({**present.model_dump(), **changes})
            return BudgetRaised(at=self._ground.now(), budget=budget, decision=self._decision(authority, reason))

        return self._changed(session_id, decide)

    def on_disk(self, session_id: str) -> Found:
        """The definition, with the plan, that a session would be pinned to.

        Raises ConfigurationError when they do not load or do not have the phases that the session has been in, and
        StateError when the session is completed or has that definition already.
        """
        session = self._ground.store.read(session_id)
        found = with_plan(
            self._library.find(session.workflow_type),
            self._ground.options(session),
            self._ground.workspace.world.read,
        )
        been = tuple(sorted(record.phase for record in session.phase_history))
        if tuple(number for number in found.workflow.numbers if been[0] <= number <= been[-1]) != been:
            raise ConfigurationError(
                f"The definition on disk has the phases {listed(found.workflow.numbers)}, and this session has been in "
                f"{listed(been)}.",
                remediation="Keep the phases that it has been in as they were numbered, or start a new session.",
            )
        if session.session_status is Status.COMPLETED:
            raise machine.refusal(session, "The session is completed.", "Nothing has to be done.")
        if found.digest == session.definition.digest:
            raise machine.refusal(session, "The session has the definition that is on disk.", "Nothing has to be done.")
        return found

    def repin(self, session_id: str, digest: str, authority: Authority, reason: str) -> Outcome:
        """Have a session go on with the definition, and the plan, that are on disk now (``on_disk``).

        ``digest`` is the one of what the person was shown. Raises StateError when by now it is another one, or the
        session is in another phase than when this began.
        """
        before = self._ground.store.read(session_id)
        found = self.on_disk(session_id)
        if found.digest != digest:
            raise machine.refusal(before, "The definition on disk has changed in the meantime.", LOOK_AGAIN)
        phase = require_phase(found.workflow, before.current_phase)
        entered = self._gatekeeper.baseline(before, found.workflow, phase)

        def decide(session: Session) -> Event:
            if session.current_phase != phase.number:
                raise machine.refusal(session, f"The session is in phase {session.current_phase} by now.", LOOK_AGAIN)
            pinned = require_phase(self._ground.workflow(session), phase.number)
            same = _left_alone(pinned.gate) == _left_alone(phase.gate)
            return Repinned(
                at=self._ground.now(),
                definition=DefinitionRef(
                    digest=found.digest,
                    version=found.workflow.version,
                    name=found.workflow.name,
                    source=found.source,
                ),
                phases=found.workflow.numbers,
                # What is protected otherwise than before was not looked at when the phase was entered.
                baseline=(session.baselines.get(phase.number) if same else None) or entered.stored,
                decision=self._decision(authority, reason),
            )

        return self._changed(session_id, decide, {**entered.blobs, found.digest: found.bundle.encode()})

    def _decision(self, authority: Authority, note: str | None) -> Decision:
        return Decision(at=self._ground.now(), authority=authority, note=note)

    def _changed(
        self, session_id: str, decide: Callable[[Session], Event], blobs: Mapping[str, bytes] | None = None
    ) -> Outcome:
        outcome = self._ground.commit(session_id, decide, blobs=blobs)
        self._gatekeeper.ended(outcome.committed.present)
        return outcome


def _left_alone(gate: Gate) -> tuple[str, ...]:
    """The files that a phase must leave alone, as its gate names them."""
    kept = (check.file for check in gate.checks if check.conditions.unchanged_since_phase_start)
    return (*gate.protected_paths, *kept)


_MEND: Final = "Mend what the gate asks for, or repin the session to a definition that asks for something else."
