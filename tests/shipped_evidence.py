"""Honest evidence for every gate of the workflows that ship, as plain data.

``HONEST[workflow][phase]`` passes that phase's gate in a project that holds ``FILES[workflow]``, and
``TARGET[workflow]`` is what the session is about. The evidence of ``test_generation_v3`` is what was seen when
these very tests were written.
"""

from __future__ import annotations

from typing import Any

TARGET: dict[str, str] = {
    "test_generation_v3": "prices.py",
    "spec_creation_v1": "specs/csv-export",
    "spec_execution_v1": "specs/csv-export",
    "small_change_v1": "prices.py",
}

PRICES = '''\
"""Prices as customers type them."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")


def parse_price(text: str) -> Decimal:
    """Give the amount in cents' precision; a comma is a decimal mark. ValueError for what is no price."""
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise ValueError(f"not a price: {text!r}") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"not a price: {text!r}")
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def total(prices: list[str]) -> Decimal:
    """Give the sum of the parsed prices."""
    return sum((parse_price(price) for price in prices), Decimal(0))


def discounted(price: Decimal, percent: int) -> Decimal:
    """Give the price less that many percent, in cents. ValueError outside 0 to 100."""
    if not 0 <= percent <= 100:
        raise ValueError(f"no discount: {percent}")
    return (price * (100 - percent) / 100).quantize(CENT, rounding=ROUND_HALF_UP)
'''

TEST_PRICES = """\
from decimal import Decimal

import pytest

from prices import discounted, parse_price, total


def test_a_comma_is_the_decimal_mark():
    assert parse_price(" 3,50 ") == Decimal("3.50")


def test_the_total_is_the_sum_of_the_prices():
    assert total(["1", "2,50"]) == Decimal("3.50")


def test_a_discount_is_taken_off():
    assert discounted(Decimal("80.00"), 25) == Decimal("60.00")


def test_half_a_cent_rounds_up():
    assert parse_price("0.005") == Decimal("0.01")


def test_nothing_costs_nothing():
    assert total([]) == Decimal(0)


@pytest.mark.parametrize(("percent", "rest"), [(0, "9.99"), (100, "0.00")])
def test_the_whole_range_of_discounts(percent: int, rest: str):
    assert discounted(Decimal("9.99"), percent) == Decimal(rest)


@pytest.mark.parametrize("text", ["", "free", "-1", "NaN", "1.234,50"])
def test_what_is_no_price_is_refused(text: str):
    with pytest.raises(ValueError, match="not a price"):
        parse_price(text)


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_discount_outside_the_range_is_refused(percent: int):
    with pytest.raises(ValueError, match="no discount"):
        discounted(Decimal("9.99"), percent)
"""

SRD = """\
# CSV export: requirements

## Problem

At the end of each month an accountant asks us for the bookings, and one of us copies them by hand.

## Goals

- G-1: Accountants get last month's bookings into their own tool without us.

## Requirements

### FR-1: Export a month (G-1)

Accepted when `export --month 2024-05` writes one line per booking of that month, in date order.

### FR-2: Say when there is nothing (G-1)

Accepted when a month without bookings gives exit code 3 and a message that names the month.

## Qualities

- NFR-1: 100,000 bookings in under 10 s, measured by `just bench-export`.

## Out of scope

- Other formats than CSV.

## Assumptions

- A month has at most 100,000 bookings.
"""

SPECS = """\
# CSV export: design

## Components

### exporter

Streams the bookings of a month as CSV, in date order. Meets FR-1 and NFR-1.

### command

Parses the arguments and gives the exit code. Meets FR-2.

## Interfaces

`export(month: YearMonth, out: TextIO) -> int` gives the number of lines. Exit code 3: no bookings.

## Decisions

### Stream rows instead of building the file in memory

Rejected: a data-frame library. It is one dependency for one loop.

## Failures

| what fails | what happens |
|---|---|
| disk full | partial file removed, exit code 1, message names the path |
"""

