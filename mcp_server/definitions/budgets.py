"""Reads what a session may use up."""

from __future__ import annotations

import math
from typing import Final

from mcp_server.definitions.nodes import Node
from mcp_server.domain.checks import Budget
from mcp_server.domain.values import is_integer, is_number

BUDGET_KEYS: Final = frozenset({"max_tokens", "max_cost_usd", "max_active_minutes", "mode"})


def read_budget(node: Node) -> Budget | None:
    """The budget of a definition; None when there is none or it is off."""
    members = node.members()
    mode = node.child("mode").text("warn")
    # YAML's off is a boolean.
    if node.child("mode").data is False or mode == "off" or not members:
        return None
    for key in sorted(set(members) - BUDGET_KEYS):
        node.child(key).error(f"'{key}' is no part of a budget", f"Known are {', '.join(sorted(BUDGET_KEYS))}.")
    if mode not in ("strict", "warn"):
        node.child("mode").error(f"there is no mode '{mode[:40]}'", "Use strict, warn or off.")
        mode = "strict"
    limits = {key: _limit(node.child(key)) for key in ("max_tokens", "max_cost_usd", "max_active_minutes")}
    if all(limit is None for limit in limits.values()):
        node.error("the budget limits nothing", "Add max_tokens, max_cost_usd or max_active_minutes.")
    tokens = limits["max_tokens"]
    if tokens is not None and not is_integer(tokens):
        node.child("max_tokens").error("max_tokens has to be an integer", "Round it.")
    return Budget(
        max_tokens=None if tokens is None else int(tokens),
        max_cost_usd=limits["max_cost_usd"],
        max_active_minutes=limits["max_active_minutes"],
        mode=mode,
    )


def _limit(node: Node) -> float | None:
    if node.data is None or (is_number(node.data) and math.isfinite(node.data) and node.data > 0):
        return node.data
    node.error(f"{node.label} has to be a number above 0", "Write it so, or leave it out.")
    return None
