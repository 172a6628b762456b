"""``retry_phase``: begin the current phase again."""

from __future__ import annotations

from mcp_server.actions.action import Action, Answer, Reply, SessionMutation
from mcp_server.actions.attempts import AttemptError, told
from mcp_server.actions.content import PhaseContent, first_page
from mcp_server.actions.fields import PhaseNumber, ResetEvidence, SessionId
from mcp_server.actions.guidance import attempts_left
from mcp_server.engine import Engine, Refusal

ERRORS_SHOWN = 3
ERROR_BYTES = 1_500
EARLIER = "Earlier errors of this phase are not shown here; get_errors has them all."


class RetryPhase(SessionMutation):
    """Begin the current phase again, also after its attempts were used up.

    ``reset_evidence`` forgets the draft of the last attempt; history is never erased.
    """

    session_id: SessionId
    phase: PhaseNumber
    reset_evidence: ResetEvidence = False


class Retrying(Reply):
    """``attempt`` is the number of the attempt to come; ``previous_errors`` the last ones of this phase."""

    retrying: bool
    phase: int
    attempt: int
    attempts_left: int | None = None
    evidence_reset: bool
    phase_content: PhaseContent
    previous_errors: list[AttemptError]


def run(engine: Engine, params: RetryPhase) -> Answer:
    """Retry it."""
    outcome = engine.retry_phase(params.session_id, params.phase, params.call(), reset_evidence=params.reset_evidence)
    committed = outcome.committed
    session = committed.session
    errors: list[Refusal] = []
    if session.record.attempt:
        # One more than is shown, to know whether there are more.
        errors = engine.last_refusals(params.session_id, params.phase, before=committed.seq, most=ERRORS_SHOWN + 1)
    content, cursor = first_page(engine, session, outcome.workflow)
    reply = Retrying(
        retrying=True,
        phase=params.phase,
        attempt=session.record.attempt + 1,
        attempts_left=attempts_left(session, outcome.workflow),
        evidence_reset=params.reset_evidence,
        phase_content=content,
        previous_errors=[told(one, ERROR_BYTES) for one in errors[-ERRORS_SHOWN:]],
        warnings=[EARLIER] if len(errors) > ERRORS_SHOWN else None,
        next_cursor=cursor,
    )
    return Answer.of(committed, reply)


ACTION = Action("retry_phase", RetryPhase, Retrying, run)
