"""What the server says of itself in the handshake: its name, its version, and what a model should know first."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.lowlevel import Server

import mcp_server

INSTRUCTIONS: Final = (
    "This server has one tool, pos_workflow. It leads you through a workflow phase by phase; a phase is left only "
    "through its gate.\n"
    "- Begin with action list_workflows, or with list_sessions if work may already be open: get_state of an open "
    "session tells you where you stand and what to do next, also after your context was compacted.\n"
    "- In each phase read the tasks one at a time (get_task), do them, and then call complete_phase with evidence in "
    "the form of phase_content.checkpoint.evidence_schema. Never invent evidence: every attempt is kept and shown to "
    "the person you work for, marked as your word.\n"
    "- A refusal is no failure of the tool: it lists what is missing. Attempts are limited; when escalate is true or "
    "a gate is blocked, ask the person instead of trying again.\n"
    "- A gate may run checks (checking) or ask a person (awaiting_approval): tell the person and look again with "
    "get_phase. Do not pause then: that withdraws what you submitted.\n"
    "- Follow next_actions: they are literal calls, best first.\n"
    "- Give request_id (fresh and random, at least 12 characters) with calls that change something: if an answer gets "
    "lost, the same call with the same request_id is safe and gives the same answer.\n"
    "- Errors have error_type and remediation. ConflictError: read get_state and decide anew. BusyError: wait "
    "retry_after_seconds. CorruptStateError and ConfigurationError: tell the person."
)


def bare_server() -> Server[Any]:
    """A server of that name that has nothing yet."""
    return Server("pos-workflow", title="pos-workflow", version=mcp_server.__version__, instructions=INSTRUCTIONS)
