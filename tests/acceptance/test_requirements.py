"""Every statement of the contract and of the definition format has a test, and every mark names one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.requirements import REQUIREMENTS
from tests.definitions.requirements import FORMAT

pytestmark = pytest.mark.unit

STATEMENTS = REQUIREMENTS | FORMAT

TESTS = Path(__file__).parents[1]


def named(path: Path) -> Iterator[str]:
    """The ids that the tests of a file name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.requirement":
            yield from (ast.literal_eval(argument) for argument in node.args)


def test_every_statement_is_held_by_a_test_and_every_mark_is_a_statement() -> None:
    held = {name for path in TESTS.rglob("test_*.py") for name in named(path)}
    assert held == set(STATEMENTS)


def test_statements_are_sentences() -> None:
    for sentence in STATEMENTS.values():
        assert sentence.endswith(".")
        assert len(sentence) < 120
