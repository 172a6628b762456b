"""The dynamic part of a definition: where its plan comes from, its templates, and the phases that close it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.markdown import read_markdown, unix_lines
from mcp_server.definitions.nodes import Node
from mcp_server.definitions.phases import read_phase
from mcp_server.definitions.plans.model import Plan
from mcp_server.definitions.plans.phases_of_plan import Templates, phases_of_plan, plan_too_large, read_templates
from mcp_server.definitions.plans.tasks_md import read_tasks_md
from mcp_server.definitions.plans.yaml_plan import read_yaml_plan
from mcp_server.definitions.problems import Problem
from mcp_server.domain.definition import Phase, PlanSource

_CLOSING = re.compile(r"phases/(closing(?:/\d{1,6})?)/[^/]+")


def read_source(root: Node) -> PlanSource | None:
    """Where the plan comes from, for a definition that is dynamic."""
    if not root.child("dynamic_phases").boolean(default=False):
        return None
    config = root.child("dynamic_config")
    key, parser = config.child("source_path_key"), config.child("parser")
    option, named = key.text(), parser.text("spec_tasks_parser")
    if not option:
        hint = 'Write dynamic_config: {"source_path_key": "spec_path", …}: the option of start that names the plan.'
        key.error("a dynamic workflow has to say where its plan comes from: source_path_key is missing", hint)
        return None
    match named:
        case "spec_tasks_parser" | "workflow_definition_parser":
            return PlanSource(option=option, parser=named)
        case _:
            hint = "Use spec_tasks_parser (Markdown) or workflow_definition_parser (YAML)."
            parser.error(f"there is no parser '{named}'", hint)
            return None


def add_dynamic_phases(
    fixed: tuple[Phase, ...], source: PlanSource, root: Node, bundle: Bundle, problems: list[Problem]
) -> tuple[Phase, ...]:
    """The fixed phases, then those of the bundle's plan, if it holds one, then the closing ones."""
    templates = read_templates(root.child("dynamic_config"), bundle.files, problems)
    phases = (*fixed, *_planned(fixed, source, bundle, templates, problems))
    entries = {entry.child("phase_number").data: entry for entry in root.child("phases").entries()}
    for folder in closing_folders(bundle.files):
        number = phases[-1].number + 1 if phases else 1
        entry = entries.get(folder) or Node(None, ("phases",), root.report)
        phases = (*phases, read_phase(number, entry, f"phases/{folder}", bundle.files, problems))
    return phases


def _planned(
    fixed: tuple[Phase, ...], source: PlanSource, bundle: Bundle, templates: Templates, problems: list[Problem]
) -> tuple[Phase, ...]:
    if bundle.plan is None:
        return ()
    name, data = bundle.plan
    plan, found = read_plan(source, name, data)
    problems.extend(found)
    if plan is None:
        return ()
    return phases_of_plan(plan, fixed[-1].number if fixed else None, templates, name, problems)


def read_plan(source: PlanSource, name: str, data: bytes) -> tuple[Plan | None, tuple[Problem, ...]]:
    """The plan in a file, and what is wrong with it. Purely a matter of the bytes."""
    if source.parser == "spec_tasks_parser":
        body = unix_lines(read_markdown(data).body)
        lines = unix_lines(data.decode("utf-8-sig", errors="replace")).count("\n")
        # Blank lines for the front matter, so that every problem is named by its line in the file.
        plan, problems = read_tasks_md("\n" * (lines - body.count("\n")) + body, name)
    else:
        plan, problems = read_yaml_plan(data.decode("utf-8-sig", errors="replace"), name)
    large = plan_too_large(plan, name) if plan else None
    return (None, (*problems, large)) if large else (plan, problems)


def closing_folders(files: Mapping[str, bytes]) -> list[str]:
    """The folders of the phases that come after the plan's, below ``phases`` and in their order."""
    found = {match.group(1) for path in files if (match := _CLOSING.fullmatch(path))}
    return sorted(found, key=lambda folder: int(folder.rpartition("/")[2]) if "/" in folder else -1)
