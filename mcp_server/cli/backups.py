"""``backup`` and ``backups``: copies of the whole store, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from mcp_server.cli.context import Context
from mcp_server.cli.failures import UsageError
from mcp_server.cli.output import complain, moment, print_json, say, size, table
from mcp_server.cli.parameters import AsJson, Ctx
from mcp_server.cli.progress import watched
from mcp_server.errors import CorruptStateError
from mcp_server.storage.backup import Backup, Backups, Unreadable

Dest = Annotated[
    Path | None, Parameter(name="DEST", help="A folder, or a new file; else `backups/` in the state folder.")
]
ArchivePath = Annotated[
    Path, Parameter(name="ARCHIVE", help="The archive: its path, or its name among the store's own backups.")
]

backups = App(
    name="backups",
    help="List, verify and remove the backups that lie in the state folder.",
    help_format="markdown",
    default_parameter=Parameter(negative_bool=(), show_default=False),
)


def backup(dest: Dest = None, /, *, json: AsJson = False, ctx: Ctx) -> int:
    """Copy the whole store into one file, and verify it. Nobody has to stop working for it.

    Each session is copied as it was at one moment, the trash too. Exit code 1: the backup was made, and there are
    sessions in it whose files could not be trusted.
    """
    with watched() as progress:
        made = Backups(ctx.store.parts).make(dest, at=datetime.now(UTC), progress=progress)
    if json:
        print_json(described(made))
    else:
        say(f"{counted(len(made.manifest.sessions))} ({size(made.manifest.bytes)}) in {shown(made.path)}, verified.")
        _name_corrupt(made)
    return 1 if made.corrupt else 0


@backups.command(name="list")
def list_(*, json: AsJson = False, ctx: Ctx) -> int:
    """List the store's backups, newest first. Exit code 1: a file among them is none."""
    found, unreadable = Backups(ctx.store.parts).list()
    if json:
        print_json({"backups": [described(one) for one in found], "unreadable": _unreadable(unreadable)})
        return 1 if unreadable else 0
    if found:
        rows = [
            (
                one.path.name,
                moment(one.manifest.created_at),
                one.manifest.kind.replace("_", " "),
                len(one.manifest.sessions),
                size(one.size),
            )
            for one in found
        ]
        table(("ARCHIVE", "MADE", "WHY", "SESSIONS", "SIZE"), rows, spare=("WHY", "SIZE"))
    elif not unreadable:
        say("There are no backups. pos-workflow backup makes one.")
    _name_unreadable(unreadable)
    return 1 if unreadable else 0


@backups.command
def verify(archive: Annotated[ArchivePath | None, Parameter()] = None, /, *, json: AsJson = False, ctx: Ctx) -> int:
    """Read a backup from end to end and look at every session in it; without ARCHIVE all of the store's.

    Exit code 1: an archive is damaged, or a session in it cannot be trusted.
    """
    jobs = Backups(ctx.store.parts)
    listed, unreadable = jobs.list() if archive is None else ((), ())
    paths = [one.path for one in listed] if archive is None else [archive_path(ctx, archive)]
    sound: list[Backup] = []
    bad = list(unreadable)
    with watched() as progress:
        for path in paths:
            try:
                sound.append(jobs.verify(path, progress))
            except CorruptStateError as error:
                bad.append(Unreadable(path, error.message))
    ok = not bad and not any(one.corrupt for one in sound)
    if json:
        print_json({"ok": ok, "backups": [described(one) for one in sound], "unreadable": _unreadable(bad)})
        return 0 if ok else 1
    for one in sound:
        well = "some cannot be trusted" if one.corrupt else "all is well"
        say(f"{one.path.name}: {counted(len(one.manifest.sessions))} verified, {well}.")
        _name_corrupt(one)
    if not sound and not bad:
        say("There are no backups. pos-workflow backup makes one.")
    _name_unreadable(bad)
    return 0 if ok else 1


@backups.command
def prune(
    *, keep: Annotated[int, Parameter(help="How many to keep, 1 at least.")], json: AsJson = False, ctx: Ctx
) -> int:
    """Remove the store's oldest backups. Those that stay are verified first; what is damaged is not counted."""
    if keep < 1:
        raise UsageError("At least one backup has to stay.", "Give --keep 1 or more.")
    with watched() as progress:
        pruned = Backups(ctx.store.parts).prune(keep, progress)
    if json:
        print_json(
            {
                "kept": [one.path.name for one in pruned.kept],
                "removed": [one.path.name for one in pruned.removed],
                "unreadable": _unreadable(pruned.unreadable),
            }
        )
    else:
        say(f"{len(pruned.removed)} removed, {len(pruned.kept)} kept.")
        _name_unreadable(pruned.unreadable)
    return 1 if pruned.unreadable else 0


def archive_path(ctx: Context, given: Path) -> Path:
    """Where the archive is that somebody named."""
    own = ctx.store.parts.layout.backups / given
    found = own if len(given.parts) == 1 and not given.exists() else given.expanduser()
    # A person may well keep archives behind a link; the store itself follows none.
    return found.resolve()


def described(one: Backup) -> dict[str, Any]:
    """A backup as JSON."""
    manifest = one.manifest
    return {
        "path": str(one.path),
        "bytes": one.size,
        "bytes_unpacked": manifest.bytes,
        "created_at": manifest.created_at.isoformat(),
        "kind": manifest.kind,
        "program": manifest.program,
        "schema_version": manifest.schema_version,
        "sessions": len(manifest.sessions),
        "deleted": sum(session.deleted for session in manifest.sessions),
        "files": manifest.counts,
        "corrupt": [{"session_id": bad.session_id, "finding": bad.finding} for bad in one.corrupt],
    }


def counted(sessions: int) -> str:
    """A number of sessions in words."""
    return "1 session" if sessions == 1 else f"{sessions} sessions"


def shown(path: Path) -> str:
    """A path as short as it can be typed from here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _unreadable(found: Sequence[Unreadable]) -> list[dict[str, str]]:
    return [{"path": str(one.path), "finding": one.finding} for one in found]


def _name_unreadable(found: Sequence[Unreadable]) -> None:
    for one in found:
        complain(f"{one.path.name}: {one.finding}", "It was left as it is.", "damaged")


def _name_corrupt(one: Backup) -> None:
    for bad in one.corrupt:
        complain(f"{bad.session_id}: {bad.finding}", kind="session")
