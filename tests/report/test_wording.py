"""The words of a report are those that a reader expects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcp_server.domain.authority import Authority, Channel
from mcp_server.domain.checks import Budget
from mcp_server.report.wording import budgeted, duration, phases_named, size, who

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((), ""),
        ((3,), "phase 3"),
        ((1, 2), "phases 1 and 2"),
        ((1, 2, 3, 4, 7), "phases 1 to 4 and 7"),
        ((0, 1, 3, 5, 6, 7), "phases 0, 1, 3 and 5 to 7"),
    ],
)
def test_phases_are_named_in_short(numbers: tuple[int, ...], said: str) -> None:
    assert phases_named(numbers) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""), (0, "0.0 s"), (9.94, "9.9 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3600, "1 h"),
        (7325, "2 h 2 min"), (90_000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_said_as_people_do(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 bytes"), (1, "1 byte"), (2048, "2.0 KiB"), (3 << 30, "3.0 GiB")])
def test_a_size_is_said_as_people_do(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("channel", "how"),
    [
        ("terminal", "on a terminal"),
        ("operator_file", "by a script that holds the operator's passphrase"),
        (
            "elicitation",
            "through the assistant's client, which proves that a client answered and not that a person did",
        ),
    ],
)
def test_who_decided_is_said_with_how_it_is_known(channel: Channel, how: str) -> None:
    assert who(Authority(channel=channel)) == f"a person, not authenticated, {how}"
    assert who(Authority(channel=channel, user="ada")) == f"login ada, not authenticated, {how}"
    since = datetime(2026, 5, 17, tzinfo=UTC)
    known = Authority(channel=channel, authenticated=True, operator="f00", operator_since=since, user="ada")
    assert who(known) == f"operator f00, set on 2026-05-17, authenticated, {how}"


def test_a_budget_is_said_with_its_limits() -> None:
    assert budgeted(None) == budgeted(Budget(mode="off", max_tokens=1)) == "no budget"
    limited = Budget(max_tokens=5, max_cost_usd=1.5, max_active_minutes=30, mode="strict")
    assert budgeted(limited) == "budget 5 tokens, 1.50 USD and 30 active minutes (strict)"
