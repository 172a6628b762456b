"""The way through a gate: the form of the evidence, then what the server checks itself, then a person.

An attempt at a gate with checks is begun (one commit), run without any lock, and concluded (another commit, if the
attempt is still the one the session waits for). Whoever dies in between leaves an attempt that nobody runs, which is
``interrupted`` and never passed.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import ValidationError

from mcp_server.domain import attempts, budgeting, machine
from mcp_server.domain.attempts import Submission
from mcp_server.domain.checking import Checker, Checking
from mcp_server.domain.consequences import Pass
from mcp_server.domain.definition import Gate, Phase, Workflow
from mcp_server.domain.events import (
    ApprovalRequested,
    AttemptBegun,
    AttemptExpired,
    AttemptInterrupted,
    BudgetRaised,
    Event,
    SealAccepted,
    SessionMigrated,
)
from mcp_server.domain.gates import Finding, Verdict, conclude, judge, read_by_checks
from mcp_server.domain.session import Evidence, GateState, Session, Usage
from mcp_server.engine.ground import Call, Ground, Outcome, require_phase
from mcp_server.engine.planning import Baseline, baseline_of, plan_of
from mcp_server.engine.running import Running, Runs
from mcp_server.errors import BusyError, NotFoundError, PosWorkflowError
from mcp_server.storage.layout import sha256
from mcp_server.storage.log import Record
from mcp_server.storage.runs import Claim
from mcp_server.storage.values import canonical, pack, pack_report, settled, values_of

if TYPE_CHECKING:
    from pydantic import JsonValue

COMMIT_TRIES: Final = 6
"""How often a verdict is brought to a session that others hold, each time for as long as a lock is waited for."""

_log = logging.getLogger(__name__)


class _StandsError(Exception):
    """The attempt that was handed in again is under way; nothing has to be committed."""


class _MovedOnError(Exception):
    """The session has come to another gate since it was looked at."""


class _SupersededError(Exception):
    """The session no longer waits for this attempt."""


@dataclass(frozen=True, slots=True)
class _Handed:
    """What was handed in for one attempt. ``fingerprint`` is equal for equal evidence."""

    phase: int
    evidence: Mapping[str, JsonValue]
    packed: Evidence
    blobs: Mapping[str, bytes]
    fingerprint: str
    usage: Usage
    reported: frozenset[str]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, phase: int, evidence: Mapping[str, JsonValue]) -> Self:
        packed, blobs = pack(evidence)
        usage, reported, warnings = _reported(evidence)
        return cls(phase, evidence, packed, blobs, sha256(canonical(evidence)), usage, reported, warnings)

    def kept_for(self, gate: Gate) -> Self:
        """The same, keeping of it what is evidence: ``usage`` is none, unless the gate itself asks for that name."""
        if "usage" not in self.evidence or _reads_usage(gate):
            return self
        packed, blobs = pack({name: value for name, value in self.evidence.items() if name != "usage"})
        return replace(self, packed=packed, blobs=blobs)

    def is_under_way(self, session: Session) -> bool:
        """Whether this very evidence is what the session's attempt is about."""
        under_way = session.under_way
        same = under_way is not None and under_way.fingerprint == self.fingerprint
        return same and session.current_phase == self.phase


@dataclass(frozen=True)
class Standing:
    """An attempt that has not come to its end.

    ``begun`` is the number of the event that began it, ``running`` its run if that is this process's.
    """

    session: Session
    workflow: Workflow
    begun: int
    running: Running | None = None


