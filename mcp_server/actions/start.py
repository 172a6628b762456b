"""``start``: begin a session."""

from __future__ import annotations

from mcp_server.actions.action import Action, Answer, Mutation, Reply
from mcp_server.actions.content import PhaseContent, first_page, warnings_of
from mcp_server.actions.fields import Options, TargetFile, WorkflowType
from mcp_server.actions.skipped import SkippedPhase, skipped_phases
from mcp_server.domain.events import SessionStarted
from mcp_server.engine import Engine


class Start(Mutation):
    """Begin a workflow on a target and get its first phase.

    A new session is created even when others are open on the same target; ``open_sessions`` names them. The session
    keeps the definition as it is now: editing the files later does not change it.
    """

    workflow_type: WorkflowType
    target_file: TargetFile
    options: Options | None = None


class Started(Reply):
    """The new session at its first phase; ``source`` is where its definition was found.

    ``skipped_phases`` are those before it that the options skipped.
    """

    workflow_type: str
    target_file: str
    source: str
    current_phase: int
    total_phases: int
    phase_content: PhaseContent
    skipped_phases: list[SkippedPhase] | None = None
    open_sessions: list[str]


def run(engine: Engine, params: Start) -> Answer:
    """Create the session and show its first phase."""
    outcome = engine.start(params.workflow_type, params.target_file, params.options or {}, params.call())
    committed = outcome.committed
    session = committed.session
    started = committed.event
    assert isinstance(started, SessionStarted)  # noqa: S101 - what create commits
    content, cursor = first_page(engine, session, outcome.workflow)
    reply = Started(
        workflow_type=session.workflow_type,
        target_file=session.target_file,
        source=session.definition.source,
        current_phase=session.current_phase,
        total_phases=len(session.phases),
        phase_content=content,
        skipped_phases=skipped_phases(outcome.workflow, (one.phase for one in started.skipped)),
        open_sessions=list(started.open_sessions),
        warnings=warnings_of([*engine.notices(), *started.warnings]),
        next_cursor=cursor,
    )
    return Answer.of(committed, reply)


ACTION = Action("start", Start, Started, run)