TASKS = """\
# CSV export: plan

## Phase 1: One month to standard output

**Objective:** `export --month` prints the bookings of a month.
**Estimated Duration:** 3 hours
**Dependencies:** none

### Tasks

- [ ] **Task 1.1**: Write the exporter (FR-1)
  - **Estimated Time:** 2 hours
  - **Dependencies:** none
  - **Acceptance Criteria:**
    - [ ] The bookings of a month come out in date order
- [ ] **Task 1.2**: Write the command (FR-2)
  - **Estimated Time:** 1 hour
  - **Dependencies:** Task 1.1
  - **Acceptance Criteria:**
    - [ ] A month without bookings gives exit code 3

### Validation Gate

- [ ] `export --month 2024-05` prints one line per booking

## Phase 2: Fast enough

**Objective:** A large month is exported in time.
**Estimated Duration:** 1 hour
**Dependencies:** Phase 1

### Tasks

- [ ] **Task 2.1**: Add the benchmark (NFR-1)
  - **Estimated Time:** 1 hour
  - **Dependencies:** Task 1.1
  - **Acceptance Criteria:**
    - [ ] `just bench-export` prints a time for 100,000 bookings

### Validation Gate

- [ ] `just bench-export` prints less than 10 s
"""

OPTIONS: dict[str, dict[str, Any]] = {"spec_execution_v1": {"spec_path": "specs/csv-export"}}
"""What ``start`` has to be told beside the target."""

_SPECIFICATION = {
    "specs/csv-export/srd.md": SRD,
    "specs/csv-export/specs.md": SPECS,
    "specs/csv-export/tasks.md": TASKS,
}
FILES: dict[str, dict[str, str]] = {
    "test_generation_v3": {"prices.py": PRICES, "tests/test_prices.py": TEST_PRICES},
    "spec_creation_v1": _SPECIFICATION,
    "spec_execution_v1": _SPECIFICATION,
    "small_change_v1": {"prices.py": PRICES, "tests/test_prices.py": TEST_PRICES},
}

_DIGEST = "70da6f39c8f59b4e37eefe64a5b445fb1dd752bbbecd52eb004ffebe91279d48"
_COVERAGE = "python -m coverage run --branch -m pytest -q && python -m coverage report --include=prices.py"
_RUN = "python -m pytest -q tests/test_prices.py"

