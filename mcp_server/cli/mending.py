"""``doctor --fix``: what was done to damaged sessions, and what is left to a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.text import Text

from mcp_server.cli.output import complain, console, print_json, say, text
from mcp_server.cli.wording import for_person
from mcp_server.storage.judging import Verdict
from mcp_server.storage.salvage import Salvage
from mcp_server.storage.store import Store

_DONE: Final = {"rebuild": "rebuilt", "quarantine": "quarantined", "leave": "left"}
_STYLES: Final = {"rebuild": "green", "quarantine": "yellow", "leave": "bold red"}


def mend(store: Store, *, dry_run: bool, json: bool) -> int:
    """Mend a store, or say what that would do. Nobody is asked: only what is proven is ever used again."""
    salvage = Salvage(store.parts)
    verdicts = salvage.plan() if dry_run else salvage.run(datetime.now(UTC))
    left = [one for one in verdicts if one.does != "rebuild"]
    if json:
        print_json({"ok": not left, "dry_run": dry_run, "sessions": [_described(one) for one in verdicts]})
    else:
        _show(verdicts, dry_run=dry_run)
    return 1 if left else 0


def _show(verdicts: Sequence[Verdict], *, dry_run: bool) -> None:
    out = console()
    for one in verdicts:
        mark = Text(f"{one.does if dry_run else _DONE[one.does]:<12}", _STYLES[one.does])
        out.print(Text.assemble(mark, text(f"{one.session_id}: {one.finding}; {one.says}")), soft_wrap=True)
        if one.remedy:
            out.print(text(f"{'':<12}{for_person(one.remedy)}", "dim"), soft_wrap=True)
    if not verdicts:
        say("No session is damaged.")
    elif dry_run:
        say("Nothing was changed.")
    left = sum(1 for one in verdicts if one.does != "rebuild")
    if left:
        complain(f"{left} of these need a person.", kind="doctor")


def _described(one: Verdict) -> dict[str, str]:
    return {
        "session_id": one.session_id,
        "finding": one.finding,
        "does": one.does,
        "says": one.says,
        "remedy": one.remedy,
    }
