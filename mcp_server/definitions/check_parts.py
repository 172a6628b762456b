"""Reads what a gate file says under ``checks`` and ``approval``.

Nothing here is run. What is wrong is an error with its line, and an unknown key makes the gate block: a condition that
nobody judges would be a gate that opens by itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from pydantic import JsonValue

from mcp_server.definitions.confinement import require_inside
from mcp_server.definitions.nodes import Node
from mcp_server.definitions.scripts import HINT as SCRIPT_HINT
from mcp_server.definitions.scripts import UNSAFE, names_in_code
from mcp_server.domain.checks import (
    CONDITIONS_OF,
    DEFAULT_EXPIRES_HOURS,
    DEFAULT_TIMEOUT_SECONDS,
    MAX_TIMEOUT_SECONDS,
    PLACES,
    Approval,
    Check,
    Conditions,
    Kind,
    NumberInOutput,
    Retry,
    ValueInJson,
    placeholders,
)
from mcp_server.domain.values import is_integer, is_number

CHECK_KEYS: Final = frozenset(
    {"id", "description", "run", "file", "glob", "for_each", "pass", "timeout_seconds", "serial", "inputs", "outputs"}
    | {"retry"}
)
RETRY_KEYS: Final = frozenset({"attempts", "backoff_seconds", "backoff_factor", "max_backoff_seconds", "on"})
APPROVAL_KEYS: Final = frozenset({"required", "prompt", "channel", "expires_hours"})
NUMBER_KEYS: Final = frozenset({"pattern", "equals", "at_least", "at_most"})
JSON_KEYS: Final = frozenset({"path", "equals", "at_least", "at_most"})
CONDITION_KEYS: Final = frozenset(key for keys in CONDITIONS_OF.values() for key in keys)
_COUNTS: Final = frozenset({"stdout_min_lines", "count_at_least"})
MAX_RETRY_ATTEMPTS: Final = 10
MAX_BACKOFF_SECONDS: Final = 600.0
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")
_ONE_KIND: Final = "Write run: [program, argument, …], file: path, or glob: pattern."

Unknown = Callable[[Node, Iterable[str]], None]
"""Notes every key of a node that is not among the known ones."""


def read_checks(node: Node, unknown: Unknown) -> tuple[Check, ...]:
    """The checks of a gate, each with an id of its own."""
    checks: list[Check] = []
    for entry in node.entries():
        check = _check(entry, unknown)
        if check is None:
            continue
        if check.id in {known.id for known in checks}:
            entry.child("id").error(f"the check '{check.id}' is there twice", "Give each check its own id.")
        checks.append(check)
    return tuple(checks)


def read_approval(node: Node, unknown: Unknown) -> Approval | None:
    """What a gate says of a person's approval; None when it asks for none."""
    if isinstance(node.data, bool):
        return Approval() if node.data else None
    unknown(node, APPROVAL_KEYS)
    if not node.members() or node.child("required").boolean(default=True) is False:
        return None
    channel = node.child("channel").text("out_of_band")
    if channel not in ("out_of_band", "any"):
        node.child("channel").error(f"there is no channel '{channel}'", "Use out_of_band or any.")
        channel = "out_of_band"
    hours = _number(node.child("expires_hours"), DEFAULT_EXPIRES_HOURS, above=0, most=24 * 366)
    return Approval(prompt=node.child("prompt").text(), channel=cast("Any", channel), expires_hours=hours)


def _check(node: Node, unknown: Unknown) -> Check | None:
    unknown(node, CHECK_KEYS)
    identity = node.child("id").text()
    if not _ID.match(identity):
        problem = f"'{identity[:40]}' is no id" if identity else "a check needs an id"
        node.child("id").error(problem, "Give it one of letters, digits, '_', '.' and '-', at most 100.")
    kinds = [kind for kind in ("run", "file", "glob") if node.child(kind).data is not None]
    if len(kinds) != 1:
        node.error(f"the check '{identity}' has to have one of run, file and glob", _ONE_KIND)
        return None
    kind = cast("Kind", kinds[0])
    if kind != "run":
        for key in ("for_each", "retry", "timeout_seconds", "serial", "outputs"):
            if node.child(key).data is not None:
                node.child(key).error(f"'{key}' makes sense for a check that runs something", "Remove it.")
    check = Check(
        id=identity,
        kind=kind,
        description=node.child("description").text(),
        run=_argv(node.child("run")) if kind == "run" else (),
        file=node.child("file").text(),
        glob=node.child("glob").text(),
        for_each=node.child("for_each").text() or None,
        timeout_seconds=_number(
            node.child("timeout_seconds"), DEFAULT_TIMEOUT_SECONDS, above=0, most=MAX_TIMEOUT_SECONDS
        ),
        serial=node.child("serial").boolean(default=False),
        inputs=node.child("inputs").texts(),
        outputs=node.child("outputs").texts(),
        retry=_retry(node.child("retry"), unknown),
        conditions=_conditions(node.child("pass"), kind, unknown),
    )
    _require_known_places(node, check)
    for name in sorted({*names_in_code(check.run)}.intersection(UNSAFE)):
        node.child("run").error(
            f"{{{name}}} is filled into a script, so a file's name would be run as code", SCRIPT_HINT
        )
    for key in ("file", "glob", "for_each", "inputs", "outputs"):
        require_inside(node.child(key))
    return check


