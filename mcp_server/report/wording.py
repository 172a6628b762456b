"""The words that every format of a report shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from mcp_server.domain.authority import Authority
from mcp_server.domain.checks import Budget
from mcp_server.domain.events import (
    ApprovalRequested,
    AttemptBegun,
    AttemptExpired,
    AttemptInterrupted,
    AttemptsExhausted,
    GateBlocked,
    GateRefused,
    GateSentBack,
    PhaseCompleted,
    PhaseOverridden,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.results import Content
from mcp_server.domain.session import Basis, Usage
from mcp_server.report.attempts import OfAttempt
from mcp_server.report.model import Asked, Attempt, Outcome, Phase, Report, Subject

BASES: Final[Mapping[Basis, tuple[str, str]]] = {
    "verified": ("verified", "the server saw it for itself: it ran the check or looked at the files"),
    "human": ("human", "a person approved it"),
    "attested": ("attested", "the assistant said so; nobody checked it"),
    "overridden": ("overridden", "a person let it pass although the gate did not"),
}
"""How a basis is called, and what it means."""

OUTCOMES: Final[Mapping[Outcome, str]] = {
    "passed": "passed",
    "overridden": "overridden by a person",
    "refused": "refused",
    "exhausted": "refused, attempts used up",
    "sent_back": "refused and sent back",
    "blocked": "blocked",
    "interrupted": "interrupted",
    "expired": "expired",
    "superseded": "given up",
    "checking": "checks are running",
    "awaiting_approval": "waits for a person",
}

WEAKEST: Final = (
    "A phase counts as the weakest of what its gate requires: one whose checks have passed is still attested when it "
    "also rests on the assistant's word."
)

OPEN: Final = frozenset({"checking", "awaiting_approval"})
"""The outcomes of an attempt that has not come to its end."""

UNVOUCHED: Final = "It precedes files that other hands had changed and a person accepted; nothing vouches for it."

_CHANNELS: Final = {
    "terminal": "on a terminal",
    "operator_file": "by a script that holds the operator's passphrase",
    "elicitation": "through the assistant's client, which proves that a client answered and not that a person did",
}

_PLAIN: Final[Mapping[type, str]] = {
    AttemptsExhausted: "refused, and it was the last attempt: the session failed",
    GateBlocked: "blocked: the gate could not be judged",
    WorkflowCompleted: "passed, and that was the last phase",
    PhaseOverridden: "a person let the phase pass although its gate did not",
    WorkflowOverridden: "a person let the phase pass although its gate did not",
}


def who(authority: Authority) -> str:
    """Who decided, and how that is known."""
    how = _CHANNELS[authority.channel]
    if authority.authenticated:
        since = f", set on {authority.operator_since:%Y-%m-%d}" if authority.operator_since else ""
        return f"operator {authority.operator}{since}, authenticated, {how}"
    user = f"login {authority.user}" if authority.user else "a person"
    return f"{user}, not authenticated, {how}"


def step(event: OfAttempt) -> str:
    """What an event of an attempt says."""
    match event:
        case AttemptBegun():
            return "the checks were begun again" if event.again else "handed in, the checks were begun"
        case ApprovalRequested():
            return f"all that can be judged is right; a person was asked, until {moment(event.expires_at)}"
        case AttemptInterrupted() | AttemptExpired():
            ended = "interrupted" if isinstance(event, AttemptInterrupted) else "expired"
            return f"{ended}: {event.reason}"
        case GateRefused():
            left = event.attempts_left
            return (
                "refused" if left is None else f"refused, {left} {'attempt is' if left == 1 else 'attempts are'} left"
            )
        case GateSentBack():
            return f"refused, and the session went back to phase {event.to_phase}"
        case PhaseCompleted():
            return f"passed, phase {event.next_phase} is next"
        case _:
            return _PLAIN[type(event)]


def headline(report: Report) -> str:
    """What the session came to, in one sentence."""
    session, phases = report.session, report.glance.phases
    counted = {name: len(numbers) for name, numbers in phases.model_dump().items() if numbers}
    of = sum(counted.values())
    said = [f"{counted[name]} {BASES[name][0]}" for name in BASES if name in counted]
    said += [f"{counted['skipped']} skipped"] if "skipped" in counted else []
    said += [f"{counted['not_completed']} not completed"] if "not_completed" in counted else []
    return f"{_standing(session)} Of {many(of, 'phase')}: {listed(said)}."


def _standing(session: Subject) -> str:
    if session.completed_at is not None:
        return f"Completed on {moment(session.completed_at)}."
    gate = f", its gate is {session.gate.replace('_', ' ')}" if session.gate else ""
    return f"Not completed: {session.status} in phase {session.current_phase}{gate}."


def result(phase: Phase) -> str:
    """What became of a phase, in a word or two."""
    words = phase.status.replace("_", " ")
    return f"{words}, taken over" if phase.taken_over else words


def checks_of(phase: Phase) -> str:
    """How the checks went that were run last in a phase."""
    if phase.checks is None:
        return "not run" if phase.asked.checks else ""
    return ", ".join(f"{count} {status}" for status, count in phase.checks.model_dump().items() if count)


def evidence_of(attempt: Attempt, phase: Phase) -> str:
    """What stands in the place of an attempt's evidence when there is nothing to show that is not shown before."""
    if not attempt.evidence:
        return "" if attempt.outcome == "overridden" else "No evidence was handed in."
    accepted = attempt.evidence == phase.evidence and attempt.evidence_left_out == phase.evidence_left_out
    return "Its evidence is what is accepted." if accepted else ""