_TEST_GENERATION: dict[int, dict[str, Any]] = {
    1: {
        "code_structure": {
            "functions": [
                "parse_price(text) -> Decimal",
                "total(prices) -> Decimal",
                "discounted(price, percent) -> Decimal",
            ],
            "classes": [],
            "raises": ["ValueError"],
        },
        "test_candidates": ["parse_price", "discounted", "total"],
    },
    2: {
        "test_command": "python -m pytest -q",
        "baseline_exit_code": 5,
        "baseline_output": "no tests ran in 0.01s",
        "tests_before": 0,
        "failed_before": 0,
        "coverage_command": _COVERAGE,
        "coverage_before": 0,
        "dependencies": [],
        "seams": {},
    },
    3: {
        "candidates": ["parse_price", "discounted", "total"],
        "test_plan": [
            {
                "candidate": "parse_price",
                "behaviour": "a comma is the decimal mark, blanks around do not matter",
                "expected": "' 3,50 ' gives 3.50",
                "kind": "normal",
                "test": "test_a_comma_is_the_decimal_mark",
            },
            {
                "candidate": "parse_price",
                "behaviour": "half a cent rounds up",
                "expected": "0.005 gives 0.01",
                "kind": "boundary",
                "test": "test_half_a_cent_rounds_up",
            },
            {
                "candidate": "parse_price",
                "behaviour": "what is no price is refused",
                "expected": "ValueError, 'not a price'",
                "kind": "error",
                "test": "test_what_is_no_price_is_refused",
            },
            {
                "candidate": "discounted",
                "behaviour": "the percentage is taken off",
                "expected": "25 % off 80.00 gives 60.00",
                "kind": "normal",
                "test": "test_a_discount_is_taken_off",
            },
            {
                "candidate": "discounted",
                "behaviour": "0 and 100 are discounts",
                "expected": "9.99 and 0.00",
                "kind": "boundary",
                "test": "test_the_whole_range_of_discounts",
            },
            {
                "candidate": "discounted",
                "behaviour": "outside 0 to 100 is refused",
                "expected": "ValueError, 'no discount'",
                "kind": "error",
                "test": "test_a_discount_outside_the_range_is_refused",
            },
        ],
        "not_tested": {"total": "one line over parse_price; one test of the sum comes with the core tests"},
        "sources": ["docstrings of prices.py", "arithmetic by hand"],
        "risks": [
            {"risk": "an amount is rounded down, cent by cent", "test": "test_half_a_cent_rounds_up"},
            {"risk": "a negative price is accepted", "test": "test_what_is_no_price_is_refused"},
        ],
    },
    4: {
        "test_files": ["tests/test_prices.py"],
        "planned_tests": ["test_a_comma_is_the_decimal_mark", "test_a_discount_is_taken_off"],
        "tests_written": [
            "test_a_comma_is_the_decimal_mark",
            "test_the_total_is_the_sum_of_the_prices",
            "test_a_discount_is_taken_off",
        ],
        "deferred": {},
        "test_command": _RUN,
        "test_exit_code": 0,
        "test_output": "3 passed in 0.56s",
        "tests_collected": 3,
        "tests_passed": 3,
        "tests_skipped": 0,
        "skip_reasons": {},
    },
    5: {
        "edge_cases": [
            {"input": "0.005", "expected": "0.01", "test": "test_half_a_cent_rounds_up"},
            {"input": "[]", "expected": "total 0", "test": "test_nothing_costs_nothing"},
            {
                "input": "0 % and 100 % off 9.99",
                "expected": "9.99 and 0.00",
                "test": "test_the_whole_range_of_discounts",
            },
        ],
        "error_cases": [
            {
                "trigger": "'', 'free', '-1', 'NaN', '1.234,50'",
                "expected": "ValueError, 'not a price'",
                "test": "test_what_is_no_price_is_refused",
            },
            {
                "trigger": "-1 % and 101 %",
                "expected": "ValueError, 'no discount'",
                "test": "test_a_discount_outside_the_range_is_refused",
            },
        ],
        "properties": [],
        "test_command": _RUN,
        "test_exit_code": 0,
        "test_output": "14 passed in 0.53s",
        "tests_before": 3,
        "tests_collected": 14,
        "tests_passed": 14,
        "tests_skipped": 0,
        "skip_reasons": {},
    },
    6: {
        "boundary_search": r"grep -nE 'open\(|http|subprocess|environ|now\(|random|import' prices.py",
        "boundaries": [],
        "integration_tests": {},
        "not_integrated": {},
        "not_applicable_reason": "pure functions on text and decimals; the search found only the import of decimal",
        "repeat_command": f"for i in 1 2 3; do {_RUN}; done; {_RUN}::test_nothing_costs_nothing",
        "repeat_runs": 4,
        "repeat_failures": 0,
        "files_before": 1,
        "files_after": 1,
    },
    7: {
        "digest_before": _DIGEST,
        "mutations": [
            {
                "change": "prices.py:16 ROUND_HALF_UP becomes ROUND_DOWN",
                "exit_code": 1,
                "failing_test": "test_half_a_cent_rounds_up",
                "printed": "1 failed, 13 passed in 0.55s",
            },
            {
                "change": "prices.py:14 amount < 0 becomes amount <= -2",
                "exit_code": 1,
                "failing_test": "test_what_is_no_price_is_refused[-1]",
                "printed": "1 failed, 13 passed in 0.55s",
            },
            {
                "change": "prices.py:26 <= 100 becomes <= 101",
                "exit_code": 1,
                "failing_test": "test_a_discount_outside_the_range_is_refused[101]",
                "printed": "1 failed, 13 passed in 0.57s",
            },
            {
                "change": "prices.py:11 strip() removed",
                "exit_code": 0,
                "failing_test": "",
                "printed": "14 passed in 0.54s",
            },
        ],
        "survivors": {"prices.py:11 strip() removed": "Decimal ignores blanks around a number itself"},
        "digest_after": _DIGEST,
        "test_command": _RUN,
        "restored_exit_code": 0,
        "restored_output": "14 passed in 0.54s",
    },
    8: {
        "test_command": "python -m pytest -q",
        "final_exit_code": 0,
        "final_output": "14 passed in 0.83s",
        "tests_before": 0,
        "failed_before": 0,
        "tests_collected": 14,
        "tests_passed": 14,
        "tests_skipped": 0,
        "failed_after": 0,
        "coverage_command": _COVERAGE,
        "coverage_before": 0,
        "coverage_after": 100,
        "uncovered": {},
        "defects": [],
        "report": (
            "parse_price, total and discounted are tested with 14 tests: results, rounding, limits and refusals. "
            "Prices with an exponent such as 1e3 are accepted today and not tested, since nothing promises them. "
            "No defects found. Run them with python -m pytest -q."
        ),
    },
}

