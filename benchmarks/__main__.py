"""What pos-workflow costs, beside what anybody would have to pay: ``./scripts/bench``, or ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import (
    calls,
    changing,
    definitions,
    importing,
    large_session,
    limits,
    listing,
    load,
    memory,
    startup,
    story,
    syncs,
    table,
)
from benchmarks.figures import Figure, Setting

FAMILIES: Final[dict[str, Callable[[Setting], list[Figure]]]] = {
    "startup": startup.figures,
    "calls": calls.figures,
    "changing": changing.figures,
    "syncs": syncs.figures,
    "large_session": large_session.figures,
    "definitions": definitions.figures,
    "listing": listing.figures,
    "memory": memory.figures,
    "load": load.figures,
    "importing": importing.figures,
    "limits": limits.figures,
    "story": story.figures,
}
QUICK: Final = 5


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="What pos-workflow costs, beside the floors.")
    parser.add_argument("--only", choices=FAMILIES, nargs="+", metavar="FAMILY", help=f"of {', '.join(FAMILIES)}")
    parser.add_argument(
        "--quick", type=int, nargs="?", const=QUICK, default=1, metavar="N", help=f"do so many times less ({QUICK})"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="also renew the table in this page, which a full run may"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="on the disk to measure; else the temporary one",
    )
    given = parser.parse_args(arguments)
    if given.page and (given.only or given.quick > 1):
        parser.error("--page shows a full run: leave --only and --quick out")
    setting = Setting(given.folder, given.quick)
    figures: list[Figure] = []
    for name in given.only or FAMILIES:
        print(f"{name} ...", file=sys.stderr)
        figures += FAMILIES[name](setting)
    text = table.as_text(figures)
    if given.page:
        table.renew(given.page, text)
    print(json.dumps(table.as_json(figures)) if given.json else text, end="\n" if given.json else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
