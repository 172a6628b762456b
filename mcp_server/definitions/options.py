"""Reads the options that a definition declares, and holds its checks to them.

Only what is declared is ever filled into a command line: a choice gives one of the listed fragments, a path stays
inside the project. Text that an assistant made up never becomes an argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mcp_server.definitions.nodes import Node
from mcp_server.definitions.scripts import names_in_code
from mcp_server.domain.checks import Check, OptionDeclaration, placeholders
from mcp_server.domain.values import is_list

OPTION_KEYS: Final = frozenset({"choice", "path", "default", "required", "description"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}\Z")
_HINT: Final = "Declare it as {choice: [pytest, unittest]} or {path: true}."


def read_options(root: Node) -> tuple[OptionDeclaration, ...]:
    """The declared options. One that is declared in another way informs a reader and can be filled in nowhere."""
    return tuple(
        option for name, node in root.child("options").members().items() if (option := _option(name, node)) is not None
    )


def _option(name: str, node: Node) -> OptionDeclaration | None:
    choice, path = node.child("choice"), node.child("path")
    if choice.data is None and path.data is None:
        return None
    if not _NAME.match(name):
        node.error(f"'{name[:40]}' is no name for an option", "Use letters, digits, '_' and '-'.")
    if choice.data is not None and path.data is not None:
        node.error(f"the option '{name}' is a choice or a path, not both", _HINT)
    for key in sorted(set(node.members()) - OPTION_KEYS):
        node.child(key).error(f"'{key}' says nothing about an option", f"Known are {', '.join(sorted(OPTION_KEYS))}.")
    choices = _choices(choice)
    default = node.child("default").text() or None
    if default is not None and choice.data is not None and default not in choices:
        node.child("default").error(f"the option '{name}' has no choice '{default[:40]}'", "Name one of its choices.")
    return OptionDeclaration(
        name=name,
        path=path.boolean(default=False),
        choices=choices,
        default=default,
        required=node.child("required").boolean(default=default is None),
        description=node.child("description").text(),
    )


def _choices(node: Node) -> dict[str, tuple[str, ...]]:
    if is_list(node.data):
        found = {text: (text,) for text in node.texts()}
    else:
        found = {name: member.texts() for name, member in node.members().items()}
    for name, fragment in found.items():
        if not fragment:
            node.child(name).error(f"the choice '{name}' stands for no argument", "List its arguments.")
    if node.data is not None and not found:
        node.error("a choice between nothing", "List the choices.")
    return found


def undeclared(check: Check, options: tuple[OptionDeclaration, ...]) -> Iterator[str]:
    """What is wrong with the options that a check has filled in."""
    known = {option.name: option for option in options}
    texts = (*check.run, check.file, check.glob, check.for_each or "", *check.inputs, *check.outputs)
    for text in texts:
        for name in placeholders(text):
            if not name.startswith("options."):
                continue
            option = known.get(name.removeprefix("options."))
            if option is None:
                yield f"the check '{check.id}' has {{{name}}} filled in, which the metadata does not declare"
            elif any(len(fragment) != 1 for fragment in option.choices.values()) and text != f"{{{name}}}":
                yield f"the check '{check.id}': {{{name}}} stands for several arguments, so it has to stand alone"
            elif option.choices and text not in check.run:
                yield f"the check '{check.id}': the choice {{{name}}} can only be an argument"
    paths = {f"options.{option.name}" for option in options if option.path}
    for name in sorted(paths.intersection(names_in_code(check.run))):
        yield f"the check '{check.id}': {{{name}}} is filled into a script, so a file's name would be run as code"
