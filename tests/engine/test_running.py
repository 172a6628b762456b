"""A run as those see it who wait for it."""

from __future__ import annotations

import threading

import anyio
import pytest

from mcp_server.checks.supervisor import Cancellation
from mcp_server.domain.results import CheckResult
from mcp_server.engine.running import Running
from mcp_server.server.tool import patiently

pytestmark = pytest.mark.integration


def running() -> Running:
    return Running("0" * 32, "session", 2, Cancellation())


async def test_who_waits_for_a_run_that_has_ended_does_not_wait() -> None:
    run = running()
    run.end()
    with anyio.fail_after(10):
        await patiently(run, None)


async def test_who_waits_is_told_of_every_step_and_of_the_end() -> None:
    run = running()

    def work() -> None:
        run.step(CheckResult(id="first", status="passed"))
        run.end()

    with anyio.fail_after(10):
        threading.Timer(0.05, work).start()
        await patiently(run, None)
    assert (run.progress.done, run.progress.total, run.progress.said) == (1, 2, "first: passed")


def test_a_listener_is_called_by_the_run_and_never_by_who_listens() -> None:
    run, heard = running(), list[str]()
    run.listen(lambda: heard.append(threading.current_thread().name))
    thread = threading.Thread(target=run.end, name="the run")
    thread.start()
    thread.join(10)
    run.listen(lambda: heard.append("late"))
    assert heard == ["the run"]
