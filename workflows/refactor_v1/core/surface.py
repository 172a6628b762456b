"""What Python code offers to others: the public names of its modules, each with its signature.

A signature is what a caller depends on: parameters, their kinds and defaults, ``async``, ``property`` and the like.
Annotations and bodies are not part of it. A name that is imported counts as what it was where it is defined, so that
code may move; so does a method that a base class has. Nothing is imported or run to find out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

BINDING = ("property", "staticmethod", "classmethod", "cached_property", "setter")
UNRESOLVED = "imported"
DEEPEST = 20

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Names = dict[str, ast.stmt]


class Modules:
    """The modules of a project, each read once. Paths are relative to the working directory."""

    def __init__(self, target: Path) -> None:
        self._roots = (Path(), Path("src"), target if target.is_dir() else target.parent, target.parent)
        self._read: dict[Path, Names] = {}

    def names(self, path: Path) -> Names:
        """What a module binds at its top, by name. SyntaxError, ValueError or OSError where it cannot be read."""
        if path not in self._read:
            self._read[path] = dict(_bound(ast.parse(path.read_bytes(), str(path)).body))
        return self._read[path]

    def defined(self, path: Path, name: str, depth: int = 0) -> tuple[Path, ast.stmt] | None:
        """Where a name of a module is defined in the end; None when that is outside the project."""
        found = self.names(path).get(name)
        if not isinstance(found, ast.ImportFrom):
            return None if found is None or isinstance(found, ast.Import) else (path, found)
        original = next(one.name for one in found.names if (one.asname or one.name) == name)
        source = self._module(path, found.module or "", found.level)
        return None if source is None or depth > DEEPEST else self.defined(source, original, depth + 1)

    def _module(self, importer: Path, dotted: str, level: int) -> Path | None:
        parts = dotted.split(".") if dotted else []
        above = importer.parents[level - 1] if 0 < level <= len(importer.parents) else None
        for root in self._roots if level == 0 else (above,):
            if root is None:
                continue
            module = root.joinpath(*parts)
            for path in (module.with_name(f"{module.name}.py"), module / "__init__.py") if parts else ():
                if path.is_file():
                    return path
            if not parts and (root / "__init__.py").is_file():
                return root / "__init__.py"
        return None


def public_names(target: Path, known: Iterable[str] = ()) -> dict[str, str]:
    """The public names of a module or a package, each with its signature, by ``module:name``.

    ``known`` were such names before: they count also where they are imported now. SyntaxError or ValueError where a
    file is no Python.
    """
    modules, found, before = Modules(target), dict[str, str](), set(known)
    for path, module in _modules(target):
        bound = modules.names(path)
        for name in {*_offered(bound, path), *(name for name in bound if f"{module}:{name}" in before)}:
            found |= {f"{module}:{key}": value for key, value in _described(modules, path, name)}
    return found


def _modules(target: Path) -> Iterator[tuple[Path, str]]:
    """Each public module with its name; a module that became a package keeps its name."""
    package = target.with_suffix("")
    if target.suffix == ".py" and not target.is_file() and package.is_dir():
        target = package
    if target.is_file():
        yield from [(target, target.stem)] if target.suffix == ".py" else []
        return
    for path in sorted(target.rglob("*.py")):
        parts = [*path.relative_to(target).with_suffix("").parts]
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith(("_", ".", "test_")) or part in ("tests", "conftest") for part in parts):
            yield path, ".".join([target.name, *parts])


def _bound(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for statement in body:
        if isinstance(statement, Definition):
            yield statement.name, statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from ((one.asname or one.name.partition(".")[0], statement) for one in statement.names)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from ((node.id, statement) for one in targets for node in ast.walk(one) if isinstance(node, ast.Name))
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _bound([one for one in ast.iter_child_nodes(statement) if isinstance(one, ast.stmt)])
            for handler in getattr(statement, "handlers", []):
                yield from _bound(handler.body)


def _offered(names: Names, path: Path) -> list[str]:
    """``__all__`` where it can be read; else what is defined, and in ``__init__.py`` also what is imported."""
    listed = names.get("__all__")
    if isinstance(listed, ast.Assign | ast.AnnAssign) and isinstance(listed.value, ast.List | ast.Tuple):
        return [one.value for one in listed.value.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    imported = () if path.name == "__init__.py" else (ast.ImportFrom,)
    return [n for n, found in names.items() if n[0] != "_" and not isinstance(found, (ast.Import, *imported))]


def _described(modules: Modules, path: Path, name: str) -> Iterator[tuple[str, str]]:
    where = modules.defined(path, name)
    if where is None:
        if name in modules.names(path):
            yield name, UNRESOLVED
    elif not isinstance(where[1], ast.ClassDef):
        yield name, _signature(where[1])
    else:
        yield name, "class"
        members = _members(modules, *where)
        yield from ((f"{name}.{member}", _signature(found)) for member, found in members.items() if _is_public(member))


def _members(modules: Modules, path: Path, found: ast.stmt, depth: int = 0) -> Names:
    members: Names = {}
    if not isinstance(found, ast.ClassDef) or depth > DEEPEST:
        return members
    for base in reversed(found.bases):
        where = modules.defined(path, base.id) if isinstance(base, ast.Name) else None
        members |= _members(modules, *where, depth + 1) if where else {}
    return members | dict(_bound(found.body))


def _is_public(member: str) -> bool:
    return member[0] != "_" or (member.startswith("__") and member.endswith("__"))


def _signature(found: ast.stmt) -> str:
    if isinstance(found, ast.ClassDef):
        return "class"
    if not isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
        return "value"
    parameters = found.args
    every = [*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs, parameters.vararg, parameters.kwarg]
    for one in every:
        if one is not None:
            one.annotation = None
    kinds = [one for one in map(ast.unparse, found.decorator_list) if one.rpartition(".")[2] in BINDING]
    form = "async def" if isinstance(found, ast.AsyncFunctionDef) else "def"
    return " ".join([*(f"@{kind}" for kind in kinds), f"{form}({ast.unparse(parameters)})"])
