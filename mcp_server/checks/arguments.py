"""A check's texts with their placeholders filled in: its command line, its paths, its globs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mcp_server.domain.checking import CheckPlan
from mcp_server.domain.checks import filled, placeholders

_WHOLE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}")
_SPECIAL: Final = re.compile(r"([*?\[\\])")
_PLAIN: Final = ("session_id", "phase")
"""Values that are no paths."""


class Values:
    """What placeholders stand for in one plan.

    ``inside`` tells whether a relative path stays in the project now; links may have changed since it was given. What
    does not has no value. Every method raises LookupError that says what is missing.
    """

    def __init__(self, plan: CheckPlan, inside: Callable[[str], bool]) -> None:
        self._fragments = plan.fragments
        self._values = {name: value for name, value in plan.values.items() if name in _PLAIN or inside(value)}

    def argv(self, run: Iterable[str], places: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """The command line. ``places`` are values of this run alone: ``project``, ``match``, ``definition``.

        A placeholder stays inside its argument, whatever its value holds; one that is a whole argument and stands for
        a choice may become several.
        """
        argv: list[str] = []
        for text in run:
            whole = _WHOLE.fullmatch(text)
            fragment = self._fragments.get(whole.group(1)) if whole else None
            argv += [self._filled(text, places or {})] if fragment is None else fragment
        if not argv or not argv[0]:
            raise LookupError("it names no program")
        return tuple(argv)

    def path(self, text: str) -> str:
        """A path from the project's root."""
        return self._filled(text, {})

    def glob(self, text: str) -> str:
        """A glob, in which what is filled in means itself and no pattern."""
        return self._filled(text, {}, literal)

    def _filled(self, text: str, places: Mapping[str, str], form: Callable[[str], str] = str) -> str:
        values: dict[str, str] = {}
        for name in placeholders(text):
            fragment = self._fragments.get(name, ())
            value = places.get(name, self._values.get(name, fragment[0] if len(fragment) == 1 else None))
            if value is None:
                raise LookupError(_problem(name, fragment))
            values[name] = form(value)
        return filled(text, values)


def literal(path: str) -> str:
    """The glob that means this path and no other."""
    return _SPECIAL.sub(r"\\\1", path)


def _problem(name: str, fragment: tuple[str, ...]) -> str:
    if fragment:
        return f"{{{name}}} stands for {len(fragment)} arguments, so it has to be an argument of its own"
    option = name.removeprefix("options.")
    given = f"the option '{option}' was not given" if option != name else f"{{{name}}} has no value"
    return f"{given}, or its path leads out of the project"
