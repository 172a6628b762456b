"""``migrate``: writing what an older version of the program wrote in the present form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import Parameter

from mcp_server.cli.backups import counted, shown
from mcp_server.cli.output import complain, print_json, say
from mcp_server.cli.parameters import AsJson, Ctx
from mcp_server.cli.progress import watched
from mcp_server.storage.migration import PRESENT, Migration, Migrator


def migrate(
    *,
    dry_run: Annotated[bool, Parameter(help="Go through all of it in memory and change nothing.")] = False,
    json: AsJson = False,
    ctx: Ctx,
) -> int:
    """Write every session that is of an older version of the state format in the present one.

    It need not be done: older sessions are read as they are, and written anew at their next change. It takes all locks,
    makes a backup and verifies it, compares every file with what it was before, and puts all of it back when anything
    goes wrong. Exit code 1: there are sessions that cannot be read; they are left as they are, and named.
    """
    with watched() as progress:
        migrator = Migrator(ctx.store.parts, datetime.now(UTC), progress)
        found = migrator.look() if dry_run else migrator.run()
    if json:
        print_json(_as_json(found, dry_run=dry_run))
        return 1 if found.left else 0
    done = "would be" if dry_run else "were"
    for one in found.older:
        say(f"{one.session_id}: version {one.version} {'becomes' if dry_run else 'became'} {PRESENT}")
    say(f"{counted(len(found.older))} {done} migrated, {found.present} in version {PRESENT} already.")
    if found.backup is not None:
        say(f"The store as it was before: {shown(found.backup)}")
    for left in found.left:
        complain(f"{left.session_id}: {left.finding}", "It was left as it is.", "session")
    return 1 if found.left else 0


def _as_json(found: Migration, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "schema_version": PRESENT,
        "migrated": [{"session_id": one.session_id, "from": one.version} for one in found.older],
        "present": found.present,
        "left": [{"session_id": one.session_id, "finding": one.finding} for one in found.left],
        "backup": None if found.backup is None else str(found.backup),
    }
