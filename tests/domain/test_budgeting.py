"""Budgets: what is used up, what has to be reported, and when one is warned."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mcp_server.domain import budgeting, machine
from mcp_server.domain.checks import Budget
from mcp_server.domain.definition import Gate, Phase, Workflow
from mcp_server.domain.session import Session, Usage
from tests.storage.support import started

pytestmark = pytest.mark.unit


def workflow(budget: Budget | None) -> Workflow:
    phase = Phase(number=1, title="One", gate=Gate())
    return Workflow(
        workflow_type="w",
        declared_type="w",
        version="1",
        name="W",
        description="d",
        phases=(phase,),
        start_phase=1,
        budget=budget,
    )


def session(**used: float) -> Session:
    first = machine.begin(started())
    return first.model_copy(update={"usage": Usage.model_validate(used)})


STRICT = Budget(max_tokens=100, max_cost_usd=2.0, max_active_minutes=10, mode="strict")
WARN = STRICT.model_copy(update={"mode": "warn"})


def test_a_strict_budget_is_exceeded_by_what_goes_beyond_it() -> None:
    now = session().created_at
    assert budgeting.exceeded(session(tokens=60), workflow(STRICT), Usage(tokens=40), now) == ()
    (said,) = budgeting.exceeded(session(tokens=60), workflow(STRICT), Usage(tokens=41), now)
    assert said == "101 of 100 tokens are used"
    (said,) = budgeting.exceeded(session(cost_usd=2.5), workflow(STRICT), Usage(), now)
    assert said == "2.50 of 2.00 USD are used"


def test_active_time_counts() -> None:
    one = session()
    late = one.created_at + timedelta(minutes=11)
    (said,) = budgeting.exceeded(one, workflow(STRICT), Usage(), late)
    assert said == "11 of 10 minutes are used"


def test_a_budget_that_only_warns_is_never_exceeded() -> None:
    one = session(tokens=500)
    assert budgeting.exceeded(one, workflow(WARN), Usage(), one.created_at) == ()
    assert budgeting.unreported(one, workflow(WARN), frozenset()) == ()


def test_a_strict_budget_asks_for_a_report_of_what_it_limits() -> None:
    assert budgeting.unreported(session(), workflow(STRICT), frozenset()) == ("tokens", "cost_usd")
    assert budgeting.unreported(session(), workflow(STRICT), frozenset({"tokens"})) == ("cost_usd",)
    timed = Budget(max_active_minutes=1, mode="strict")
    assert budgeting.unreported(session(), workflow(timed), frozenset()) == ()


@pytest.mark.parametrize(("tokens", "warned"), [(79, False), (80, True), (200, True)])
def test_from_four_fifths_on_one_is_warned(tokens: int, warned: bool) -> None:
    one = session(tokens=tokens)
    said = budgeting.warnings(one, workflow(WARN), one.created_at)
    assert bool(said) == warned
    assert all("pos-workflow budget" in one for one in said)


def test_what_a_person_raised_takes_the_place_of_the_definition_s() -> None:
    raised = session(tokens=150).model_copy(update={"budget": Budget(max_tokens=1000, mode="strict")})
    assert budgeting.exceeded(raised, workflow(STRICT), Usage(), raised.created_at) == ()


def test_without_a_budget_nothing_is_limited() -> None:
    one = session(tokens=10**9)
    assert budgeting.exceeded(one, workflow(None), Usage(), one.created_at) == ()
    assert budgeting.unreported(one, workflow(None), frozenset()) == ()
    assert budgeting.warnings(one, workflow(None), one.created_at) == ()
