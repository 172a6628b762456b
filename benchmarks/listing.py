"""How long ``list_sessions`` takes: ``python -m benchmarks.listing``.

A real server is asked over its pipes. Beside each store stand two measures that were taken in the same run: a call
that has nothing to do (``list_sessions`` of an empty store), and the floor, one ``scandir`` and ``stat`` of everything
in the sessions' folder. A ratio to one of these carries over to another machine, a time does not.

The sessions are those of the tests: files as the store writes them, sealed and anchored, but without its locks and
syncs, since ten thousand real starts would take longer than all that is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mcp_server.domain.session import Status
from tests.storage.support import QuickFileSystem, Site, filled, settle, toggling
from tests.support import server_command
from tests.wire import Wire

COUNTS: Final = (100, 1_000, 10_000)
HUGE: Final = 100_000
PAGE: Final = 50
TIMES: Final = 15
_PATIENCE: Final = 3_600.0

COLUMNS: Final = (
    ("sessions", "sessions"),
    ("no_op_ms", "no-op"),
    ("floor_ms", "floor"),
    ("cold_ms", "cold"),
    ("cached_ms", "cold, cache"),
    ("unchanged_ms", "unchanged"),
    ("filtered_ms", "with status"),
    ("changed_ms", "after a change"),
    ("unchanged_per_no_op", "unchanged / no-op"),
    ("changed_per_floor", "change / floor"),
    ("memory_mb", "memory, MB"),
)


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listing", description="How long list_sessions takes.")
    parser.add_argument("--sessions", type=int, nargs="+", default=list(COUNTS), metavar="N", help="how many there are")
    parser.add_argument("--huge", action="store_true", help=f"also with {HUGE:,} sessions, which takes long")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    figures = [measured(count) for count in (*given.sessions, *([HUGE] if given.huge else []))]
    if given.json:
        print(json.dumps({"page": PAGE, "times": TIMES, "figures": figures}))
    else:
        show(figures)
    return 0


def measured(count: int) -> dict[str, float]:
    """All figures with so many sessions: milliseconds, megabytes, and ratios."""
    folder = Path(tempfile.mkdtemp(prefix="listing-")).resolve()
    try:
        empty, site = Site(folder / "empty"), Site(folder / "full")
        for one in (empty, site):
            (one.folder / "project").mkdir(parents=True)
        ids = filled(site, count, lambda number: Status.ACTIVE if number % 10 else Status.PAUSED)
        settle(site.root / "workflows", *site.user.data.glob("stores/*/sessions"))
        with serving(empty) as bare:
            return _figures(site, ids, bare)
    finally:
        shutil.rmtree(folder)


def _figures(site: Site, ids: list[str], bare: Wire) -> dict[str, float]:
    with serving(site) as cold:
        cold_ms = took(lambda: listing(cold))
    with serving(site) as server:
        cached_ms = took(lambda: listing(server))
        no_op, unchanged, filtered = in_turn(
            lambda: took(lambda: listing(bare)),
            lambda: took(lambda: listing(server)),
            lambda: took(lambda: listing(server, status="paused")),
        )
        to_change = iter(ids)
        floor, changed = in_turn(
            lambda: took(lambda: scan(site.root / "workflows")),
            lambda: _after_a_change(site, server, next(to_change)),
        )
        memory = resident(server) - resident(bare)
    return {
        "sessions": len(ids),
        "no_op_ms": no_op,
        "floor_ms": floor,
        "cold_ms": cold_ms,
        "cached_ms": cached_ms,
        "unchanged_ms": unchanged,
        "filtered_ms": filtered,
        "changed_ms": changed,
        "unchanged_per_no_op": unchanged / no_op,
        "changed_per_floor": changed / floor,
        "memory_mb": memory,
    }


def serving(site: Site) -> Wire:
    """A server on a store that has answered once, so that it has loaded all that it needs."""
    flags = ("--state-dir", str(site.root), "--user-dir", str(site.folder / "user"))
    server = Wire(command=[*server_command(), "--project", str(site.folder / "project"), *flags])
    server.call(action="get_state", session_id="none_of_this_id")
    return server


def listing(server: Wire, **arguments: str) -> None:
    """One call, from its first byte to the last of its answer."""
    reply = server.answer(server.post_call(action="list_sessions", limit=PAGE, **arguments), _PATIENCE)
    if reply["result"].get("isError"):
        raise RuntimeError(str(reply))


def scan(folder: Path) -> None:
    """The least that tells which of the files in a folder have changed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            entry.stat(follow_symlinks=False)


def _after_a_change(site: Site, server: Wire, session_id: str) -> float:
    site.store(fs=QuickFileSystem()).update(session_id, toggling)
    return took(lambda: listing(server))


def took(what: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1_000


def in_turn(*measures: Callable[[], float]) -> list[float]:
    """The median of each, taken by turns, so that a machine which is busy for a while is so for all of them."""
    rounds = [[measure() for measure in measures] for _ in range(TIMES + 1)]
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def resident(server: Wire) -> float:
    """Megabytes of memory that the process has, as Linux tells it."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def show(figures: list[dict[str, Any]]) -> None:
    """Print a table."""
    print("Milliseconds, median of", TIMES, "calls where a call can be repeated; a page of", PAGE, "sessions.")
    print(" | ".join(title for _, title in COLUMNS))
    print(" | ".join("-" * len(title) for _, title in COLUMNS))
    for row in figures:
        print(" | ".join(_number(name, row[name]).rjust(len(title)) for name, title in COLUMNS))


def _number(name: str, value: float) -> str:
    return f"{value:,.0f}" if name == "sessions" else f"{value:,.2f}" if "_per_" in name else f"{value:,.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
