"""Whether a session keeps within its budget."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from mcp_server.domain.checks import Budget
from mcp_server.domain.definition import Workflow
from mcp_server.domain.session import Session, Usage

WARN_FROM: Final = 0.8
"""The share of a budget from which on every reply says how much of it is used."""


def budget_of(session: Session, workflow: Workflow) -> Budget | None:
    """The budget that counts: what a person raised it to, else the definition's."""
    return session.budget or workflow.budget


def exceeded(session: Session, workflow: Workflow, more: Usage, now: datetime) -> tuple[str, ...]:
    """What of a strict budget is used up, ``more`` included."""
    budget = budget_of(session, workflow)
    if budget is None or budget.mode != "strict":
        return ()
    return tuple(said for share, said in _shares(session, budget, more, now) if share > 1)


def unreported(session: Session, workflow: Workflow, reported: frozenset[str]) -> tuple[str, ...]:
    """The parts of ``usage`` that a strict budget asks for and that were not reported."""
    budget = budget_of(session, workflow)
    if budget is None or budget.mode != "strict":
        return ()
    limits = {"tokens": budget.max_tokens, "cost_usd": budget.max_cost_usd}
    return tuple(name for name, limit in limits.items() if limit is not None and name not in reported)


def warnings(session: Session, workflow: Workflow, now: datetime) -> tuple[str, ...]:
    """What of the budget is nearly or wholly used up."""
    budget = budget_of(session, workflow)
    if budget is None or budget.mode == "off":
        return ()
    return tuple(
        f"Budget: {said}. Only a person can raise it (pos-workflow budget)."
        for share, said in _shares(session, budget, Usage(), now)
        if share >= WARN_FROM
    )


def _shares(session: Session, budget: Budget, more: Usage, now: datetime) -> Iterator[tuple[float, str]]:
    """Of each limit, the share that is used and how one says so."""
    if budget.max_tokens is not None:
        tokens = session.usage.tokens + more.tokens
        yield tokens / budget.max_tokens, f"{tokens} of {budget.max_tokens} tokens are used"
    if budget.max_cost_usd is not None:
        cost = session.usage.cost_usd + more.cost_usd
        yield cost / budget.max_cost_usd, f"{cost:.2f} of {budget.max_cost_usd:.2f} USD are used"
    if budget.max_active_minutes is not None:
        minutes = session.active_seconds_at(now) / 60
        yield minutes / budget.max_active_minutes, f"{minutes:.0f} of {budget.max_active_minutes:g} minutes are used"
