"""What the values of JSON are, for evidence and definitions alike: true is no number, and no number is infinite."""

from __future__ import annotations

import math
from typing import Any, TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether ``value`` is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_integer(value: object) -> TypeGuard[int]:
    """Whether ``value`` is an integer; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether ``value`` is a list."""
    return isinstance(value, list)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether ``value`` is an object: a mapping of texts."""
    return isinstance(value, dict)


def size_of(value: object) -> int:
    """The length of text, a list or an object; -1 for what has none."""
    return len(value) if isinstance(value, str) or is_list(value) or is_object(value) else -1


def is_empty(value: object) -> bool:
    """Whether ``value`` is blank text, or a list or an object without items."""
    return size_of(value.strip() if isinstance(value, str) else value) == 0


def is_finite(value: object) -> bool:
    """Whether no number in ``value``, in any depth, is NaN or infinite."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, float) and not math.isfinite(item):
            return False
        if is_list(item):
            pending.extend(item)
        elif is_object(item):
            pending.extend(item.values())
    return True


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values, in which true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(map(same, left, right))
    if is_object(left) and is_object(right):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)