_SPEC_CREATION: dict[int, dict[str, Any]] = {
    1: {
        "srd_path": "specs/csv-export/srd.md",
        "sources": ["request of the accountant, 3 May", "src/bookings/"],
        "questions": [
            {"question": "Which encoding does the accountant's tool read?", "answer": "UTF-8"},
            {"question": "How many bookings has a month?", "assumption": "at most 100,000"},
        ],
        "goals": {"G-1": "Accountants get last month's bookings into their own tool without us"},
        "requirements": {
            "FR-1": {"goal": "G-1", "accepted_when": "export --month writes one line per booking, in date order"},
            "FR-2": {"goal": "G-1", "accepted_when": "a month without bookings gives exit code 3 and names the month"},
        },
        "qualities": {"NFR-1": "just bench-export prints under 10 s for 100,000 bookings"},
        "out_of_scope": ["other formats than CSV"],
        "ids_in_file": 3,
        "placeholders_left": 0,
    },
    2: {
        "specs_path": "specs/csv-export/specs.md",
        "files_read": ["specs/csv-export/srd.md"],
        "components": {
            "exporter": "streams the bookings of a month as CSV",
            "command": "parses the arguments and gives the exit code",
        },
        "interfaces": ["export(month: YearMonth, out: TextIO) -> int", "exit code 3: no bookings"],
        "decisions": [
            {"decision": "stream rows", "rejected": "a data-frame library", "because": "one dependency for one loop"},
        ],
        "failure_modes": [{"failure": "disk full", "response": "partial file removed, exit code 1"}],
        "requirement_ids": ["FR-1", "FR-2", "NFR-1"],
        "met_by": {"FR-1": ["exporter"], "FR-2": ["command"], "NFR-1": ["exporter"]},
        "ids_in_file": 3,
        "placeholders_left": 0,
    },
    3: {
        "tasks_path": "specs/csv-export/tasks.md",
        "phases": {"1": ["1.1", "1.2"], "2": ["2.1"]},
        "depends_on": {"1.2": ["1.1"], "2.1": ["1.1"]},
        "proofs": {
            "1": "export --month 2024-05 prints one line per booking",
            "2": "just bench-export prints less than 10 s",
        },
        "requirement_ids": ["FR-1", "FR-2", "NFR-1"],
        "done_by": {"FR-1": ["1.1"], "FR-2": ["1.2"], "NFR-1": ["2.1"]},
        "tasks_in_file": 3,
        "gates_in_file": 2,
        "acceptance_in_file": 3,
        "placeholders_left": 0,
    },
}

