"""The module that the demo's person wants tested, and the tests that its assistant writes for it.

The module has a real defect: "3,5" is read as 3.05. The tests come from its docstrings and find it.
"""

from __future__ import annotations

from typing import Any, Final

MODULE: Final = '''\
"""Money in a small shop. All amounts are whole cents."""

import re

FREE_SHIPPING_FROM = 5000
SHIPPING = 495


def parse_price(text: str) -> int:
    """Give the cents of a price as customers type it: "12", "3,5" or "3,50". ValueError for what is no price."""
    match = re.fullmatch(r"(\\d+)(?:,(\\d{1,2}))?", text.strip())
    if match is None:
        raise ValueError(f"not a price: {text!r}")
    return int(match[1]) * 100 + int(match[2] or 0)


def shipping(total: int) -> int:
    """Give the cost of shipping; an order of 50.00 or more ships free. ValueError below zero."""
    if total < 0:
        raise ValueError(f"not a total: {total}")
    if total >= FREE_SHIPPING_FROM:
        return 0
    return SHIPPING


def split(total: int, people: int) -> list[int]:
    """Give shares that add up to the total; the first ones carry the odd cents. ValueError without people."""
    if people < 1:
        raise ValueError(f"nobody pays: {people}")
    share, odd = divmod(total, people)
    return [share + 1] * odd + [share] * (people - odd)
'''

SMOKE_TEST: Final = """\
import unittest

import shop


class Smoke(unittest.TestCase):
    def test_a_small_order_pays_shipping(self):
        self.assertEqual(shop.shipping(1000), 495)
"""

CORE_TESTS: Final = """\
import random
import unittest

from shop import parse_price, shipping, split


class Core(unittest.TestCase):
    def test_whole_euros(self):
        self.assertEqual(parse_price("12"), 1200)

    def test_two_decimals(self):
        self.assertEqual(parse_price("3,50"), 350)

    def test_one_decimal_means_tens_of_cents(self):
        self.assertEqual(parse_price("3,5"), 350)

    def test_a_small_order_pays(self):
        self.assertEqual(shipping(1000), 495)

    def test_the_first_ones_carry_the_odd_cents(self):
        self.assertEqual(split(1000, 3), [334, 333, 333])
"""

RED_TEST: Final = "    def test_one_decimal_means_tens_of_cents"
MARK: Final = "    @unittest.expectedFailure  # defect: the docstring promises 3.50, the code gives 3.05\n"

EDGE_TESTS: Final = """\


class Edges(unittest.TestCase):
    def test_blanks_around_a_price(self):
        self.assertEqual(parse_price(" 12 "), 1200)

    def test_one_cent_below_the_limit_pays(self):
        self.assertEqual(shipping(4999), 495)

    def test_one_cent_above_the_limit_is_free(self):
        self.assertEqual(shipping(5001), 0)

    def test_one_person_pays_all(self):
        self.assertEqual(split(1000, 1), [1000])


class Errors(unittest.TestCase):
    def test_an_empty_text_is_no_price(self):
        with self.assertRaisesRegex(ValueError, "not a price"):
            parse_price("")

    def test_three_decimals_are_no_price(self):
        with self.assertRaisesRegex(ValueError, "not a price"):
            parse_price("3,500")

    def test_a_negative_total_is_refused(self):
        with self.assertRaisesRegex(ValueError, "not a total"):
            shipping(-1)

    def test_nobody_cannot_pay(self):
        with self.assertRaisesRegex(ValueError, "nobody pays"):
            split(1000, 0)


class Laws(unittest.TestCase):
    def test_shares_add_up_to_the_total(self):
        numbers = random.Random(7)
        for total, people in [(numbers.randrange(10**6), numbers.randrange(1, 50)) for _ in range(200)]:
            self.assertEqual(sum(split(total, people)), total)
"""

LIMIT_TEST: Final = """\

    def test_exactly_the_limit_is_free(self):
        self.assertEqual(shipping(5000), 0)
"""
LIMIT_GOES_BEFORE: Final = "\n    def test_one_cent_above_the_limit_is_free"

MUTATIONS: Final = (
    (">= FREE", "> FREE"),
    ("total < 0", "total < -1"),
    ("people < 1", "people < 0"),
    ("[share + 1]", "[share]"),
    ("{1,2}", "{1,3}"),
)
"""Defects to make on purpose: each text of the module, and what it becomes."""


def _row(candidate: str, kind: str, behaviour: str, expected: str, test: str) -> dict[str, str]:
    return {"candidate": candidate, "kind": kind, "behaviour": behaviour, "expected": expected, "test": test}


PLAN: Final[dict[str, Any]] = {
    "candidates": ["parse_price", "shipping", "split"],
    "test_plan": [
        _row("parse_price", "normal", "whole euros", '"12" gives 1200', "test_whole_euros"),
        _row("parse_price", "normal", "two decimals", '"3,50" gives 350', "test_two_decimals"),
        _row("parse_price", "normal", "one decimal", '"3,5" gives 350', "test_one_decimal_means_tens_of_cents"),
        _row("parse_price", "error", "no price", '"" is a ValueError', "test_an_empty_text_is_no_price"),
        _row("shipping", "normal", "a small order pays", "1000 gives 495", "test_a_small_order_pays"),
        _row("shipping", "boundary", "just below the limit", "4999 gives 495", "test_one_cent_below_the_limit_pays"),
        _row("shipping", "boundary", "just above the limit", "5001 gives 0", "test_one_cent_above_the_limit_is_free"),
        _row("split", "normal", "odd cents", "1000 by 3: 334, 333, 333", "test_the_first_ones_carry_the_odd_cents"),
        _row("split", "error", "no people", "0 people is a ValueError", "test_nobody_cannot_pay"),
    ],
    "not_tested": {},
    "sources": ["docstrings of shop.py", "arithmetic by hand"],
    "risks": [
        {"risk": "a price is read wrong and charged", "test": "test_one_decimal_means_tens_of_cents"},
        {"risk": "cents vanish when a bill is split", "test": "test_the_first_ones_carry_the_odd_cents"},
    ],
}

EDGE_CASES: Final = [
    {"input": "shipping(4999)", "expected": "495", "test": "test_one_cent_below_the_limit_pays"},
    {"input": "shipping(5001)", "expected": "0", "test": "test_one_cent_above_the_limit_is_free"},
    {"input": 'parse_price(" 12 ")', "expected": "1200", "test": "test_blanks_around_a_price"},
    {"input": "split(1000, 1)", "expected": "[1000]", "test": "test_one_person_pays_all"},
]
LIMIT_CASE: Final = {"input": "shipping(5000)", "expected": "0", "test": "test_exactly_the_limit_is_free"}
ERROR_CASES: Final = [
    {"trigger": 'parse_price("")', "expected": "ValueError", "test": "test_an_empty_text_is_no_price"},
    {"trigger": 'parse_price("3,500")', "expected": "ValueError", "test": "test_three_decimals_are_no_price"},
    {"trigger": "shipping(-1)", "expected": "ValueError", "test": "test_a_negative_total_is_refused"},
    {"trigger": "split(1000, 0)", "expected": "ValueError", "test": "test_nobody_cannot_pay"},
]
LAWS: Final = [{"property": "sum(split(total, people)) == total", "test": "test_shares_add_up_to_the_total"}]