class Gatekeeper:
    """What ``complete_phase`` does, on one ground."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.runs = Runs()

    def submit(self, session_id: str, phase: int, evidence: Mapping[str, JsonValue], call: Call) -> Outcome | Standing:
        """Judge what was handed in: what it comes to, or where the attempt stands whose checks have been begun."""
        handed = _Handed.of(phase, evidence)
        before = self._settled(session_id)
        if call.request is None and (known := self._known(before, handed)) is not None:
            return known
        if (asking := self._ground.workflow(before).phase(phase)) is not None:
            handed = handed.kept_for(asking.gate)
        run = secrets.token_hex(16)
        claim = self._claim(before, run)
        # Where checks are run first, it is taken when they have passed.
        entered = Baseline() if claim else self.entered(before, phase)
        begun = False
        try:
            outcome = self._ground.commit(
                session_id,
                lambda session: self._judged(session, handed, entered, run if claim else None),
                call,
                {**handed.blobs, **entered.blobs},
            )
            self.ended(outcome.committed.present)
            event, replayed = outcome.committed.event, outcome.committed.replayed
            if not isinstance(event, AttemptBegun):
                return outcome
            if replayed or claim is None:
                return self.after(session_id, outcome.committed.seq, replayed=replayed)
            running = self._begin(outcome.committed.session, event, claim, self._ground.checker)
            begun = True
            return Standing(outcome.committed.session, outcome.workflow, outcome.committed.seq, running)
        except _StandsError:
            return self.standing(session_id)
        except _MovedOnError:
            return self.submit(session_id, phase, evidence, call)
        finally:
            if claim is not None and not begun:
                claim.release()

    def _known(self, session: Session, handed: _Handed) -> Outcome | Standing | None:
        """What there is to say of evidence that was handed in before: where it stands, or that it has passed since."""
        if handed.is_under_way(session):
            return self.standing(session.session_id)
        if handed.phase not in session.completed_phases:
            return None
        begun = self._last_begun(session.session_id, lambda event: event.phase == handed.phase)
        if begun is None or begun[1].fingerprint != handed.fingerprint:
            return None
        came_to = self.after(session.session_id, begun[0], replayed=True)
        # What was refused and then let go by a person did not pass: to tell of the refusal now would mislead.
        passed = isinstance(came_to, Outcome) and isinstance(came_to.committed.event, Pass)
        return came_to if passed else None

    def _last_begun(self, session_id: str, wanted: Callable[[AttemptBegun], bool]) -> tuple[int, AttemptBegun] | None:
        """The last attempt that was begun, of those wanted, and the number of the event."""
        records = self._ground.store.recent(
            session_id, lambda one: isinstance(one.event, AttemptBegun) and wanted(one.event), most=1
        )
        return next(((one.seq, one.event) for one in records if isinstance(one.event, AttemptBegun)), None)

    def _judged(self, session: Session, handed: _Handed, entered: Baseline, run: str | None) -> Event:
        """What the attempt comes to before any check is run."""
        workflow = self._ground.workflow(session)
        phase = require_phase(workflow, handed.phase)
        machine.require_action(session, "complete_phase")
        machine.require_phase(session, "complete_phase", phase.number)
        if handed.is_under_way(session):
            raise _StandsError
        now = self._ground.now()
        verdict = judge(phase.gate, handed.evidence, self._ground.workspace.world)
        verdict = _within_budget(verdict, session, workflow, handed, now)
        checked = is_checked(phase.gate)
        if checked and verdict.outcome == "passed" and self._ground.workspace.checker is None:
            verdict = replace(verdict, outcome="blocked", blocked_by=("this server runs no checks",))
        verdict = replace(verdict, warnings=(*verdict.warnings, *handed.warnings))
        submission = Submission(session.record.attempt + 1, handed.packed, now, handed.usage)
        if verdict.outcome != "passed":
            return attempts.turned_down(session, phase, verdict, submission)
        if checked:
            if run is None:
                raise _MovedOnError
            facts = submission.facts(phase, verdict.warnings)
            return AttemptBegun(**facts, run=run, fingerprint=handed.fingerprint)
        entry = self._ground.entry(session, workflow, phase.number)
        basis = attempts.basis_of(phase, attempts.bases_of(verdict, None), None)
        return attempts.passed(phase, entry, submission, basis, baseline=entered.stored, warnings=verdict.warnings)

    def standing(self, session_id: str) -> Standing:
        """Where the attempt of a session stands now."""
        view = self._ground.view(self._ground.store.read(session_id))
        run = _run_of(view.session)
        begun = self._last_begun(session_id, lambda event: run is None or event.run == run)
        assert begun is not None, "an attempt stands that never began"  # noqa: S101 - the state table's promise
        return Standing(view.session, view.workflow, begun[0], self.runs.get(run or ""))

    def after(self, session_id: str, seq: int, *, replayed: bool = False) -> Outcome | Standing:
        """What the attempt has come to that the event of number ``seq`` began."""
        records = self._ground.store.events(session_id)
        ending = _ending(records, seq)
        if ending is None:
            return self.standing(session_id)
        committed = replace(self._ground.store.committed(session_id, ending.seq), replayed=replayed)
        return Outcome(committed, self._ground.workflow(committed.session))

    def again(self, session_id: str) -> Standing:
        """Run the checks of the attempt that waits for a person once more, since what they saw is no longer so."""
        checker = self._ground.checker
        run = secrets.token_hex(16)
        claim = self._ground.store.claim(run)

        def decide(session: Session) -> Event:
            if session.gate is not GateState.AWAITING_APPROVAL or session.under_way is None or session.draft is None:
                raise machine.refusal(session, "No attempt of this session waits for a person.")
            under_way = session.under_way
            return AttemptBegun(
                at=self._ground.now(),
                phase=session.current_phase,
                attempt=under_way.attempt,
                evidence=session.draft.evidence,
                run=run,
                fingerprint=under_way.fingerprint,
                again=True,
            )

        try:
            outcome = self._ground.commit(session_id, decide)
        except BaseException:
            claim.release()
            raise
        event = outcome.committed.event
        assert isinstance(event, AttemptBegun)  # noqa: S101 - what decide gives
        running = self._begin(outcome.committed.session, event, claim, checker)
        return Standing(outcome.committed.session, outcome.workflow, outcome.committed.seq, running)

    def _settled(self, session_id: str) -> Session:
        """A session after what shows when one looks was written down: nobody runs its attempt, or a question lapsed."""
        session = self._ground.store.read(session_id)
        shown = self._ground.view(session).session.gate
        if shown is session.gate or session.under_way is None:
            return session
        under_way = session.under_way

        def decide(now: Session) -> Event:
            _require_awaited(now, under_way.run)
            facts: dict[str, Any] = {
                "at": self._ground.now(),
                "phase": now.current_phase,
                "attempt": under_way.attempt,
            }
            if now.gate is GateState.CHECKING:
                return AttemptInterrupted(**facts, reason="the server that ran its checks is gone")
            return AttemptExpired(**facts, reason="nobody answered in time")

        try:
            return self._ground.commit(session_id, decide).committed.present
        except _SupersededError:
            return self._ground.store.read(session_id)

    def _claim(self, session: Session, run: str) -> Claim | None:
        """That this process is the one to run the checks, if the session's gate has any."""
        phase = self._ground.workflow(session).phase(session.current_phase)
        wanted = phase is not None and is_checked(phase.gate) and machine.allows(session, "complete_phase")
        if not wanted or self._ground.workspace.checker is None:
            return None
        return self._ground.store.claim(run)

    def _begin(self, session: Session, event: AttemptBegun, claim: Claim, checker: Checker) -> Running:
        workflow = self._ground.workflow(session)
        phase = require_phase(workflow, event.phase)
        total = len(phase.gate.checks) + bool(phase.gate.protected_paths)
        running = Running(event.run, session.session_id, total, checker.cancellation())

        def work() -> None:
            try:
                plan = plan_of(self._ground, session, workflow, phase)
                checking = checker.run(plan, running.cancellation, running.step)
                running.outcome = self._conclude(running, event, phase, checking)
            except _SupersededError:
                _log.info("superseded", extra={"session_id": session.session_id, "run": event.run})
            except Exception:  # noqa: BLE001 - nobody waits here who could be told: without a verdict it is interrupted
                _log.exception("run_failed", extra={"session_id": session.session_id, "run": event.run})
            finally:
                claim.release()

        self.runs.begin(running, work, lambda: self._is_awaited(running))
        return running

    def _is_awaited(self, running: Running) -> bool:
        """Whether the session still waits for a run; while that cannot be told, it is taken to."""
        try:
            return _run_of(self._ground.store.read(running.session_id)) == running.run
        except NotFoundError:
            return False
        except PosWorkflowError:
            return True

    def _conclude(self, running: Running, begun: AttemptBegun, phase: Phase, checking: Checking) -> Outcome | None:
        """Commit what the checks came to."""
        if checking.cancelled:
            return self._interrupt(running, begun) if self.runs.closed else None
        fetch = self._ground.store.blob
        submitted = values_of(begun.evidence, fetch)
        if begun.again:
            # What the server filled in the last time is nobody's claim.
            submitted = {name: value for name, value in submitted.items() if name not in read_by_checks(phase.gate)}
        verdict = conclude(phase.gate, submitted, checking.results, self._ground.workspace.world)
        checked, blobs = pack_report(checking)
        bases = attempts.bases_of(verdict, None)
        evidence, more = settled(begun.evidence, bases, verdict.filled, fetch)
        warnings = tuple(dict.fromkeys((*begun.warnings, *verdict.warnings)))
        entered = self.entered(self._ground.store.read(running.session_id), phase.number)

        def decide(session: Session) -> Event:
            _require_awaited(session, running.run)
            now = self._ground.now()
            submission = Submission(begun.attempt, evidence, now, checked=checked)
            if verdict.outcome != "passed":
                submission = replace(submission, evidence=begun.evidence)
                return attempts.turned_down(session, phase, replace(verdict, warnings=warnings), submission)
            if phase.gate.approval is not None:
                facts = submission.facts(phase, warnings)
                lapses = now + timedelta(hours=phase.gate.approval.expires_hours)
                return ApprovalRequested(**facts, run=running.run, expires_at=lapses)
            entry = self._ground.entry(session, self._ground.workflow(session), phase.number)
            basis = attempts.basis_of(phase, bases, None)
            return attempts.passed(phase, entry, submission, basis, baseline=entered.stored, warnings=warnings)

        return self._persist(running.session_id, decide, {**blobs, **more, **entered.blobs})

    def _interrupt(self, running: Running, begun: AttemptBegun) -> Outcome:
        def decide(session: Session) -> Event:
            _require_awaited(session, running.run)
            reason = "the server that ran its checks was stopped"
            return AttemptInterrupted(at=self._ground.now(), phase=begun.phase, attempt=begun.attempt, reason=reason)

        return self._ground.commit(running.session_id, decide)

    def _persist(self, session_id: str, decide: Callable[[Session], Event], blobs: Mapping[str, bytes]) -> Outcome:
        """Commit a verdict that took long to come by, however busy the session is."""
        for _ in range(COMMIT_TRIES - 1):
            try:
                return self._ground.commit(session_id, decide, blobs=blobs)
            except BusyError:
                if self.runs.closed:
                    raise
        return self._ground.commit(session_id, decide, blobs=blobs)

    def entered(self, session: Session, phase: int) -> Baseline:
        """What the phase must leave alone that is entered when ``phase`` is left, as the files are now."""
        workflow = self._ground.workflow(session)
        if workflow.phase(phase) is None:
            return Baseline()
        following = self._ground.entry(session, workflow, phase).phase
        if following is None:
            return Baseline()
        return self.baseline(session, workflow, require_phase(workflow, following))

    def baseline(self, session: Session, workflow: Workflow, phase: Phase) -> Baseline:
        """What a phase of a session must leave alone, as the files are now."""
        return baseline_of(
            self._ground,
            session.session_id,
            session.target_file,
            workflow,
            lambda: self._ground.options(session),
            phase,
        )

    def ended(self, session: Session) -> None:
        """End the runs that a session no longer waits for."""
        self.runs.supersede(session.session_id, _run_of(session))


