"""Many sessions at once: four server processes on one store, and one process with the same to do."""

from __future__ import annotations

import json
import selectors
import statistics
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.calls import WORKFLOW
from benchmarks.changing import EVIDENCE
from benchmarks.client import Client, reply_in
from benchmarks.figures import Figure, Setting
from tests.support import Body

PROCESSES: Final = 4
SESSIONS: Final = 200
AT_ONCE: Final = 16
"""Calls that are under way at any moment, however many processes share them."""

Life = Generator[Body, Body, None]
"""What an assistant asks, and is sent in answer."""


@dataclass(slots=True)
class Ran:
    """How a load went: how long each call took, and all of it, in seconds."""

    calls: list[float] = field(default_factory=list[float])
    seconds: float = 0.0

    @property
    def throughput(self) -> float:
        """Calls per second."""
        return len(self.calls) / self.seconds


def figures(setting: Setting) -> list[Figure]:
    """A row for what more processes bring, and one for how long the slowest calls wait. An error ends the run."""
    count = setting.count(SESSIONS)
    single: list[Ran] = []
    several: list[Ran] = []
    for _ in range(setting.count(3)):
        single.append(_loaded(setting, 1, count))
        several.append(_loaded(setting, PROCESSES, count))
    one, four = (statistics.median(ran.throughput for ran in runs) for runs in (single, several))
    calls = sorted(passed * 1_000 for ran in several for passed in ran.calls)
    p50, p99 = statistics.median(calls), calls[len(calls) * 99 // 100]
    about = f"{PROCESSES} processes, {count} sessions"
    return [
        Figure(
            f"throughput, {about}",
            four,
            "calls/s",
            {"one process": one},
            four / one,
            "≥ 1.3 × one process",
            1.3,
            at_least=True,
        ),
        Figure(f"p99, {about}, no error in {len(calls):,} calls", p99, "ms", {"p50": p50}, p99 / p50, "≤ 10 × p50", 10),
    ]


def _loaded(setting: Setting, processes: int, sessions: int) -> Ran:
    with setting.home() as home, ExitStack() as stack:
        servers = [stack.enter_context(Client.of(home)) for _ in range(processes)]
        return driven(servers, [life(number) for number in range(sessions)], AT_ONCE)


def life(number: int) -> Life:
    """One session: what is read and what is changed, as an assistant mixes it."""
    started = yield {"action": "start", "workflow_type": WORKFLOW, "target_file": f"module_{number}.py"}

    def of(action: str, **arguments: Any) -> Body:
        return {"action": action, "session_id": started["session_id"], **arguments}

    yield of("get_task", phase=1, task_number=1)
    yield of("get_task", phase=1, task_number=2)
    yield of("complete_phase", phase=1, evidence=EVIDENCE)
    yield of("get_phase")
    yield of("get_task", phase=2, task_number=1)
    yield of("pause", checkpoint_note="Waiting for the review.")
    yield {"action": "list_sessions"}
    yield of("resume")
    yield of("get_state")
    yield of("retry_phase", phase=2)
    yield of("rollback", to_phase=1)
    yield of("get_session")


def driven(servers: Sequence[Client], lives: Sequence[Life], at_once: int) -> Ran:
    """Lead all sessions to their end, so many at once, each on one server. RuntimeError for an error in a reply."""
    ran = Ran()
    waiting: dict[tuple[int, int], tuple[Life, float]] = {}
    left: Iterator[tuple[int, Life]] = enumerate(lives)

    def ask(number: int, asking: Life, arguments: Body) -> None:
        line = servers[number].tool(**arguments)
        waiting[number, servers[number].last_id] = asking, time.perf_counter()
        servers[number].send(line)

    def begin_next() -> None:
        for place, asking in left:
            ask(place % len(servers), asking, next(asking))
            return

    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for number, server in enumerate(servers):
            selector.register(server.output, selectors.EVENT_READ, number)
        for _ in range(at_once):
            begin_next()
        while waiting:
            for key, _ in selector.select():
                number: int = key.data
                for line in servers[number].receive():
                    answer = json.loads(line)
                    asking, sent = waiting.pop((number, answer["id"]))
                    ran.calls.append(time.perf_counter() - sent)
                    try:
                        ask(number, asking, asking.send(reply_in(answer)))
                    except StopIteration:
                        begin_next()
    ran.seconds = time.perf_counter() - began
    return ran
