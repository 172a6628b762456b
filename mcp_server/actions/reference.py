"""The reference pages that follow from the code: the actions, the errors and the states, as Markdown.

What is said of a parameter, a reply or an error is its docstring or description; the example calls and replies are
handed in by whoever ran them. Adding an action changes no line here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from mcp_server.actions import ACTIONS
from mcp_server.actions.action import AnyAction, Reply
from mcp_server.actions.schema import input_schema
from mcp_server.domain import machine
from mcp_server.errors import PosWorkflowError

WIDTH: Final = 118
NEVER: Final = "no"
RENEW: Final = "<!-- Generated: python -m tests.docs.renew writes this page, and a test holds it to the code. -->"

_COMMON_FACTS: Final = frozenset(
    {"status", "action", "error", "error_type", "remediation", "session_id", "version", "session_status"}
    | {"next_actions"}
)
FACTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ValueError": {
        "valid_actions": "the fourteen names",
        "fields": "`{field, problem}` for every argument that is wrong",
    },
    "NotFoundError": {"did_you_mean": "the nearest names that exist"},
    "ValidationError": {
        "checkpoint_passed": "`false`",
        "gate": "`refused` or `blocked`",
        "missing_evidence": "the required names that were not shown",
        "validation_errors": "`{field, problem}` for everything that is wrong",
        "blocked_by": "of a gate that cannot be judged at all: why",
        "checks": "what each check came to, and what it printed if it did not pass",
        "attempt": "the number of this attempt in the session's life",
        "attempts_left": "how often the gate may still refuse; absent when there is no limit",
        "escalate": "`true` when the same refusal came twice in a row: ask the person",
        "advice": "the sentence that the definition gives for a refusal",
        "evidence_schema": "the JSON Schema of what is still missing or wrong, the first time that it is",
        "warnings": "what is doubtful and did not count, and names that are not asked for while others are missing",
        "replayed": "`true` when the refusal is one that the same `request_id` got before",
    },
    "StateError": {
        "current_phase": "the phase that is current",
        "allowed_actions": "the changing actions that are legal now",
    },
    "BusyError": {"retry_after_seconds": "how long to wait before the same call is made again"},
    "CorruptStateError": {
        "finding": "what is wrong with the files: `torn`, `tampered`, `newer` or `foreign`, and how it shows",
    },
    "StorageError": {"outcome": "`unchanged`, or `unknown`: repeat the call with the same `request_id`"},
    "RuntimeError": {"error_id": "finds the traceback in the server's log"},
}
"""The facts of an error beside the common ones, by ``error_type``; an example shows only those that its case has."""

ACTIONS_INTRO: Final = """\
# Actions

The server has one tool, `pos_workflow`, and the tool has {count} actions. A call is one flat object; `action` says
which. An action that *changes* takes a `request_id`, which makes it harmless to repeat; one that *reads* changes
nothing and works in every status. An unknown parameter is an error, and one that is `null` counts as absent.
`options` and `evidence` may come as a JSON string.

Every reply has `status` and `action`. One about a session also has `session_id`, `version` (one more with every
change), `session_status` and `next_actions`: literal calls, best first, `fill` naming the arguments to add. Any reply
may have `warnings`. A reply stays under 80,000 bytes; where it stopped, `next_cursor` leads on (`get_phase` continues
the phase of a changing reply). [Errors](errors.md) have their own page, and so have the [states](states.md) that
allow an action or do not.

The examples are one session of the workflow from [Write a workflow](../how-to/write-a-workflow.md), run by the command
that wrote this page.
"""
ERRORS_INTRO: Final = """\
# Errors

An error is a tool result with `isError: true`, never a protocol error. It has `error` (what is wrong, every finding at
once), `error_type`, `remediation` (what to do now) and the facts listed below. An error about a session carries the
common fields of a [reply](actions.md) too; the examples show them once, under `ValidationError`. No error tells a path
outside the project, a traceback, or the value that opens a gate.

A call is judged in this order: the action's name; the form of all arguments; whether the session exists and its files
can be trusted; `request_id`; `expected_version`; whether phase and task exist; whether the state allows it; the gate.
Only a `ValidationError` was committed: the attempt is on record. After all others nothing has changed (of a
`StorageError` see `outcome`).
"""
DEFECT: Final = "Whatever else escapes is a defect of ours. The reply tells an id and nothing more."
BEFORE_THE_TOOL: Final = """\
## Before a call reaches the tool

The protocol's own layer, the SDK, reads a line before this program sees it. What it cannot take it drops, or answers
with a protocol error that has no `error_type`. Tried on a server over standard input:

| a line with | what happens |
|---|---|"""
AFTER_THE_SDK: Final = """
A host never sends most of these. `evidence` and `options` given as a JSON *string* escape the SDK's reading: in them
names given twice, deep nesting and numbers that are not finite are named in a `ValueError`.
"""
STATES_INTRO: Final = """\
# States

