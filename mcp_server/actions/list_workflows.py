"""``list_workflows``: what can be started."""

from __future__ import annotations

from typing import Any

from mcp_server.actions.action import Action, Answer, Params, Part, Reply
from mcp_server.actions.fields import Category, Cursor
from mcp_server.actions.paging import Pager, clipped
from mcp_server.definitions.library import Entry
from mcp_server.engine import Engine

SHOWN = 1_000
"""Bytes of a text that a list shows."""
SHORT = 200


class ListWorkflows(Params):
    """List the workflows that can be started.

    A definition that does not load is named under ``invalid`` with its problem, and hides no other.
    """

    category: Category | None = None
    cursor: Cursor | None = None


class WorkflowSummary(Part):
    """One workflow; ``phases`` is how many it has, ``source`` where it was found, ``shadows`` what it hides there.

    ``options`` are those that ``start`` takes for its checks, with what each has to be. With ``plan_option`` more
    phases come from a plan, whose path ``start`` takes in the option of that name.
    """

    workflow_type: str
    name: str
    description: str
    category: str
    version: str
    phases: int
    plan_option: str | None = None
    options: dict[str, str] | None = None
    estimated_duration: str | None = None
    source: str
    shadows: list[str] | None = None
    aliases: list[str] | None = None
    target_languages: list[str] | None = None
    artifacts: list[str] | None = None
    tags: list[str] | None = None


class InvalidWorkflow(Part):
    """A definition that does not load."""

    workflow_type: str
    problem: str


class WorkflowList(Reply):
    """``count`` is the number of workflows in this category, ``categories`` are those of all."""

    workflows: list[WorkflowSummary]
    count: int
    categories: list[str]
    invalid: list[InvalidWorkflow]


def run(engine: Engine, params: ListWorkflows) -> Answer:
    """List them, a page at a time."""
    listing = engine.list_workflows()
    wanted = [
        entry for entry in listing.entries if params.category is None or entry.workflow.category == params.category
    ]
    pager = Pager(f"list_workflows {params.category}", params.cursor)
    workflows = pager.items(map(_summary, wanted))
    invalid = pager.items(
        {"workflow_type": one.workflow_type, "problem": clipped(one.problem, SHOWN)} for one in listing.invalid
    )
    reply = WorkflowList(
        workflows=[WorkflowSummary.model_validate(one) for one in workflows],
        count=len(wanted),
        categories=pager.items(sorted({clipped(entry.workflow.category, SHORT) for entry in listing.entries})),
        invalid=[InvalidWorkflow.model_validate(one) for one in invalid],
        next_cursor=pager.next_cursor,
    )
    return Answer(reply)


def _summary(entry: Entry) -> dict[str, Any]:
    workflow = entry.workflow
    shown = {
        "workflow_type": workflow.workflow_type,
        "name": clipped(workflow.name, SHORT),
        "description": clipped(workflow.description, SHOWN),
        "category": clipped(workflow.category, SHORT),
        "version": clipped(workflow.version, SHORT),
        "phases": len(workflow.phases),
        "plan_option": clipped(workflow.plan.option, SHORT) if workflow.plan else None,
        "options": {clipped(one.name, SHORT): clipped(one.wanted, SHOWN) for one in workflow.options[:20]} or None,
        "estimated_duration": clipped(workflow.estimated_duration, SHORT) if workflow.estimated_duration else None,
        "source": entry.source,
        "shadows": list(entry.shadows),
        "aliases": _some(workflow.aliases),
        "target_languages": _some(workflow.target_languages) if workflow.target_languages != ("any",) else None,
        "artifacts": _some(workflow.artifacts),
        "tags": _some(workflow.tags),
    }
    return {name: value for name, value in shown.items() if value not in (None, [])}


def _some(texts: tuple[str, ...]) -> list[str]:
    return [clipped(text, SHORT) for text in texts[:20]]


ACTION = Action("list_workflows", ListWorkflows, WorkflowList, run)
