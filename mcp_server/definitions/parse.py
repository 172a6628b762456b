"""From a bundle to a workflow, purely: the same bytes give the same workflow and the same problems."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.definitions.budgets import read_budget
from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.documents import DocumentError, read_json
from mcp_server.definitions.folder import Reading
from mcp_server.definitions.nodes import Node, Report
from mcp_server.definitions.options import read_options, undeclared
from mcp_server.definitions.phases import GATE_FILE, read_phases
from mcp_server.definitions.plans.dynamic import add_dynamic_phases, read_source
from mcp_server.definitions.problems import Problem
from mcp_server.domain.checks import OptionDeclaration
from mcp_server.domain.definition import Phase, Workflow

METADATA = "metadata.json"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a bundle says.

    ``workflow`` is None when nothing can be made of it. With an error among the problems it is invalid; a workflow
    that is there all the same is what a session that already pins it is served from, its broken gates blocking.
    """

    workflow: Workflow | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that make it invalid."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def parse(bundle: Bundle) -> Parsed:
    """Read a whole definition. Never raises: what is wrong with it is a problem."""
    report = Report(METADATA)
    try:
        text = bundle.files[METADATA].decode("utf-8-sig", errors="replace")
        report.document = read_json(text)
    except KeyError:
        report.add_at("error", None, "is not there", "Write it: a definition begins with its metadata.")
        return Parsed(None, tuple(report.problems))
    except DocumentError as error:
        report.add_at("error", error.line, str(error), "Mend the JSON.")
        return Parsed(None, tuple(report.problems))
    root = Node(report.document.data, (), report)
    if not root.members():
        return Parsed(None, tuple(report.problems or [Problem("error", METADATA, 1, "is empty", "Write it.")]))
    others: list[Problem] = []
    workflow = _workflow(bundle, root, others)
    return Parsed(workflow, (*report.problems, *others))


def problems_of(reading: Reading, parsed: Parsed) -> tuple[Problem, ...]:
    """What is wrong with a folder and with what it says. Metadata that cannot be read is not called missing as well."""
    refused = any(problem.file in (METADATA, ".") for problem in reading.problems)
    if refused and METADATA not in reading.bundle.files:
        return reading.problems
    return (*reading.problems, *parsed.problems)


def _workflow(bundle: Bundle, root: Node, problems: list[Problem]) -> Workflow | None:
    required = {key: _required(root, key) for key in ("workflow_type", "version", "name", "description")}
    if root.child("phases").data is None:
        root.error("'phases' is missing", "List the phases.")
    source = read_source(root)
    phases = read_phases(root, bundle.files, problems)
    if source is not None:
        phases = add_dynamic_phases(phases, source, root, bundle, problems)
    options = read_options(root)
    phases = tuple(_held_to_declarations(phase, phases, options, problems) for phase in phases)
    budget = read_budget(root.child("budget"))
    awaits_plan = source is not None and bundle.plan is None
    if not (phases or awaits_plan) or not all(required.values()):
        return None
    aliases = dict.fromkeys((required["workflow_type"], *root.child("aliases").texts()))
    aliases.pop(bundle.name, None)
    return Workflow(
        workflow_type=bundle.name,
        declared_type=required["workflow_type"],
        version=required["version"],
        name=required["name"],
        description=required["description"],
        category=root.child("category").text(severity="warning") or "uncategorized",
        aliases=tuple(aliases),
        tags=root.child("tags").texts(severity="warning"),
        target_languages=root.first("target_languages", "target_language").texts(severity="warning"),
        artifacts=root.first("artifacts", "primary_outputs").texts(severity="warning"),
        estimated_duration=root.child("estimated_duration").text(severity="warning") or None,
        phases=phases,
        start_phase=_start(root.child("start_phase"), phases, any_number=awaits_plan),
        plan=source,
        options=options,
        budget=budget,
        metadata=root.data,
    )


def _required(root: Node, key: str) -> str:
    node = root.child(key)
    if node.data is None or node.data == "":
        root.error(f"'{key}' is missing", "Add it.")
    return node.text()


def _start(node: Node, phases: tuple[Phase, ...], *, any_number: bool) -> int:
    number = node.integer(phases[0].number if phases else 1)
    if not any_number and number not in {phase.number for phase in phases}:
        node.error(f"there is no phase {number} to start with", "Name a phase that exists.")
        return phases[0].number
    return number


def _held_to_declarations(
    phase: Phase, phases: tuple[Phase, ...], options: tuple[OptionDeclaration, ...], problems: list[Problem]
) -> Phase:
    """The phase, its gate blocking when it has filled in what nobody declared, or sends back to where nothing is."""
    wrong = [said for check in phase.gate.checks for said in undeclared(check, options)]
    back = phase.gate.rollback_to
    if back is not None and back not in {one.number for one in phases if one.number < phase.number}:
        wrong.append(f"on_no_go goes back to phase {back}, which is none before this one")
    if not wrong:
        return phase
    file, hint = f"phases/{phase.number}/{GATE_FILE}", "Mend the gate, or declare the option in the metadata."
    problems.extend(Problem("error", file, None, said, hint) for said in wrong)
    problem = phase.gate.problem or f"the gate is invalid: {'; '.join(wrong[:3])}"
    return phase.model_copy(update={"gate": phase.gate.model_copy(update={"problem": problem})})