def is_checked(gate: Gate) -> bool:
    """Whether more is needed at a gate than the evidence."""
    return bool(gate.checks or gate.protected_paths or gate.approval)


def _run_of(session: Session) -> str | None:
    return session.under_way.run if session.under_way else None


def _require_awaited(session: Session, run: str) -> None:
    """Raise _SupersededError unless the session waits for this run."""
    if _run_of(session) != run:
        raise _SupersededError


def _ending(records: list[Record], seq: int) -> Record | None:
    """The event that ended the attempt which the event of number ``seq`` began; None while it goes on."""
    begun = records[seq - 1].event
    for record in records[seq:]:
        event = record.event
        if isinstance(event, ApprovalRequested | BudgetRaised | SealAccepted | SessionMigrated):
            continue
        if isinstance(event, AttemptBegun) and isinstance(begun, AttemptBegun) and event.attempt == begun.attempt:
            continue
        return record
    return None


def _within_budget(verdict: Verdict, session: Session, workflow: Workflow, handed: _Handed, now: datetime) -> Verdict:
    """The verdict, with what a strict budget says to it. A budget that is used up blocks: only a person can mend it."""
    silent = budgeting.unreported(session, workflow, handed.reported)
    over = budgeting.exceeded(session, workflow, handed.usage, now)
    if silent and verdict.outcome != "blocked":
        # What could not be read was not reported, and the warning says how it is written.
        said = f"has to report {' and '.join(silent)}, since the budget is strict"
        finding = Finding("usage", handed.warnings[0] if handed.warnings else said)
        verdict = replace(verdict, outcome="refused", findings=(*verdict.findings, finding))
    if over and verdict.outcome == "passed":
        said = f"the budget is used up: {'; '.join(over)} (a person can raise it: pos-workflow budget)"
        verdict = replace(verdict, outcome="blocked", blocked_by=(said,))
    return verdict


def _reads_usage(gate: Gate) -> bool:
    declared = any(field.name == "usage" for field in gate.fields)
    return declared or any("usage" in rule.expression for rule in gate.rules)


def _reported(evidence: Mapping[str, JsonValue]) -> tuple[Usage, frozenset[str], tuple[str, ...]]:
    """What was reported under the reserved name ``usage``, which parts of it, and a warning when it cannot be added."""
    said = evidence.get("usage", {})
    try:
        usage = Usage.model_validate(said, strict=True)
    except ValidationError:
        problem = "usage was not added up: it has to be {tokens: integer, cost_usd: number}, none below 0."
        return Usage(), frozenset(), (problem,)
    return usage, frozenset(usage.model_fields_set), ()
