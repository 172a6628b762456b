"""What every test shares: the ``--run-slow`` switch, the proof's ``--seed`` and the count of its trials at the end."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", default=False, help="also run tests marked slow")
    parser.addoption("--seed", type=int, help="choose as the run of the storage proof did that failed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    skip = pytest.mark.skip(reason="slow: run with --run-slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many trials the proof of the store has made."""
    total: Counter[str] = Counter()
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        if getattr(report, "when", None) == "teardown":
            for name, counts in report.user_properties:
                total.update(counts if name == "trials" else {})
    if total:
        terminalreporter.section("proof of the store")
        terminalreporter.line(", ".join(f"{name}: {count:,}" for name, count in sorted(total.items())))