def _argv(node: Node) -> tuple[str, ...]:
    if isinstance(node.data, str):
        node.error("'run' is a list of arguments, since no shell takes them apart", "Write [program, argument, …].")
        return ()
    argv = tuple(_argument(item) for item in node.entries())
    if not argv or not argv[0].strip():
        node.error("'run' names no program", "Write [program, argument, …].")
    elif "{" in argv[0] and not re.fullmatch(r"\{options\.[\w-]+\}", argv[0]):
        hint = "Begin with the program's name, as in [python, -m, pytest], or with {options.NAME} of a choice."
        node.error("the program has to be written out, or be an option that is a choice", hint)
    return argv


def _argument(node: Node) -> str:
    if isinstance(node.data, str) and "\0" in node.data:
        node.error("an argument cannot hold a zero byte", "Remove it.")
    # As it stands: an argument may begin or end with a blank.
    return node.data if isinstance(node.data, str) else node.text()


def _require_known_places(node: Node, check: Check) -> None:
    texts = [("run", text) for text in check.run] + [("file", check.file), ("glob", check.glob)]
    texts += [("for_each", check.for_each or ""), *(("outputs", text) for text in check.outputs)]
    texts += [("inputs", text) for text in check.inputs]
    for key, text in texts:
        for name in placeholders(text):
            known = name in PLACES or name.startswith("options.")
            if name == "match" and check.for_each is None:
                node.child(key).error("'{match}' has no for_each to come from", "Add for_each, or write {{match}}.")
            elif not known or (key != "run" and name in ("project", "definition", "match")):
                hint = f"Known are {', '.join(PLACES)} and options.NAME; a literal brace is doubled."
                node.child(key).error(f"nothing is known as '{{{name}}}' in {key}", hint)


def _conditions(node: Node, kind: Kind, unknown: Unknown) -> Conditions:
    unknown(node, CONDITION_KEYS)
    for key, member in node.members().items():
        if key in CONDITION_KEYS - CONDITIONS_OF[kind]:
            member.error(f"'{key}' says nothing about a {kind}", f"Use {', '.join(sorted(CONDITIONS_OF[kind]))}.")
    said = {key for key in CONDITION_KEYS if node.child(key).data is not None}
    if not said:
        node.error("a check without 'pass' would pass always", "Say under 'pass' what has to hold.")
    elif all(key in _COUNTS and node.child(key).data == 0 for key in said):
        node.error("at least 0 holds always, so the check would pass always", "Write a number above 0.")
    values = {
        **{key: _integer(node.child(key)) for key in ("exit_code", "stdout_min_lines", "min_bytes")},
        **{key: _integer(node.child(key)) for key in ("count_at_least", "count_at_most")},
        **{key: _true(node.child(key)) for key in ("exists", "absent", "unchanged_since_phase_start")},
        **{key: _pattern(node.child(key)) for key in ("stdout_matches", "stdout_not_matches", "matches")},
        "contains": node.child("contains").data if isinstance(node.child("contains").data, str) else None,
        "stdout_number": _number_in_output(node.child("stdout_number"), unknown),
        "stdout_json": _value_in_json(node.child("stdout_json"), unknown),
    }
    if "contains" in said and not values["contains"]:
        node.child("contains").error("contains has to be a text that is not empty", "Write the text.")
    if values["exists"] and values["absent"]:
        node.error("a file cannot be both there and absent", "Keep one of exists and absent.")
    return Conditions.model_validate({key: value for key, value in values.items() if value is not None})