A session has a status, and while it is active its gate stands `open`, or at what the last attempt came to: `refused`
or `blocked`. One table in `mcp_server/domain/machine.py` says which event is legal where and what it leads to. What is
not in it is a `StateError`, and nothing happens.
"""
ALLOWED: Final = """\
## The actions

The changing actions that each state allows. Those that read are allowed everywhere but in the trash.

| state | allowed |
|---|---|"""
REOPENED: Final = """
A gate that says `reopen: person` takes `retry_phase` and `rollback` away from `failed`: only `pos-workflow reopen`
opens the phase again.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A call and the reply that it got."""

    arguments: Mapping[str, Any]
    reply: Mapping[str, Any]


def actions_page(examples: Mapping[str, Example]) -> str:
    """The page of the actions; an example for each."""
    parts = [_overview(), *(_action(action, examples[action.name]) for action in ACTIONS), _parts()]
    return _page(ACTIONS_INTRO.format(count=len(ACTIONS)), *parts)


def errors_page(examples: Mapping[str, Sequence[Example]], before_the_tool: Sequence[tuple[str, str]]) -> str:
    """The page of the errors: examples by ``error_type``, and what happens to messages that reach no tool."""
    return _page(
        ERRORS_INTRO,
        *(_error(error, examples) for error in _error_types()),
        _told("RuntimeError", [DEFECT], examples),
        BEFORE_THE_TOOL,
        *(f"| {sent} | {answer} |" for sent, answer in before_the_tool),
        AFTER_THE_SDK,
    )


def states_page() -> str:
    """The page of the states, drawn from the table that is the law."""
    return _page(
        STATES_INTRO,
        "```mermaid\nstateDiagram-v2\n    [*] --> active : session_started",
        *_edges(),
        "```\n",
        "Taken out of the trash (`session_undeleted`) or accepted by a person (`seal_accepted`), a session is as it",
        "was.\n\n## The table\n",
        *_table(),
        ALLOWED,
        *(f"| {_name(state)} | {_code(machine.allowed_actions(state))} |" for state in machine.TABLE),
        REOPENED,
    )


def _page(*parts: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join([RENEW, *parts])).rstrip("\n") + "\n"


def _overview() -> str:
    rows = (f"| [`{action.name}`](#{action.name}) | {_kind(action)} | {_prose(action.summary)} |" for action in ACTIONS)
    return "\n".join(["| action | | what it does |\n|---|---|---|", *rows, ""])


def _kind(action: AnyAction) -> str:
    return "changes" if action.mutating else "reads"


def _action(action: AnyAction, example: Example) -> str:
    summary, rest = _docstring(action.params)
    what = "It changes something." if action.mutating else "It reads."
    parts = [
        f"## {action.name}\n",
        f"{summary} {what}\n",
        rest,
        "| parameter | type | |\n|---|---|---|",
        *_parameters(action),
        "",
        f"Reply: {_all(action.reply)}\n",
        *_fields(action.reply.model_json_schema(), but=frozenset(Reply.model_fields)),
        "",
        _example(example),
    ]
    return "\n".join(parts)


def _parameters(action: AnyAction) -> Iterator[str]:
    schema = action.params.model_json_schema()
    required = set(schema.get("required", ()))
    folded = input_schema((action,))["properties"]
    for name in sorted(schema["properties"], key=lambda name: name not in required):
        part = folded[name]
        said = part["description"].partition(" Used by:")[0]
        need = "required" if name in required else "optional"
        yield f"| `{name}` | {_bounded(part)}, {need} | {_cell(said)} |"


def _bounded(part: Mapping[str, Any]) -> str:
    if "enum" in part:
        return " or ".join(f"`{value}`" for value in part["enum"])
    words = [str(part["type"])]
    if "pattern" in part:
        words.append(f"`{part['pattern']}`")
    for low, high, unit in (("minLength", "maxLength", " characters"), ("minimum", "maximum", "")):
        bounds = [part.get(low), part.get(high)]
        if None not in bounds:
            words.append(f"{bounds[0]:,} to {bounds[1]:,}{unit}")
        elif bounds != [None, None]:
            words.append(f"at least {bounds[0]:,}{unit}" if bounds[1] is None else f"at most {bounds[1]:,}{unit}")
    return " ".join([words[0], *words[1:]])


def _fields(schema: Mapping[str, Any], but: frozenset[str] = frozenset()) -> Iterator[str]:
    required = set(schema.get("required", ()))
    yield "| field | type |\n|---|---|"
    for name, part in schema["properties"].items():
        if name not in but:
            yield f"| `{name}` | {_type(part)}{'' if name in required else ', or absent'} |"


def _type(part: Any) -> str:
    if "$ref" in part:
        name = str(part["$ref"]).rpartition("/")[2]
        if name == "JsonValue":
            return "any value"
        return f"[{name}](#{name.lower()})"
    if "anyOf" in part:
        return " or ".join(_type(one) for one in part["anyOf"] if one.get("type") != "null")
    if part.get("type") == "array":
        return f"list of {_type(part.get('items', {}))}"
    if part.get("type") == "object":
        inner: Any = part.get("additionalProperties")
        return f"object of {_type(inner)}" if isinstance(inner, Mapping) and inner else "object"
    return "time (ISO 8601)" if part.get("format") == "date-time" else str(part.get("type", "any value"))


def _parts() -> str:
    """The parts that replies are made of, each once."""
    found: dict[str, Mapping[str, Any]] = {}
    for action in ACTIONS:
        for name, part in action.reply.model_json_schema().get("$defs", {}).items():
            if part.get("type") == "object":
                found.setdefault(name, part)
    lines = ["## Parts of replies\n"]
    for name in sorted(found):
        lines += [f"### {name}\n", _prose(found[name].get("description", "")) + "\n", *_fields(found[name]), ""]
    return "\n".join(lines)


def _error_types() -> list[type[PosWorkflowError]]:
    """One class for each ``error_type``, in the order of the tree."""
    found: dict[str, type[PosWorkflowError]] = {}
    for error in PosWorkflowError.__subclasses__():
        found.setdefault(error.error_type, error)
    return list(found.values())


def _error(error: type[PosWorkflowError], examples: Mapping[str, Sequence[Example]]) -> str:
    told = [
        " ".join(_docstring(one)) for one in PosWorkflowError.__subclasses__() if one.error_type == error.error_type
    ]
    return _told(error.error_type, told, examples)


def _told(error_type: str, told: Sequence[str], examples: Mapping[str, Sequence[Example]]) -> str:
    shown = examples[error_type]
    facts = FACTS.get(error_type, {})
    if undeclared := {name for one in shown for name in one.reply} - _COMMON_FACTS - facts.keys():
        raise LookupError(f"{error_type} has facts that FACTS does not declare: {', '.join(sorted(undeclared))}")
    lines = [f"## {error_type}\n", *(f"{one}\n" for one in told)]
    if facts:
        lines += ["| fact | |\n|---|---|", *(f"| `{name}` | {said} |" for name, said in facts.items()), ""]
    return "\n".join([*lines, *(_example(one) for one in shown)])


def _example(example: Example) -> str:
    call = json.dumps(example.arguments, ensure_ascii=False)
    reply = _pretty(dict(example.reply), "")
    return f"```json\n{call}\n```\n\n```json\n{reply}\n```\n"


def _pretty(value: Any, indent: str) -> str:
    """JSON for readers: what fits stays on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or (indent and len(indent + line) <= WIDTH):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        parts = [f"{inner}{json.dumps(name)}: {_pretty(part, inner)}" for name, part in items]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    parts = [inner + _pretty(part, inner) for part in cast("list[Any]", value)]
    return "[\n" + ",\n".join(parts) + f"\n{indent}]"