_SPEC_EXECUTION: dict[int, dict[str, Any]] = {
    0: {
        "files_read": ["specs/csv-export/tasks.md", "specs/csv-export/srd.md", "specs/csv-export/specs.md"],
        "acceptance": {
            "FR-1": "export --month 2024-05 writes one line per booking of that month, in date order",
            "FR-2": "a month without bookings gives exit code 3 and a message that names the month",
            "NFR-1": "just bench-export prints less than 10 s for 100,000 bookings",
        },
        "plan_path": "specs/csv-export/tasks.md",
        "plan_tasks": {"1": ["1.1", "1.2"], "2": ["2.1"]},
        "tasks_in_file": 3,
        "depends_on": {"1.2": ["1.1"], "2.1": ["1.1"]},
        "doubts": [{"doubt": "no machine is named for the time", "settled": "the CI runner, says the lead"}],
        "suite_command": "python -m pytest -q",
        "suite_output": "15 passed in 0.83s",
        "tests_before": 15,
        "failed_before": 0,
    },
    1: {
        "criteria": ["FR-1", "FR-2", "NFR-1"],
        "shown_by": {
            "FR-1": {"command": "export --month 2024-05 | wc -l", "printed": "31"},
            "FR-2": {"command": "export --month 1999-01; echo $?", "printed": "no bookings in 1999-01\n3"},
            "NFR-1": {"command": "just bench-export", "printed": "100000 rows in 4.2 s"},
        },
        "plan_tasks": ["1.1", "1.2", "2.1"],
        "tasks_done": ["1.1", "1.2", "2.1"],
        "tasks_dropped": {},
        "deviations": [],
        "suite_command": "python -m pytest -q",
        "suite_output": "22 passed in 1.02s",
        "tests_before": 15,
        "tests_after": 22,
        "failed_before": 0,
        "failed_after": 0,
        "report": (
            "Months are exported as CSV with `export --month`, in date order and in 4 s for 100,000 bookings. "
            "Nothing of the plan was left out. The encoding is fixed to UTF-8; another one would be a new option."
        ),
    },
}
"""Its closing phase has the number 1 as long as no plan stands between."""

_ONE_TEST = f"{_RUN} -k exponent"

_SMALL_CHANGE: dict[int, dict[str, Any]] = {
    1: {
        "change": "parse_price refuses an exponent: '1e3' is a ValueError and no longer 1000.00",
        "kind": "fix",
        "files": ["prices.py", "tests/test_prices.py"],
        "check_command": _ONE_TEST,
        "exit_code_before": 1,
        "output_before": "E   Failed: DID NOT RAISE <class 'ValueError'>\n1 failed, 14 deselected in 0.41s",
        "suite_command": "python -m pytest -q",
        "tests_before": 15,
        "failed_before": 1,
    },
    2: {
        "files_planned": ["prices.py", "tests/test_prices.py"],
        "files_changed": ["prices.py", "tests/test_prices.py", "README.md"],
        "unplanned": {"README.md": "listed '1e3' among the accepted forms"},
        "lines_added": 8,
        "lines_removed": 2,
        "check_command": _ONE_TEST,
        "exit_code_after": 0,
        "output_after": "1 passed, 14 deselected in 0.38s",
        "suite_command": "python -m pytest -q",
        "tests_before": 15,
        "tests_after": 15,
        "failed_before": 1,
        "failed_after": 0,
        "commit_message": "Refuse an exponent in a price\n\n'1e3' was an article number, charged as 1000.00.",
    },
}

HONEST: dict[str, dict[int, dict[str, Any]]] = {
    "test_generation_v3": _TEST_GENERATION,
    "spec_creation_v1": _SPEC_CREATION,
    "spec_execution_v1": _SPEC_EXECUTION,
    "small_change_v1": _SMALL_CHANGE,
}
