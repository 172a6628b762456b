"""Advice that is written for an assistant, said to the person who typed a command."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final[tuple[tuple[str, str], ...]] = (
    (r"Tell the person: they have to look at the files, and can accept", "Look at the files; you can accept"),
    (r"Tell the person what failed and ask them to run (`[^`]+`)", r"Run \1"),
    (r"Tell the person: ", ""),
    (r"A person can bring it back \((pos-workflow undelete)\)", r"\1 brings it back"),
    (r"A person has to put (.*), or to accept", r"Put \1, or accept"),
    (r"let a person (accept|adopt|restore)", r"\1"),
    (r"a person has to remove it", "remove it"),
    (r"Call list_sessions for the sessions there are, or start", "pos-workflow sessions lists the sessions there are"),
    (r"Use a session_id as start or list_sessions gave it", "pos-workflow sessions lists the ids there are"),
    (r"Call list_workflows to see what there is", "pos-workflow workflows lists what there is"),
    (r"Call get_state, look at", "Look at"),
    (r"[;.] [Ss]tart begins a new (?:one|session)", ""),
    (r"Correct these arguments and call \w+ again; nothing was changed\.(?: It takes .*)?", "Correct the command."),
    (r"Wait for retry_after_seconds, then", "Wait a moment, then"),
    (r"(?:the same call|the call) with (?:the same|a fresh) request_id", "the command"),
    (r"[Cc]all (?:get_session|get_errors|get_phase|get_state|list_sessions) (?:again )?", "repeat the command "),
    (r"the call\b", "the command"),
)


def for_person(advice: str) -> str:
    """The advice without a word of the protocol."""
    for old, new in _WORDS:
        advice = re.sub(old, new, advice)
    return advice[:1].upper() + advice[1:] if advice[:12] != "pos-workflow" else advice
