"""The small language of the ``lambda`` strings in gate files: read by a whitelist, run on a budget, never by ``eval``.

``compile_expression`` accepts a lambda made of comparison, boolean logic, bounded arithmetic, indexing, conditional
expressions, comprehensions, a few functions, and the methods of text and mappings that have no side effect. What is
not on the list is refused by name before anything runs. What an expression does with evidence is bounded in steps and
sizes (``expression_calls``), so that no gate file and no evidence can hang or exhaust the server.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import EllipsisType
from typing import Any

from mcp_server.domain.expression_calls import FUNCTIONS, KEYWORDS, METHODS, TYPES, ExpressionError
from mcp_server.domain.expression_run import Run

__all__ = ["Expression", "ExpressionError", "ForbiddenExpressionError", "compile_expression"]

MAX_LENGTH = 4_000
MAX_DEPTH = 60

_PLAIN_NODES = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr, ast.BitXor,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
    ast.IfExp, ast.Subscript, ast.Slice, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Load, ast.Store,
)  # fmt: skip


class ForbiddenExpressionError(ValueError):
    """The text is no lambda of the small language; the message names what is not allowed."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A lambda that passed the whitelist; calling it gives its value or raises ExpressionError.

    ``inputs`` are the keys that it takes from its first parameter by name, as in ``e['goals']`` and ``e.get('goals')``;
    ``needed`` are those of them that have to be there, since the first form raises without them.
    """

    text: str
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    needed: tuple[str, ...]
    body: ast.expr

    def __call__(self, *values: Any) -> Any:
        """The value for these arguments, one per parameter. Raises ExpressionError, and nothing else."""
        if len(values) != len(self.parameters):
            raise ExpressionError(f"{len(self.parameters)} values are needed, {len(values)} were given")
        return Run().result(self.body, dict(zip(self.parameters, values, strict=True)))


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """The expression that ``text`` states. Raises ForbiddenExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ForbiddenExpressionError(f"an expression has at most {MAX_LENGTH} characters, this one has {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ForbiddenExpressionError(f"this is no expression: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ForbiddenExpressionError("this is no expression that can be read") from None
    if not isinstance(tree, ast.Lambda):
        raise ForbiddenExpressionError("an expression has the form 'lambda x: …'")
    parameters = _parameters(tree.args)
    _Whitelist().check(tree.body, frozenset(parameters), 0)
    inputs = _inputs(tree.body, parameters[0])
    needed = tuple(key for key, by_subscript in inputs.items() if by_subscript)
    return Expression(text, parameters, tuple(inputs), needed, tree.body)


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    fancy = arguments.posonlyargs or arguments.kwonlyargs or arguments.defaults
    if fancy or arguments.vararg or arguments.kwarg:
        raise ForbiddenExpressionError("only plain parameters are allowed, without defaults and stars")
    names = tuple(argument.arg for argument in arguments.args)
    if not names:
        raise ForbiddenExpressionError("an expression needs a parameter, as in 'lambda x: …'")
    for name in names:
        _check_name(name)
    return names


def _check_name(name: str) -> None:
    if name.startswith("__"):
        raise ForbiddenExpressionError(f"the name '{name}' is not allowed")


def _inputs(body: ast.expr, parameter: str) -> dict[str, bool]:
    """The keys taken from the parameter, and of each whether it is taken by subscript anywhere."""
    found: dict[str, bool] = {}
    waiting: deque[ast.AST] = deque([body])
    while waiting:
        node = waiting.popleft()
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if name == parameter:
                found[key] = True
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[ast.Constant(value=str(key)), *_]
            ) if name == parameter:
                found.setdefault(key, False)
            case _:
                pass
        waiting.extend(_seeing(node, parameter))
    return found


def _seeing(node: ast.AST, parameter: str) -> Iterator[ast.AST]:
    """The parts of a node in which the name is still the parameter: a comprehension may bind it anew."""
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        for index, part in enumerate(node.generators):
            if any(isinstance(target, ast.Name) and target.id == parameter for target in ast.walk(part.target)):
                yield from node.generators[:index]
                yield part.iter
                return
    yield from ast.iter_child_nodes(node)


