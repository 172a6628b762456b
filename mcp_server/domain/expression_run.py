"""Runs the tree of an expression that passed the whitelist, within the budget of its meter."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from mcp_server.domain.expression_calls import (
    MAX_BITS,
    TYPES,
    ExpressionError,
    Meter,
    bounded,
    call_function,
    call_method,
    hashed,
    is_items,
    is_mapping,
    is_unfinished,
    truth,
)

MAX_REPEATED = 100_000

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: lambda left, right: left % right,
    ast.Pow: lambda left, right: left**right,
    ast.BitAnd: lambda left, right: left & right,
    ast.BitOr: lambda left, right: left | right,
    ast.BitXor: lambda left, right: left ^ right,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda left, right: left == right,
    ast.NotEq: lambda left, right: left != right,
    ast.Lt: lambda left, right: left < right,
    ast.LtE: lambda left, right: left <= right,
    ast.Gt: lambda left, right: left > right,
    ast.GtE: lambda left, right: left >= right,
    ast.Is: lambda left, right: left is right,
    ast.IsNot: lambda left, right: left is not right,
    ast.In: lambda item, holder: item in holder,
    ast.NotIn: lambda item, holder: item not in holder,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: lambda value: not truth(value),
    ast.USub: lambda value: -value,
    ast.UAdd: lambda value: +value,
}

Scope = Mapping[str, Any]


class Run:
    """One run of one expression."""

    def __init__(self) -> None:
        self._meter = Meter()

    def result(self, body: ast.expr, scope: Scope) -> Any:
        """The value of ``body``. Raises ExpressionError, and nothing else, when it has none."""
        try:
            value = self._value(body, scope)
        except ExpressionError:
            raise
        except KeyError as error:
            raise ExpressionError(f"it needs {error.args[0]!r}") from None
        except ZeroDivisionError:
            raise ExpressionError("it divides by zero") from None
        except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError):
            raise ExpressionError("it cannot be applied to values of this kind") from None
        truth(value)
        return value

    def _value(self, node: ast.expr, scope: Scope) -> Any:
        self._meter.spend()
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return scope[name]
            case ast.BoolOp():
                return self._connected(node, scope)
            case ast.UnaryOp(op=op, operand=operand):
                return _UNARY[type(op)](self._value(operand, scope))
            case ast.BinOp(left=left, op=op, right=right):
                return self._calculated(self._value(left, scope), op, self._value(right, scope))
            case ast.Compare():
                return self._compared(node, scope)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._value(body if truth(self._value(test, scope)) else orelse, scope)
            case ast.Subscript(value=holder, slice=index):
                return self._indexed(self._value(holder, scope), index, scope)
            case ast.Call():
                return self._called(node, scope)
            case _:
                return self._built(node, scope)

    def _values(self, nodes: Sequence[ast.expr], scope: Scope) -> list[Any]:
        return [self._value(node, scope) for node in nodes]

    def _built(self, node: ast.expr, scope: Scope) -> Any:
        match node:
            case ast.List(elts=items):
                return self._values(items, scope)
            case ast.Tuple(elts=items):
                return tuple(self._values(items, scope))
            case ast.Set(elts=items):
                return hashed(self._values(items, scope))
            case ast.Dict(keys=keys, values=values):
                return dict(
                    zip(self._values([key for key in keys if key], scope), self._values(values, scope), strict=True)
                )
            case ast.GeneratorExp(elt=item, generators=parts):
                return self._produced(item, parts, scope)
            case ast.ListComp(elt=item, generators=parts):
                return list(self._produced(item, parts, scope))
            case ast.SetComp(elt=item, generators=parts):
                return hashed(self._produced(item, parts, scope))
            case ast.DictComp(key=key, value=value, generators=parts):
                pair = ast.Tuple(elts=[key, value], ctx=ast.Load())
                found = list(self._produced(pair, parts, scope))
                hashed(key for key, _ in found)
                return dict(found)
            case _:
                raise ExpressionError(f"{type(node).__name__} has no value")

    def _produced(self, item: ast.expr, parts: Sequence[ast.comprehension], scope: Scope) -> Iterator[Any]:
        for inner in self._bindings(parts, scope):
            yield self._value(item, inner)

    def _bindings(self, parts: Sequence[ast.comprehension], scope: Scope) -> Iterator[Scope]:
        if not parts:
            yield scope
            return
        part, *rest = parts
        for item in self._meter.items(self._value(part.iter, scope)):
            inner = {**scope, **_bound(part.target, item)}
            if all(truth(self._value(condition, inner)) for condition in part.ifs):
                yield from self._bindings(rest, inner)

    def _connected(self, node: ast.BoolOp, scope: Scope) -> Any:
        stops_at = isinstance(node.op, ast.Or)
        value: Any = None
        for operand in node.values:
            value = self._value(operand, scope)
            if truth(value) is stops_at:
                break
        return value

    def _calculated(self, left: Any, op: ast.operator, right: Any) -> Any:
        match op:
            case ast.Mod() if isinstance(left, str):
                raise ExpressionError("text cannot be formatted")
            case ast.Pow() if isinstance(left, int) and isinstance(right, int):
                if left.bit_length() * right > MAX_BITS:
                    raise ExpressionError("a number is too large")
            case ast.Mult():
                for repeated, times in ((left, right), (right, left)):
                    if isinstance(repeated, str) or is_items(repeated):
                        self._repeat(len(repeated), times)
            case _:
                pass
        self._meter.touch(left, right)
        return bounded(_BINARY[type(op)](left, right))

    def _repeat(self, size: int, times: int) -> None:
        if size * times > MAX_REPEATED:
            raise ExpressionError(f"a repetition gives at most {MAX_REPEATED} items")
        self._meter.spend(max(0, size * times))

    def _compared(self, node: ast.Compare, scope: Scope) -> Any:
        left = self._value(node.left, scope)
        outcome: Any = True
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._value(comparator, scope)
            if is_unfinished(right):
                right = list(self._meter.items(right))
            outcome = self._related(left, op, right)
            if not outcome:
                break
            left = right
        return outcome

    def _related(self, left: Any, op: ast.cmpop, right: Any) -> Any:
        if not isinstance(op, ast.Is | ast.IsNot):
            self._meter.touch(left)
            if not (isinstance(op, ast.In | ast.NotIn) and is_mapping(right)):
                self._meter.touch(right)
        return _COMPARE[type(op)](left, right)

    def _indexed(self, holder: Any, index: ast.expr, scope: Scope) -> Any:
        if not isinstance(index, ast.Slice):
            return holder[self._value(index, scope)]
        bounds = [None if part is None else self._value(part, scope) for part in (index.lower, index.upper, index.step)]
        found = holder[slice(*bounds)]
        self._meter.spend(len(found) // 8)
        return found

    def _called(self, node: ast.Call, scope: Scope) -> Any:
        if isinstance(node.func, ast.Attribute):
            target = self._value(node.func.value, scope)
            return call_method(self._meter, target, node.func.attr, self._values(node.args, scope))
        name = cast("ast.Name", node.func).id
        if name == "isinstance":
            return _is_instance(self._value(node.args[0], scope), node.args[1])
        options = {str(keyword.arg): self._value(keyword.value, scope) for keyword in node.keywords}
        return call_function(self._meter, name, self._values(node.args, scope), options)


def _bound(target: ast.expr, item: Any) -> dict[str, Any]:
    if isinstance(target, ast.Name):
        return {target.id: item}
    parts = cast("ast.Tuple", target).elts
    if not is_items(item) or len(item) != len(parts):
        raise ExpressionError(f"an item cannot be taken apart into {len(parts)} parts")
    return {name: value for part, inner in zip(parts, item, strict=True) for name, value in _bound(part, inner).items()}


def _is_instance(value: Any, types: ast.expr) -> bool:
    named = types.elts if isinstance(types, ast.Tuple) else [types]
    kinds = [TYPES[cast("ast.Name", item).id] for item in named]
    # As in the rest of a gate, true is no integer.
    return type(value) in kinds
