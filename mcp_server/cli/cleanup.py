"""``cleanup``: removing what nothing needs any more and, when a person says so, sessions that nobody goes on with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from cyclopts import Parameter

from mcp_server.cli.failures import UsageError
from mcp_server.cli.output import complain, moment, print_json, say, size, table
from mcp_server.cli.parameters import AsJson, Ctx, OperatorFile
from mcp_server.cli.person import confirm, require_person
from mcp_server.cli.progress import watched
from mcp_server.errors import ConflictError, NotFoundError
from mcp_server.storage.collection import KEPT_IN_TRASH, Collected, Collection
from mcp_server.storage.store import Store
from mcp_server.storage.summary import Summary


def cleanup(
    *,
    dry_run: Annotated[bool, Parameter(help="Say what would go; change nothing.")] = False,
    stale: Annotated[bool, Parameter(help="Take unfinished sessions without change to the trash instead.")] = False,
    days: Annotated[
        int | None, Parameter(help="With --stale: days without change; else `stale_after_days` of the settings.")
    ] = None,
    operator_file: OperatorFile = None,
    json: AsJson = False,
    ctx: Ctx,
) -> int:
    """Remove what has been in the trash for 30 days, and files that nothing names any more. Nobody has to stop for it.

    What is younger than a day is spared. Backups and the quarantine are left alone, and stored values too while any
    session cannot be trusted. With `--stale` it does something else: it lists the unfinished sessions without change
    for so many days and, after a person has confirmed it, takes them to the trash.
    """
    if stale:
        return _cleanup_stale(ctx, days, operator_file, dry_run=dry_run, json=json)
    if days is not None or operator_file is not None:
        raise UsageError("--days and --operator-file go with --stale.", "Add --stale, or leave them out.")
    with watched() as progress:
        collected = Collection(ctx.store.parts, datetime.now(UTC), remove=not dry_run, progress=progress).run()
    if json:
        print_json(_as_json(collected, dry_run=dry_run))
        return 0
    _show(collected, dry_run=dry_run)
    return 0


def _as_json(collected: Collected, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "bytes": sum(one.bytes for one in collected.garbage),
        "removed": [{"what": one.what, "name": one.name, "bytes": one.bytes} for one in collected.garbage],
        "doubtful": list(collected.doubtful),
    }


def _show(collected: Collected, *, dry_run: bool) -> None:
    garbage = collected.garbage
    counts = Counter(one.what for one in garbage)
    rows = [
        (count, what, size(sum(one.bytes for one in garbage if one.what == what))) for what, count in counts.items()
    ]
    if rows:
        table(("HOW MANY", "WHAT", "SIZE"), rows)
    deleted = [one.name for one in garbage if one.what == "deleted session"]
    for session_id in deleted:
        say(f"{session_id}, in the trash for over {KEPT_IN_TRASH.days} days")
    total = size(sum(one.bytes for one in garbage))
    if not garbage:
        say("There is nothing to remove.")
    else:
        say(f"{total} would be removed; nothing was changed." if dry_run else f"{total} removed.")
    if collected.doubtful:
        names = ", ".join(collected.doubtful[:5]) + (" …" if len(collected.doubtful) > 5 else "")
        remedy = "pos-workflow verify says what is wrong with them."
        complain(f"Stored values were all kept, since sessions cannot be trusted: {names}.", remedy, "note")


def _cleanup_stale(ctx: Ctx, days: int | None, operator_file: OperatorFile, *, dry_run: bool, json: bool) -> int:
    days = ctx.loaded.settings.stale_after_days if days is None else days
    if days < 1:
        raise UsageError("A session is not stale within a day.", "Give --days 1 or more.")
    authority = None if dry_run else require_person(ctx, operator_file)
    store, now = ctx.store, datetime.now(UTC)
    found = _stale(store, now - timedelta(days=days))
    if not json:
        _show_stale(found, days)
    if authority is None or not found:
        if json:
            print_json({"dry_run": dry_run, "stale": [_described(one) for one in found], "deleted": []})
        return 0
    if json:
        complain(f"{len(found)} sessions go to the trash: {', '.join(one.session_id for one in found)}", kind="stale")
    confirm(f"Take these {len(found)} sessions to the trash?", "y", authority)
    deleted = [one for one in found if _delete(store, one, now, days)]
    if json:
        print_json({"dry_run": False, "stale": [], "deleted": [_described(one) for one in deleted]})
    else:
        say(f"{len(deleted)} sessions are in the trash. pos-workflow undelete brings one back.")
    return 0


def _stale(store: Store, before: datetime) -> list[Summary]:
    found = [one for one in store.sessions().sessions if one.is_stale(before)]
    return sorted(found, key=lambda one: one.last_updated)


def _delete(store: Store, session: Summary, now: datetime, days: int) -> bool:
    """Take a session to the trash unless it has changed since it was shown."""
    reason = f"stale: no change for {days} days"
    try:
        store.delete(session.session_id, at=now, reason=reason, expected_version=session.version)
    except (ConflictError, NotFoundError):
        complain(f"{session.session_id} has changed meanwhile and was left alone.", kind="note")
        return False
    return True


def _show_stale(found: Sequence[Summary], days: int) -> None:
    if not found:
        say(f"There are no unfinished sessions without change for {days} days.")
        return
    rows = [
        (one.session_id, one.session_status, one.current_phase, one.target_file, moment(one.last_updated))
        for one in found
    ]
    table(("SESSION", "STATUS", "PHASE", "TARGET", "CHANGED"), rows, spare=("TARGET", "PHASE", "STATUS"))


def _described(one: Summary) -> dict[str, Any]:
    return {
        "session_id": one.session_id,
        "status": one.session_status,
        "current_phase": one.current_phase,
        "target_file": one.target_file,
        "last_updated": one.last_updated.isoformat(),
    }