def _true(node: Node) -> bool | None:
    if node.data is None or node.data is True:
        return node.data
    node.error(f"{node.label} can only be true", "Write true; the opposite of exists is absent.")
    return None


def _integer(node: Node) -> int | None:
    if node.data is None or (is_integer(node.data) and 0 <= node.data < 2**53):
        return node.data
    node.error(f"{node.label} has to be an integer not below 0", "Write it so, or leave it out.")
    return None


def _pattern(node: Node) -> str | None:
    if node.data is None:
        return None
    if not isinstance(node.data, str) or not node.data:
        node.error(f"{node.label} has to be a regular expression", "Write it as text.")
        return None
    try:
        re.compile(node.data)
    except re.error as error:
        # A dialect that re does not read is left to the engine that judges it.
        if "bad escape" not in str(error) and "unknown extension" not in str(error):
            node.error(f"{node.label} is no regular expression: {error}", "Mend the pattern.")
    return node.data


def _bounds(node: Node) -> dict[str, float | None]:
    found = {key: _finite(node.child(key)) for key in ("at_least", "at_most")}
    low, high = found["at_least"], found["at_most"]
    if low is not None and high is not None and low > high:
        node.error("at_least is above at_most", "No number can satisfy both.")
    return found


def _finite(node: Node) -> float | None:
    if node.data is None or (is_number(node.data) and math.isfinite(node.data)):
        return node.data
    node.error(f"{node.label} has to be a number", "Write it so, or leave it out.")
    return None


def _number_in_output(node: Node, unknown: Unknown) -> NumberInOutput | None:
    if node.data is None:
        return None
    unknown(node, NUMBER_KEYS)
    pattern = _pattern(node.child("pattern"))
    if pattern is None:
        node.error("stdout_number needs a pattern", "Write the pattern that the number is found with.")
    bounds = _bounds(node) | {"equals": _finite(node.child("equals"))}
    if all(value is None for value in bounds.values()):
        node.error("stdout_number compares with nothing", "Add equals, at_least or at_most.")
    return NumberInOutput(pattern=pattern or "", **bounds)


def _value_in_json(node: Node, unknown: Unknown) -> ValueInJson | None:
    if node.data is None:
        return None
    unknown(node, JSON_KEYS)
    path = node.child("path").text()
    if not path:
        node.error("stdout_json needs a path", "Write the keys with dots between, as in totals.percent_covered.")
    equals: tuple[JsonValue] | None = (node.data["equals"],) if "equals" in node.members() else None
    bounds = _bounds(node)
    if equals is None and all(value is None for value in bounds.values()):
        node.error("stdout_json compares with nothing", "Add equals, at_least or at_most.")
    return ValueInJson(path=path, equals=equals, **bounds)


def _retry(node: Node, unknown: Unknown) -> Retry | None:
    if node.data is None:
        return None
    unknown(node, RETRY_KEYS)
    attempts = node.child("attempts").integer(3, least=1)
    if attempts > MAX_RETRY_ATTEMPTS:
        node.child("attempts").error(f"more than {MAX_RETRY_ATTEMPTS} attempts are no retry", "Lower it.")
    on_timeout, codes = False, list[int]()
    for reason in node.child("on").entries():
        code = reason.child("exit_code").data
        if reason.data == "timeout":
            on_timeout = True
        elif is_integer(code):
            codes.append(code)
        else:
            reason.error("a retry is for 'timeout' or {exit_code: N}", "Use one of these.")
    if not on_timeout and not codes:
        node.error("the retry says not after what", "Add on: [timeout, {exit_code: 75}].")
    return Retry(
        attempts=min(attempts, MAX_RETRY_ATTEMPTS),
        backoff_seconds=_number(node.child("backoff_seconds"), 1.0, above=-1, most=MAX_BACKOFF_SECONDS),
        backoff_factor=_number(node.child("backoff_factor"), 2.0, above=0, most=10),
        max_backoff_seconds=_number(node.child("max_backoff_seconds"), 30.0, above=-1, most=MAX_BACKOFF_SECONDS),
        on_timeout=on_timeout,
        on_exit_codes=tuple(codes),
    )


def _number(node: Node, default: float, *, above: float, most: float) -> float:
    if node.data is None:
        return default
    if is_number(node.data) and above < node.data <= most and (above >= 0 or node.data >= 0):
        return float(node.data)
    least = "not below 0" if above < 0 else f"above {above:g}"
    node.error(f"{node.label} has to be a number {least} and at most {most:g}", "Write it so, or leave it out.")
    return default
