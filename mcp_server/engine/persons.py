"""What only a person may do to a session. The command line calls this, after it has made sure who asks.

An answer that a person gave through the assistant's client comes the same way, and is recorded as just that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from mcp_server.definitions.library import Library
from mcp_server.definitions.plans.files import with_plan
from mcp_server.domain import attempts, machine
from mcp_server.domain.attempts import Submission
from mcp_server.domain.authority import Authority
from mcp_server.domain.checks import Budget
from mcp_server.domain.events import BudgetRaised, Event, PhaseReopened, Repinned
from mcp_server.domain.results import Decision
from mcp_server.domain.session import Basis, DefinitionRef, Evidence, GateState, Session, Status
from mcp_server.engine.gatekeeper import Gatekeeper, Standing
from mcp_server.engine.ground import Ground, Outcome, View, require_phase
from mcp_server.engine.planning import plan_of
from mcp_server.errors import ConfigurationError
from mcp_server.storage.values import settled

_NOTHING: Final = Evidence()


class Persons:
    """The decisions of a person, on one ground."""

    def __init__(self, library: Library, ground: Ground, gatekeeper: Gatekeeper) -> None:
        self._library = library
        self._ground = ground
        self._gatekeeper = gatekeeper

    def pending(self) -> list[Session]:
        """The sessions that wait for a person, the one that has waited longest first."""
        waiting = [one for one in self._ground.store.sessions().sessions if one.gate is GateState.AWAITING_APPROVAL]
        return sorted(waiting, key=lambda one: (one.last_updated, one.session_id))

    def is_fresh(self, session_id: str) -> bool:
        """Whether what was judged is still so: the files are the same, and the question has not lapsed."""
        session = self._ground.store.read(session_id)
        view = self._ground.view(session)
        under_way = session.under_way
        if view.session.gate is not GateState.AWAITING_APPROVAL or under_way is None or under_way.checked is None:
            return False
        phase = require_phase(view.workflow, session.current_phase)
        plan = plan_of(self._ground, session, view.workflow, phase)
        return self._ground.checker.contents(plan) == under_way.checked.contents

    def check_again(self, session_id: str) -> Standing:
        """Run the checks of the attempt that waits for a person anew; StateError when none does."""
        return self._gatekeeper.again(session_id)

    def approve(self, session_id: str, authority: Authority, note: str | None = None) -> Outcome:
        """Let the phase go whose attempt waits for a person; the session moves on at once.

        Raises StateError when none waits, or when what was judged is no longer so (``is_fresh``).
        """
        before = self._awaiting(self._ground.store.read(session_id))
        if not self.is_fresh(session_id):
            raise machine.refusal(
                before, "The files have changed since they were checked, or the question has lapsed.", _AGAIN
            )
        seen = before.under_way
        workflow = self._ground.workflow(before)
        entered = self._gatekeeper.entered(before, before.current_phase)
        submitted = before.draft.evidence if before.draft else _NOTHING
        items = self._ground.items(submitted)
        bases: dict[str, Basis] = {name: _approved(one.basis) for name, one in items.items()}
        evidence, blobs = settled(submitted, bases, {}, self._ground.store.blob)

        def decide(session: Session) -> Event:
            if self._awaiting(session).under_way != seen or seen is None:
                raise machine.refusal(session, "Another attempt waits for a person by now.", _AGAIN)
            phase = require_phase(workflow, session.current_phase)
            decision = self._decision(authority, note)
            submission = Submission(seen.attempt, evidence, decision.at, checked=seen.checked, decision=decision)
            entry = self._ground.entry(session, workflow, phase.number)
            basis = attempts.basis_of(phase, bases, decision)
            return attempts.passed(phase, entry, submission, basis, baseline=entered.stored)

        return self._ground.commit(session_id, decide, blobs={**blobs, **entered.blobs})

    def reject(self, session_id: str, authority: Authority, note: str | None = None) -> Outcome:
        """Refuse the attempt that waits for a person, with the note as what is wrong. StateError when none waits."""

        def decide(session: Session) -> Event:
            under_way = self._awaiting(session).under_way
            phase = require_phase(self._ground.workflow(session), session.current_phase)
            decision = self._decision(authority, note)
            submission = Submission(
                under_way.attempt if under_way else session.record.attempt,
                session.draft.evidence if session.draft else _NOTHING,
                decision.at,
                checked=under_way.checked if under_way else None,
                decision=decision,
            )
            return attempts.turned_down(session, phase, attempts.rejection(note), submission)

        return self._ground.commit(session_id, decide)

    def override(self, session_id: str, authority: Authority, reason: str) -> Outcome:
        """Let the current phase go although its gate did not, from ``active`` or ``failed``.

        Raises StateError elsewhere, and when the gate says that it is not to be overridden.
        """
        before = self._ground.store.read(session_id)
        entered = self._gatekeeper.entered(before, before.current_phase)

        def decide(session: Session) -> Event:
            workflow = self._ground.workflow(session)
            phase = require_phase(workflow, session.current_phase)
            if session.session_status not in (Status.ACTIVE, Status.FAILED):
                raise machine.refusal(session, f"A session that is {session.session_status} has no gate to override.")
            if not phase.gate.allow_override:
                raise machine.refusal(
                    session, f"The gate of phase {phase.number} says that it is not to be overridden.", _MEND
                )
            decision = self._decision(authority, reason)
            submission = Submission(
                session.record.attempt,
                session.draft.evidence if session.draft else _NOTHING,
                decision.at,
                checked=session.under_way.checked if session.under_way else None,
                decision=decision,
            )
            entry = self._ground.entry(session, workflow, phase.number)
            return attempts.overridden(phase, entry, submission, baseline=entered.stored)

        return self._changed(session_id, decide, entered.blobs)

    def reopen(self, session_id: str, authority: Authority, reason: str) -> Outcome:
        """Open a failed phase again, its attempts counted anew."""

        def decide(session: Session) -> Event:
            return PhaseReopened(at=self._ground.now(), phase=session.current_phase, reason=reason, authority=authority)

        return self._changed(session_id, decide)

    def raise_budget(self, session_id: str, authority: Authority, budget: Budget, reason: str | None) -> Outcome:
        """Give a session another budget."""
        return self._changed(
            session_id,
            lambda _: BudgetRaised(at=self._ground.now(), budget=budget, decision=self._decision(authority, reason)),
        )

    def repin(self, session_id: str, authority: Authority, reason: str) -> Outcome:
        """Have a session go on with the definition, and the plan, that are on disk now.

        Raises ConfigurationError when they do not load or do not have the phases that the session has been in.
        """
        before = self._ground.store.read(session_id)
        found = with_plan(
            self._library.find(before.workflow_type),
            self._ground.options(before),
            self._ground.workspace.world.read,
        )
        numbers = found.workflow.numbers
        been = tuple(record.phase for record in before.phase_history)
        if numbers[: len(been)] != been:
            raise ConfigurationError(
                f"The definition on disk has the phases {', '.join(map(str, numbers))}, and this session has been in "
                f"{', '.join(map(str, been))}.",
                remediation="Keep the phases that it has been in as they were numbered, or start a new session.",
            )
        phase = require_phase(found.workflow, before.current_phase)
        entered = self._gatekeeper.baseline(before, found.workflow, phase)

        def decide(session: Session) -> Event:
            return Repinned(
                at=self._ground.now(),
                definition=DefinitionRef(
                    digest=found.digest,
                    version=found.workflow.version,
                    name=found.workflow.name,
                    source=found.source,
                ),
                phases=numbers,
                baseline=session.baselines.get(phase.number) or entered.stored,
                decision=self._decision(authority, reason),
            )

        return self._changed(session_id, decide, {**entered.blobs, found.digest: found.bundle.encode()})

    def view(self, session_id: str) -> View:
        """A session as it is now."""
        return self._ground.view(self._ground.store.read(session_id))

    def _awaiting(self, session: Session) -> Session:
        if session.gate is not GateState.AWAITING_APPROVAL or session.under_way is None:
            paused = " It is paused: resume it first." if session.session_status is Status.PAUSED else ""
            raise machine.refusal(session, f"No attempt of this session waits for a person.{paused}")
        return session

    def _decision(self, authority: Authority, note: str | None) -> Decision:
        return Decision(at=self._ground.now(), authority=authority, note=note)

    def _changed(
        self, session_id: str, decide: Callable[[Session], Event], blobs: Mapping[str, bytes] | None = None
    ) -> Outcome:
        outcome = self._ground.commit(session_id, decide, blobs=blobs)
        self._gatekeeper.ended(outcome.committed.present)
        return outcome


def _approved(basis: Basis) -> Basis:
    """Why a piece of evidence is believed once a person has approved it."""
    return "human" if basis == "attested" else basis


_AGAIN: Final = "Have the checks run again (pos-workflow approve does), and look at what they say."
_MEND: Final = "Mend what the gate asks for, or repin the session to a definition that asks for something else."
