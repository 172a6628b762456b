"""Finds what a command line gives an interpreter as code.

A value that is filled in there becomes code itself: a file's name is enough to run anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from mcp_server.domain.checks import placeholders

HINT: Final = (
    """Pass it as an argument of its own after the script, as in [sh, -c, 'cat "$1"', sh, "{target_file}"]; """
    "for cmd and powershell, which take all that follows as code, write a script file."
)


UNSAFE: Final = ("target_file", "match")
"""Placeholders of which the assistant, or who names a file, has the say; so it has of an option that is a path."""

_MAX_ARGUMENTS: Final = 500
"""So many are looked through: a command with more of them before its script is none that anybody wrote."""


@dataclass(frozen=True, slots=True)
class _Interpreter:
    """How the flags of a program are read, of which several letters may share an argument.

    ``code`` are the letters before code and ``valued`` those before another value: the rest of the argument, else the
    next one. After ``last`` no flag is the program's own. ``late``: the code is the first argument that is no flag.
    """

    code: str
    valued: str = ""
    last: str = ""
    long: tuple[str, ...] = ()
    late: bool = False


_SHELL: Final = _Interpreter("c", "oO", late=True)
_INTERPRETERS: Final = {
    **dict.fromkeys(("sh", "ash", "bash", "dash", "fish", "ksh", "mksh", "zsh"), _SHELL),
    **dict.fromkeys(("python", "pythonw", "pypy", "py"), _Interpreter("c", "WX", "m")),
    **dict.fromkeys(("node", "nodejs"), _Interpreter("ep", "rC", long=("--eval", "--print"))),
    "perl": _Interpreter("eE", "FIMm"),
    "ruby": _Interpreter("e", "CEFIr"),
    "php": _Interpreter("rBRE", "cdtz", "f"),
    "env": _Interpreter("S", "uC", long=("--split-string",)),
}
_WHOLE_LINE: Final = {
    "cmd": re.compile(r"(/[a-z:]+)*/[ckr]", re.IGNORECASE),
    "powershell": re.compile(r"[-/](c|com[a-z]*|e|ec|enc[a-z]*)", re.IGNORECASE),
    "pwsh": re.compile(r"[-/](c|com[a-z]*|e|ec|enc[a-z]*)", re.IGNORECASE),
}
"""Programs that take everything after such a flag as code."""


def names_in_code(run: Iterable[str]) -> Iterator[str]:
    """The placeholders of a command line that are filled into code."""
    argv = tuple(islice(run, _MAX_ARGUMENTS))
    for index, text in enumerate(argv):
        # Wherever it stands: env, timeout, uv and others run what is named after them.
        for code in _code(_program(text), argv[index + 1 :]):
            yield from placeholders(code)


def _program(text: str) -> str:
    name = re.split(r"[/\\]", text)[-1].lower().removesuffix(".exe")
    return name.rstrip("0123456789.")


def _code(program: str, arguments: tuple[str, ...]) -> Iterator[str]:
    flag = _WHOLE_LINE.get(program)
    if flag is not None:
        begins = next((index for index, text in enumerate(arguments) if flag.fullmatch(text)), len(arguments))
        yield from arguments[begins + 1 :]
    elif program in _INTERPRETERS:
        known = _INTERPRETERS[program]
        yield from _late(known, arguments) if known.late else _flagged(known, arguments)


def _late(known: _Interpreter, arguments: tuple[str, ...]) -> Iterator[str]:
    """The code of a shell."""
    rest, awaited = iter(arguments), False
    for text in rest:
        if text[:1] not in ("-", "+") or text in ("-", "--"):
            if awaited:
                yield next(rest, "") if text in ("-", "--") else text
            return
        if not text.startswith("--"):
            awaited = awaited or any(letter in text for letter in known.code)
            if text[-1] in known.valued:
                next(rest, "")


def _flagged(known: _Interpreter, arguments: tuple[str, ...]) -> Iterator[str]:
    """The code of a program that has it right after a flag."""
    rest = iter(arguments)
    for text in rest:
        name, _, value = text.partition("=")
        if name in known.long:
            yield value or next(rest, "")
        elif text.startswith("--") and text != "--":
            continue
        elif not text.startswith("-") or text in ("-", "--"):
            return
        else:
            kind, value = _first_flag(known, text[1:])
            if kind == "last":
                return
            following = value or next(rest, "") if kind else ""
            if kind == "code":
                yield following


def _first_flag(known: _Interpreter, letters: str) -> tuple[str, str]:
    """Of a group of flags the kind of the first that is followed by something, and what follows in the group."""
    for index, letter in enumerate(letters):
        if letter in known.code:
            return "code", letters[index + 1 :].lstrip(known.code)
        if letter in known.valued:
            return "valued", letters[index + 1 :]
        if letter in known.last:
            return "last", ""
    return "", ""
