"""Which phases the options skip, and which a condition leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mcp_server.domain.definition import Gate, Phase
from mcp_server.domain.skipping import Entry, enter, read_condition

pytestmark = pytest.mark.unit

SMALL = "options.get('size') == 'small'"


def phase(number: int, condition: str | None = None, *, skippable: bool = True) -> Phase:
    return Phase(
        number=number,
        title=f"Phase {number}",
        gate=Gate(),
        skippable=skippable and condition is not None,
        skip_condition=condition or "",
    )


def entered(*phases: Phase, **options: object) -> Entry:
    return enter(phases, lambda: options)


def numbers(entry: Entry) -> list[int]:
    return [one.phase for one in entry.skipped]


@pytest.mark.requirement("format:skippable")
@pytest.mark.parametrize(
    ("condition", "options", "skipped"),
    [
        (SMALL, {"size": "small"}, True),
        (SMALL, {"size": "large"}, False),
        (SMALL, {}, False),
        ("options['size'] == 'small'", {"size": "small"}, True),
        ("lambda options: options['size'] == 'small'", {"size": "small"}, True),
        ("lambda o: o['size'] in ['tiny', 'small']", {"size": "tiny"}, True),
        ("  options.get('quick')  ", {"quick": True}, True),
        ("options.get('quick')", {"quick": []}, False),
        ("'docs' not in options", {}, True),
        ("not options.get('docs', False) and len(options) > 0", {"a": 1}, True),
        ("any(part == 'ui' for part in options['parts'])", {"parts": ["db", "ui"]}, True),
        ("options['scope']['files'] < 3", {"scope": {"files": 2}}, True),
    ],
)
def test_a_condition_is_judged_on_the_options(condition: str, options: Mapping[str, Any], skipped: bool) -> None:
    entry = enter([phase(1, condition), phase(2)], lambda: options)
    assert entry.phase == (2 if skipped else 1)
    assert [(one.phase, one.condition) for one in entry.skipped] == ([(1, condition)] if skipped else [])
    assert entry.warnings == ()


@pytest.mark.parametrize(
    "note",
    [
        "",
        "Skip if the project is small",
        "small",
        "never",
        "True",
        "'when there is nothing to do'",
        "1 == 1",
        "lambda o: True",
        "lambda options, evidence: options['size'] == 'small'",
        "lambda options: lambda more: options",
        "option['size'] == 'small'",
        "options['size'] = 'small'",
        "options.size == 'small'",
        "options['size'], True",
        "__import__('os').system(options['x'])",
        "options['size'] == 'small'\nor so",
        "options" + "['a']" * 2_000,
    ],
)
def test_text_that_is_no_expression_over_the_options_is_a_note_and_skips_nothing(note: str) -> None:
    assert read_condition(note) is None
    assert entered(phase(1, note), phase(2), size="small") == Entry(1)


@pytest.mark.requirement("format:skippable")
def test_a_condition_without_skippable_skips_nothing() -> None:
    assert entered(phase(1, SMALL, skippable=False), size="small") == Entry(1)


def test_several_in_a_row_are_skipped_up_to_the_first_that_is_not() -> None:
    entry = entered(phase(1, SMALL), phase(3, SMALL), phase(4), phase(5, SMALL), size="small")
    assert (entry.phase, numbers(entry)) == (4, [1, 3])


def test_when_all_are_skipped_none_is_left() -> None:
    entry = entered(phase(1, SMALL), phase(2, SMALL), size="small")
    assert (entry.phase, numbers(entry)) == (None, [1, 2])
    assert entered() == Entry(None)


@pytest.mark.parametrize(
    ("condition", "options", "why"),
    [
        ("options['size'] == 'small'", {}, "it needs 'size'"),
        ("options['files'] < 3", {"files": "many"}, "values of this kind"),
        ("options['files'] / options['done'] > 1", {"files": 1, "done": 0}, "divides by zero"),
    ],
)
def test_a_condition_that_raises_skips_nothing_and_is_told(
    condition: str, options: Mapping[str, Any], why: str
) -> None:
    always = phase(1, "len(options) < 9")
    entry = enter([always, phase(2, condition), phase(3, "len(options) < 9")], lambda: options)
    assert (entry.phase, numbers(entry)) == (2, [1])
    (warning,) = entry.warnings
    assert warning.startswith("Phase 2 is not skipped: its skip_condition cannot be judged on the options: ")
    assert why in warning


def test_the_options_are_asked_for_only_where_a_condition_needs_them() -> None:
    def unreadable() -> Mapping[str, object]:
        raise AssertionError

    assert enter([phase(1), phase(2, SMALL)], unreadable) == Entry(1)
    assert enter([phase(1, "if it is small")], unreadable) == Entry(1)
