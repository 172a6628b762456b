"""What a start warns of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import Ask, Body, Home

pytestmark = pytest.mark.integration


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    home = Home.make(tmp_path)
    home.define(
        "chosen",
        [
            {"number": 1},
            {"number": 2, "skippable": True, "skip_condition": "options['quick']"},
        ],
        options={"test_runner": {"choice": ["pytest", "npm"], "default": "pytest"}},
    )
    return home.asking()


def warned(ask: Ask, options: Body) -> list[str]:
    started = ask(action="start", workflow_type="chosen", target_file=".", options=options)
    assert started["status"] == "success", started
    return started.get("warnings", [])


def test_an_option_that_nothing_reads_is_warned_of(ask: Ask) -> None:
    assert warned(ask, {"test_runer": "npm", "colour": "red"}) == [
        "options.test_runer: chosen reads no such option; did you mean test_runner?",
        "options.colour: chosen reads no such option",
    ]


def test_an_option_that_a_check_or_a_condition_reads_is_not(ask: Ask) -> None:
    assert warned(ask, {"test_runner": "npm", "quick": True}) == []


def test_many_options_that_nothing_reads_are_counted(ask: Ask) -> None:
    warnings = warned(ask, {f"{'x' * 190}{number}": number for number in range(9)})
    assert len(warnings) == 6
    assert warnings[-1] == "4 more options are read by nothing."
    assert all(len(one) < 200 for one in warnings)