class _Whitelist:
    """Walks the tree once, knowing which names are bound where."""

    def check(self, node: ast.AST, names: frozenset[str], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ForbiddenExpressionError("this is nested too deeply")
        match node:
            case ast.Constant(value=bytes() | complex()) | ast.Constant(value=EllipsisType()):
                raise ForbiddenExpressionError(f"the constant {ast.unparse(node)} is not allowed")
            case ast.Name(id=name) if name not in names:
                raise ForbiddenExpressionError(f"the name '{name}' is not known here")
            case ast.Constant() | ast.Name():
                pass
            case ast.Call():
                self._call(node, names, depth)
            case ast.Attribute(attr=name):
                raise ForbiddenExpressionError(f"the attribute '{name}' is not allowed")
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node, names, depth)
            case ast.Dict(keys=keys) if None in keys:
                raise ForbiddenExpressionError("unpacking is not allowed")
            case _ if isinstance(node, _PLAIN_NODES):
                self._all(ast.iter_child_nodes(node), names, depth)
            case _:
                raise ForbiddenExpressionError(f"{_SPOKEN.get(type(node), type(node).__name__)} is not allowed")

    def _all(self, nodes: Iterable[ast.AST], names: frozenset[str], depth: int) -> None:
        for node in nodes:
            self.check(node, names, depth + 1)

    def _call(self, call: ast.Call, names: frozenset[str], depth: int) -> None:
        match call.func:
            case ast.Name(id=name) if name in names:
                raise ForbiddenExpressionError(f"'{name}' is a value and cannot be called")
            case ast.Name(id="isinstance"):
                self._isinstance(call, names, depth)
                return
            case ast.Name(id=name) if name in FUNCTIONS:
                called = name
            case ast.Name(id=name):
                raise ForbiddenExpressionError(f"the function '{name}' is not allowed")
            case ast.Attribute(value=value, attr=name) if name in METHODS:
                called = name
                self.check(value, names, depth + 1)
            case ast.Attribute(attr=name):
                raise ForbiddenExpressionError(f"the method '{name}' is not allowed")
            case _:
                raise ForbiddenExpressionError("only functions and methods can be called")
        for keyword in call.keywords:
            if keyword.arg not in KEYWORDS.get(called, ()):
                raise ForbiddenExpressionError(f"'{called}' does not take '{keyword.arg or '**'}' here")
            self.check(keyword.value, names, depth + 1)
        self._all(call.args, names, depth)

    def _isinstance(self, call: ast.Call, names: frozenset[str], depth: int) -> None:
        if len(call.args) != 2 or call.keywords:
            raise ForbiddenExpressionError("isinstance takes a value and a type")
        value, types = call.args
        self.check(value, names, depth + 1)
        for item in types.elts if isinstance(types, ast.Tuple) else [types]:
            if not (isinstance(item, ast.Name) and item.id in TYPES):
                raise ForbiddenExpressionError(f"isinstance knows the types {', '.join(TYPES)}")

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, names: frozenset[str], depth: int
    ) -> None:
        inner = names
        for part in node.generators:
            if part.is_async:
                raise ForbiddenExpressionError("an asynchronous comprehension is not allowed")
            self.check(part.iter, inner, depth + 1)
            inner |= self._targets(part.target)
            self._all(part.ifs, inner, depth)
        produced = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._all(produced, inner, depth)

    def _targets(self, target: ast.expr) -> frozenset[str]:
        match target:
            case ast.Name(id=name):
                _check_name(name)
                return frozenset({name})
            case ast.Tuple(elts=items):
                return frozenset[str]().union(*(self._targets(item) for item in items))
            case _:
                raise ForbiddenExpressionError("a comprehension binds plain names")


_SPOKEN: dict[type[ast.AST], str] = {
    ast.Lambda: "a lambda inside an expression",
    ast.NamedExpr: "an assignment",
    ast.JoinedStr: "a formatted string",
    ast.Starred: "unpacking",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.LShift: "the operator <<",
    ast.RShift: "the operator >>",
    ast.MatMult: "the operator @",
    ast.Invert: "the operator ~",
}