def _edges() -> Iterator[str]:
    """The table by status: one edge for each pair, with the events that lead over it."""
    edges: dict[tuple[str, str], dict[str, None]] = {}
    for (status, _), row in machine.TABLE.items():
        for event, after in row.items():
            target = "[*]" if after is None else after[0].value
            edges.setdefault((status.value, target), {})[_event(event)] = None
    for (source, target), events in edges.items():
        yield f"    {source} --> {target} : {', '.join(events)}"


def _table() -> Iterator[str]:
    events = dict.fromkeys(event for row in machine.TABLE.values() for event in row)
    states = list(machine.TABLE)
    yield f"| event | {' | '.join(_name(state) for state in states)} |"
    yield f"|---|{'---|' * len(states)}"
    for event in events:
        cells = (_name(machine.TABLE[state][event]) if event in machine.TABLE[state] else NEVER for state in states)
        yield f"| `{_event(event)}` | {' | '.join(cells)} |"
    yield ""
    yield "What the events mean:\n"
    for event in events:
        yield f"- `{_event(event)}`: {_all(event)}"
    yield ""


def _event(event: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()


def _name(state: machine.State | None) -> str:
    if state is None:
        return "deleted"
    status, gate = state
    return status.value if gate is None else f"{status.value}, {gate.value}"


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _docstring(of: type) -> tuple[str, str]:
    """The first paragraph of a docstring and the rest, as Markdown."""
    text = re.sub(r"[ \t]*\n[ \t]+", "\n", (of.__doc__ or "").strip())
    first, _, rest = text.partition("\n\n")
    return _prose(first), _prose(rest) + "\n" if rest else ""


def _all(of: type) -> str:
    return " ".join(_docstring(of)).strip()


def _prose(text: str) -> str:
    return text.replace("``", "`").replace("\n\n", "\f").replace("\n", " ").replace("\f", "\n\n").strip()


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")
