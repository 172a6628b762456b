"""What a workflow is once it has been read: phases in order, their tasks, and the gate at the end of each.

Everything here is immutable and knows no file. A definition that could not be read at all has no ``Workflow``;
one whose gate could not be read has a ``Gate`` with a ``problem``, which blocks (``gates.judge``) and never opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from mcp_server.domain.checks import Approval, Budget, Check, OptionDeclaration

FieldType = Literal["boolean", "integer", "number", "float", "string", "object", "list", "any"]
GateOrigin = Literal["file", "required_evidence", "validation_criteria", "fallback"]

DEFAULT_MAX_ATTEMPTS = 3
MAX_FIELD_NAME = 200
"""How many characters the name of a piece of evidence has at most: a longer one cannot be submitted."""


class Part(BaseModel):
    """The common ground of all parts: frozen, and no field that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Part):
    """One step of a task; ``commands`` are its fenced code blocks, shown and never run."""

    step: int
    title: str
    description: str = ""
    commands: tuple[str, ...] = ()


class TaskContent(Part):
    """What an assistant reads to do a task; ``missing`` when the metadata names a file that is not there."""

    title: str
    description: str
    instructions: str
    execution_steps: tuple[Step, ...] = ()
    artifacts_to_produce: tuple[str, ...] = ()
    estimated_duration: str | None = None
    missing: bool = False


class Task(Part):
    """One task of a phase.

    ``body`` is its whole Markdown less the front matter, ``file`` its path inside the definition. The number is the
    metadata's where it names the task, else the one in the file's name. A task of a plan brings its ``steps`` along.
    """

    number: int
    title: str
    purpose: str = ""
    body: str = ""
    front_matter: dict[str, Any] = {}
    file: str | None = None
    missing: bool = False
    estimated_duration: str | None = None
    steps: tuple[Step, ...] = ()


class Field(Part):
    """One field of the evidence. ``validator`` is a built-in or a key of the gate's ``validators``."""

    name: str
    type: FieldType = "any"
    required: bool = True
    validator: str | None = None
    validator_params: dict[str, Any] = {}
    description: str = ""
    from_check: str | None = None


class Rule(Part):
    """A condition over several fields: a lambda of the evidence, and what to say when it does not hold."""

    expression: str
    error_message: str


class Gate(Part):
    """What must be shown to leave a phase.

    ``problem`` is set when the gate cannot be evaluated, ``unsupported`` names the keys whose machinery this program
    does not have. Either one blocks the gate: it is said, and no evidence opens it. ``rollback_to`` is the phase that a
    refusal by a check sends the session back to.
    """

    fields: tuple[Field, ...] = ()
    rules: tuple[Rule, ...] = ()
    validators: dict[str, str] = {}
    strict: bool = True
    allow_override: bool = True
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    reopen: Literal["assistant", "person"] = "assistant"
    advice: str | None = None
    rollback_to: int | None = None
    checks: tuple[Check, ...] = ()
    approval: Approval | None = None
    protected_paths: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    problem: str | None = None
    origin: GateOrigin = "fallback"


class PlanPhase(Part):
    """What a plan calls a phase, whose number in the session may be another."""

    number: int
    title: str


class PlanSource(Part):
    """Where the phases of a dynamic workflow come from: the option of ``start`` that names the plan."""

    option: str
    parser: Literal["spec_tasks_parser", "workflow_definition_parser"]


class Phase(Part):
    """One phase; ``instructions`` is its Markdown less the front matter, empty where there is no file.

    ``plan_phase`` is set where the phase came from a plan. A ``skippable`` phase is skipped when its ``skip_condition``
    is an expression over the session's options that holds (``skipping``); any other text is a note.
    """

    number: int
    title: str
    description: str = ""
    instructions: str = ""
    tasks: tuple[Task, ...] = ()
    gate: Gate
    estimated_duration: str | None = None
    skippable: bool = False
    skip_condition: str = ""
    plan_phase: PlanPhase | None = None

    def task(self, number: int) -> Task | None:
        """The task of that number, or None."""
        return next((task for task in self.tasks if task.number == number), None)


class Workflow(Part):
    """A whole definition.

    ``workflow_type`` is the folder's name, ``declared_type`` what the metadata calls it.
    ``phases`` are sorted by number, which is the definition's own: it may start at 0 or 1 and have holes.
    ``metadata`` is the metadata file as it stands, keys that this program does not know included.
    With ``plan`` it is dynamic: read without its plan, it has only the phases that are always there.
    """

    workflow_type: str
    declared_type: str
    version: str
    name: str
    description: str
    category: str = "uncategorized"
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    target_languages: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    estimated_duration: str | None = None
    phases: tuple[Phase, ...]
    start_phase: int
    plan: PlanSource | None = None
    options: tuple[OptionDeclaration, ...] = ()
    budget: Budget | None = None
    metadata: Mapping[str, Any] = {}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the phases in order."""
        return tuple(phase.number for phase in self.phases)

    def phase(self, number: int) -> Phase | None:
        """The phase of that number, or None."""
        return next((phase for phase in self.phases if phase.number == number), None)

    def after(self, number: int) -> tuple[Phase, ...]:
        """The phases that follow ``number``, in order."""
        return tuple(phase for phase in self.phases if phase.number > number)
