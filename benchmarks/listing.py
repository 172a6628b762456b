"""How long ``list_sessions`` takes in stores of several sizes: ``python -m benchmarks.listing``.

Beside each stand two measures that were taken in the same run: a call of the bare server, which has nothing to do, and
the floor, one ``scandir`` and ``stat`` of everything in the sessions' folder.

The sessions are those of the tests: files as the store writes them, sealed and anchored, but without its locks and
syncs, since ten thousand real starts would take longer than all that is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks import floors
from benchmarks.client import Client, took
from benchmarks.figures import Figure, Setting, beside, in_turn
from benchmarks.memory import resident
from mcp_server.domain.session import Status
from tests.storage.support import QuickFileSystem, Site, filled, settle, toggling
from tests.support import Home

COUNTS: Final = (100, 1_000, 10_000)
HUGE: Final = 100_000
PAGE: Final = 50
TIMES: Final = 15

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
    ("bare_mb", "bare, MB"),
)


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listing", description="How long list_sessions takes.")
    parser.add_argument("--sessions", type=int, nargs="+", default=list(COUNTS), metavar="N", help="how many there are")
    parser.add_argument("--huge", action="store_true", help=f"also with {HUGE:,} sessions, which takes long")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    setting = Setting(Path(tempfile.gettempdir()))
    rows = [measured(setting, count) for count in (*given.sessions, *([HUGE] if given.huge else []))]
    if given.json:
        print(json.dumps({"page": PAGE, "times": TIMES, "figures": rows}))
    else:
        show(rows)
    return 0


def figures(setting: Setting) -> list[Figure]:
    """Three rows of the one table: nothing has changed, something has, and the memory it takes."""
    row = measured(setting, setting.count(10_000))
    about = f"list_sessions, {PAGE} of {row['sessions']:,}"
    over = f"memory over the bare server, {row['sessions']:,} sessions listed"
    return [
        beside(f"{about}, unchanged", row["unchanged_ms"], "ms", ("no-op", row["no_op_ms"]), 3),
        beside(f"{about}, one changed", row["changed_ms"], "ms", ("scandir + stat", row["floor_ms"]), 1.5),
        Figure(over, row["memory_mb"], "MB", {"bare server": row["bare_mb"]}, goal="≤ 60 MB", bound=60),
    ]


def measured(setting: Setting, count: int) -> dict[str, float]:
    """All figures with so many sessions: milliseconds, megabytes, and ratios."""
    with setting.home() as home:
        site = Site(home.project.parent)
        ids = filled(site, count, lambda number: Status.ACTIVE if number % 10 else Status.PAUSED)
        settle(site.root / "workflows", *site.user.data.glob("stores/*/sessions"))
        with Client.bare(home.user) as bare:
            return _figures(setting.count(TIMES), home, site, ids, bare)


def _figures(times: int, home: Home, site: Site, ids: list[str], bare: Client) -> dict[str, float]:
    with serving(home, site) as cold:
        cold_ms = listing(cold)
    with serving(home, site) as server:
        cached_ms = listing(server)
        no_op, unchanged, filtered = in_turn(
            times, bare.no_op, lambda: listing(server), lambda: listing(server, status="paused")
        )
        to_change = iter(ids)
        floor, changed = in_turn(
            times,
            lambda: took(lambda: floors.scan(site.root / "workflows")),
            lambda: _after_a_change(site, server, next(to_change)),
        )
        least = resident(bare)
        memory = resident(server) - least
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
        "bare_mb": least,
    }


def serving(home: Home, site: Site) -> Client:
    """A server on a store, which has looked for a session, so that it has loaded all that it needs."""
    server = Client.of(home, "--state-dir", str(site.root))
    server.ask(server.tool(action="get_state", session_id="none_of_this_id"))
    return server


def listing(server: Client, **arguments: str) -> float:
    """Milliseconds of one call, from its first byte to the last of its answer."""
    return server.timed(action="list_sessions", limit=PAGE, **arguments)[0]


def _after_a_change(site: Site, server: Client, session_id: str) -> float:
    site.store(fs=QuickFileSystem()).update(session_id, toggling)
    return listing(server)


def show(rows: list[dict[str, Any]]) -> None:
    """Print a table."""
    print("Milliseconds, median of", TIMES, "calls where a call can be repeated; a page of", PAGE, "sessions.")
    print(" | ".join(title for _, title in COLUMNS))
    print(" | ".join("-" * len(title) for _, title in COLUMNS))
    for row in rows:
        print(" | ".join(_number(name, row[name]).rjust(len(title)) for name, title in COLUMNS))


def _number(name: str, value: float) -> str:
    return f"{value:,.0f}" if name == "sessions" else f"{value:,.2f}" if "_per_" in name else f"{value:,.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
