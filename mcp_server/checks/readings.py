"""Values read out of a program's output: a number that a pattern finds, a value in JSON."""

from __future__ import annotations

import json
import math
from typing import Any, Final, cast

import regex
from pydantic import JsonValue

from mcp_server.checks.output import Output
from mcp_server.domain.checks import NumberInOutput, ValueInJson
from mcp_server.domain.values import is_list, is_object

MATCH_SECONDS: Final = 1.0
MAX_SHOWN: Final = 80
MAX_INTEGER: Final = 2**53
"""Beyond it JSON's readers do not agree on an integer."""
CUT: Final = "cannot be told, since only the end of the output was kept"


class UntoldError(Exception):
    """Something cannot be read out of what was found; the text says why."""


def number_in(wanted: NumberInOutput, output: Output) -> int | float:
    """The number that is found last. Raises UntoldError, TimeoutError, regex.error."""
    last = None
    for last in regex.finditer(wanted.pattern, output.text, timeout=MATCH_SECONDS):  # noqa: B007 - the last one counts
        pass
    if last is None:
        raise UntoldError(CUT if output.truncated else f"finds no number: nothing matches {shown(wanted.pattern)}")
    group = 1 if last.re.groups else 0
    text = last.group(group) or ""
    # What begins where the output was cut may have begun before.
    if output.truncated and last.start(group) == 0:
        raise UntoldError(CUT)
    try:
        number = float(text)
    except ValueError:
        raise UntoldError(f"found {shown(text)}, which is no number") from None
    if not math.isfinite(number):
        raise UntoldError(f"found {shown(text)}, which is no finite number")
    return int(number) if number.is_integer() and "." not in text and abs(number) < MAX_INTEGER else number


def value_in(wanted: ValueInJson, output: Output) -> JsonValue:
    """The value at a path of the whole output. Raises UntoldError."""
    if output.truncated:
        raise UntoldError(CUT)
    try:
        value: Any = json.loads(
            output.tail.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite, parse_int=_integer
        )
        # What no record could hold is refused here: half of a pair of surrogates.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise UntoldError("cannot be told: the output is no JSON") from None
    for name in wanted.path.split("."):
        if is_object(value) and name in value:
            value = value[name]
        elif is_list(value) and name.isascii() and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise UntoldError(f"finds nothing at {wanted.path}")
    return cast("JsonValue", value)


def _refuse(text: str) -> float:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _integer(text: str) -> int | float:
    return int(text) if len(text) < len(str(MAX_INTEGER)) else _finite(text)


def shown(text: str) -> str:
    """Text in quotes, the beginning of it."""
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")