def shortened(report: Report) -> str:
    """That something is left out; nothing when all is there."""
    if not report.shortened:
        return ""
    return (
        "Not everything is shown, for its size: each place says what is left out, and hashes are of the whole. "
        f"pos-workflow report {report.session.session_id} --format html (or json) shows as much as a report has."
    )


def vouched_by_checks(report: Report) -> str:
    """How many checks hold up what is accepted."""
    return f", and {many(report.glance.checks_passed, 'check')} passed" if report.glance.checks_passed else ""


def named(attempt: Attempt) -> str:
    """What an attempt is called."""
    if attempt.outcome != "overridden":
        return f"Attempt {attempt.number}"
    return f"Override after attempt {attempt.number}" if attempt.number else "Override before any attempt"


def asked(gate: Asked) -> list[tuple[str, tuple[str, ...]]]:
    """What a gate asks for: each kind in words, and the names."""
    parts = [
        ("evidence", gate.evidence),
        ("checks that the server runs", tuple(one.id for one in gate.checks)),
        ("files left as they were", gate.protected_paths),
    ]
    approval: list[tuple[str, tuple[str, ...]]] = [("approval by a person", ())] if gate.approval else []
    return [part for part in parts if part[1]] + approval


def covered(content: Content) -> str:
    """How much of the content a digest covers."""
    return many(content.files, "file") + (", the rest was too much to hash" if content.partial else "")


def used(usage: Usage) -> str:
    """What was used up, as the assistant reported it."""
    if usage == Usage():
        return ""
    return f"The assistant reported {usage.tokens} tokens and {usage.cost_usd:.2f} USD for it."


def budgeted(budget: Budget | None) -> str:
    """What a session may use up."""
    if budget is None or budget.mode == "off":
        return "no budget"
    limits = [
        f"{budget.max_tokens} tokens" if budget.max_tokens is not None else "",
        f"{budget.max_cost_usd:.2f} USD" if budget.max_cost_usd is not None else "",
        f"{budget.max_active_minutes:g} active minutes" if budget.max_active_minutes is not None else "",
    ]
    return f"budget {listed([one for one in limits if one])} ({budget.mode})"


def phases_named(numbers: Sequence[int]) -> str:
    """Phases by their numbers, runs of them in short; nothing for none."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    short = [[f"{run[0]} to {run[-1]}"] if len(run) > 2 else run for run in runs]
    words = [word for run in short for word in run]
    return f"{'phase' if len(numbers) == 1 else 'phases'} {listed(words)}" if words else ""


def many(count: int, of: str) -> str:
    """A number of things."""
    return f"{count} {of}" if count == 1 else f"{count} {of}s"


def listed(words: Sequence[object]) -> str:
    """Words as a sentence has them."""
    texts = [str(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else "none"


def moment(at: datetime | None) -> str:
    """A time to the second, in UTC."""
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%SZ")


def duration(seconds: float | None) -> str:
    """A length of time as people say it."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    parts.append(f"{rest} s" if rest and not hours and not days else "")
    return " ".join(part for part in parts if part)


def size(count: int) -> str:
    """A number of bytes as people say it."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return many(count, "byte") if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
