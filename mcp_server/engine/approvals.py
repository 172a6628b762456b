"""The question that a gate puts to a person, and the answers to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mcp_server.domain import attempts, machine
from mcp_server.domain.attempts import Submission
from mcp_server.domain.authority import Authority
from mcp_server.domain.definition import Phase, Workflow
from mcp_server.domain.events import Event
from mcp_server.domain.results import Decision
from mcp_server.domain.session import Basis, Evidence, GateState, Session, Status, UnderWay
from mcp_server.engine.gatekeeper import Gatekeeper, Standing
from mcp_server.engine.ground import Ground, Outcome, require_phase
from mcp_server.engine.planning import plan_of
from mcp_server.storage.values import settled


@dataclass(frozen=True)
class Asked:
    """A question to a person: may this phase, with what was submitted and what was seen, be left?

    ``under_way`` names the run whose results they are. ``stale`` says why the answer would be to something that is no
    longer so: the checks have to be run again first. ``untrusted`` says why they could not be.
    """

    session: Session
    workflow: Workflow
    phase: Phase
    under_way: UnderWay
    stale: str | None
    untrusted: str | None


class Approvals:
    """The answers of a person, on one ground."""

    def __init__(self, ground: Ground, gatekeeper: Gatekeeper) -> None:
        self._ground = ground
        self._gatekeeper = gatekeeper

    def asked(self, session_id: str) -> Asked:
        """The question that a session puts to a person. Raises StateError when it puts none."""
        session = self._ground.store.read(session_id)
        under_way = _waiting(session)
        workflow = self._ground.workflow(session)
        phase = require_phase(workflow, session.current_phase)
        plan = plan_of(self._ground, session, workflow, phase)
        stale = None
        if under_way.expires_at is not None and self._ground.now() >= under_way.expires_at:
            stale = "The question has lapsed: nobody answered in time."
        elif under_way.checked is None or self._ground.checker.contents(plan) != under_way.checked.contents:
            stale = "The files have changed since they were checked."
        runs = any(check.kind == "run" for check in phase.gate.checks)
        return Asked(session, workflow, phase, under_way, stale, plan.untrusted if runs else None)

    def check_again(self, session_id: str) -> Standing:
        """Run the checks of the attempt that waits for a person anew; StateError when none does."""
        return self._gatekeeper.again(session_id)

    def approve(self, session_id: str, run: str, authority: Authority, note: str | None = None) -> Outcome:
        """Let the phase go whose attempt waits for a person; the session moves on at once.

        ``run`` is the name of the run (``Asked.under_way``) that the person was shown the results of. Raises StateError
        when that one does not wait any more, or when what was judged is no longer so (``Asked.stale``).
        """
        asked = self.asked(session_id)
        before, workflow, phase = asked.session, asked.workflow, asked.phase
        _require_run(before, run)
        if asked.stale is not None:
            raise machine.refusal(before, asked.stale, _AGAIN)
        entered = self._gatekeeper.entered(before, phase.number)
        submitted = submitted_in(before)
        bases: dict[str, Basis] = {name: _approved(item.basis) for name, item in self._ground.items(submitted).items()}
        evidence, blobs = settled(submitted, bases, {}, self._ground.store.blob)

        def decide(session: Session) -> Event:
            seen = _require_run(session, run)
            decision = Decision(at=self._ground.now(), authority=authority, note=note)
            submission = Submission(seen.attempt, evidence, decision.at, checked=seen.checked, decision=decision)
            entry = self._ground.entry(session, workflow, phase.number)
            basis = attempts.basis_of(phase, bases, decision)
            return attempts.passed(phase, entry, submission, basis, baseline=entered.stored)

        return self._ground.commit(session_id, decide, blobs={**blobs, **entered.blobs})

    def reject(self, session_id: str, run: str, authority: Authority, note: str | None = None) -> Outcome:
        """Refuse the attempt that waits for a person, with the note as what is wrong.

        Raises StateError when the one that was shown, named by ``run``, does not wait any more.
        """

        def decide(session: Session) -> Event:
            seen = _require_run(session, run)
            phase = require_phase(self._ground.workflow(session), session.current_phase)
            decision = Decision(at=self._ground.now(), authority=authority, note=note)
            submission = Submission(
                seen.attempt, submitted_in(session), decision.at, checked=seen.checked, decision=decision
            )
            return attempts.turned_down(session, phase, attempts.rejection(note), submission)

        return self._ground.commit(session_id, decide)


def _waiting(session: Session) -> UnderWay:
    """The attempt that waits for a person; StateError says why none does."""
    if session.gate is GateState.AWAITING_APPROVAL and session.under_way is not None:
        return session.under_way
    if session.session_status is Status.PAUSED:
        hint = "It is paused, which ended the wait: resume it first, and have the phase submitted again."
    elif session.gate is GateState.CHECKING:
        hint = "Its checks still run: wait until they have ended."
    else:
        hint = "A person is asked once the assistant has submitted a phase whose gate wants it (complete_phase)."
    raise machine.refusal(session, "No attempt of this session waits for a person.", hint)


def _require_run(session: Session, run: str) -> UnderWay:
    """The attempt that waits for a person, if it is the one that the person was shown."""
    under_way = _waiting(session)
    if under_way.run != run:
        raise machine.refusal(session, "Another attempt waits for a person by now.", LOOK_AGAIN)
    return under_way


def submitted_in(session: Session) -> Evidence:
    """What was submitted last in the current phase."""
    return session.draft.evidence if session.draft else Evidence()


def _approved(basis: Basis) -> Basis:
    """Why a piece of evidence is believed once a person has approved it."""
    return "human" if basis == "attested" else basis


_AGAIN: Final = "Have the checks run again (pos-workflow approve does), and look at what they say."
LOOK_AGAIN: Final = "Look at what is so now, then repeat the command."
