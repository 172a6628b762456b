"""``restore``: what a backup holds becomes what is here, after a person has seen what that means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from cyclopts import Parameter

from mcp_server.cli.backups import ArchivePath, archive_path, described, shown
from mcp_server.cli.output import complain, facts, moment, print_json, say, table
from mcp_server.cli.parameters import AsJson, Ctx, OperatorFile
from mcp_server.cli.person import confirm, require_person
from mcp_server.cli.progress import watched
from mcp_server.storage.archive import Manifest
from mcp_server.storage.restore import Restore, Restored, opened_restore
from mcp_server.storage.restore_plan import Does, Step, changed

_WORDS: Final[dict[Does, str]] = {
    "unchanged": "is here as it was then",
    "back": "comes back",
    "replaced": "goes back to what it was",
    "mended": "takes the place of files that cannot be trusted",
    "as_it_is": "comes back as it is, unusable until seal --accept",
    "left": "stays out: it cannot be trusted, and the id is in use here",
}
_SHOWN: Final = 40
"""Sessions that are listed one by one before a person is asked."""


def restore(
    archive: ArchivePath,
    /,
    *,
    session: Annotated[str | None, Parameter(help="Restore this session alone.")] = None,
    dry_run: Annotated[bool, Parameter(help="Verify the archive and say what would be done; change nothing.")] = False,
    operator_file: OperatorFile = None,
    json: AsJson = False,
    ctx: Ctx,
) -> int:
    """Bring sessions back as a backup has them. Only a person can: it shows what will happen, and asks.

    The archive is verified first, and the present state is backed up before anything changes. Sessions that are not in
    the archive are left alone, and nobody has to stop working. Each restored session goes on from its newest version,
    with all that happened since on record. Exit code 1: not all of it is well; what is not is named.
    """
    authority = None if dry_run else require_person(ctx, operator_file)
    store = ctx.store
    path = archive_path(ctx, archive)
    with ExitStack() as stack:
        with watched() as progress:
            job = stack.enter_context(opened_restore(store.parts, path, session, progress))
            steps = job.plan(progress)
        if not json or authority is not None:
            _show(job, steps, quiet=json)
        if authority is None or not changed(steps):
            return _planned(job.manifest, steps, dry_run=dry_run, json=json)
        confirm("Restore?", session or "restore", authority)
        with watched() as progress:
            done = job.run(at=datetime.now(UTC), authority=authority, progress=progress)
    return _told(done, json=json)


def _show(job: Restore, steps: Sequence[Step], *, quiet: bool) -> None:
    """Say what the archive is and what would be done; in the way of ``--json``, on standard error."""
    manifest = job.manifest
    if not job.sealed:
        complain("The archive does not carry your seal: another user made it, or somebody changed it.", kind="note")
    if job.from_another_store:
        complain("The archive is of another store; what is restored goes on in this one.", kind="note")
    if quiet:
        complain(", ".join(f"{count} {word}" for word, count in _counts(steps).items()), kind="will happen")
        return
    facts(
        [
            ("made", f"{moment(manifest.created_at)} by pos-workflow {manifest.program}"),
            *((("will happen", f"{count}: {word}") for word, count in _counts(steps).items())),
        ]
    )
    rows = [
        (step.archived.session_id, step.present or "", step.archived.version or "", _WORDS[step.does])
        for step in steps
        if step.does != "unchanged"
    ]
    if rows:
        say()
        table(("SESSION", "HERE", "THEN", "WHAT HAPPENS"), rows[:_SHOWN], spare=("HERE", "THEN"))
        if len(rows) > _SHOWN:
            say(f"… and {len(rows) - _SHOWN} more")
    _name(steps)


def _planned(manifest: Manifest, steps: Sequence[Step], *, dry_run: bool, json: bool) -> int:
    """Nothing was changed, since nothing was asked for or nothing is to be done."""
    if json:
        print_json({"dry_run": dry_run, "created_at": manifest.created_at.isoformat(), "sessions": _as_json(steps)})
    else:
        say("Nothing was changed." if changed(steps) else "There is nothing to restore; nothing was changed.")
    return 1 if _distrusted(steps) else 0


def _told(done: Restored, *, json: bool) -> int:
    """Say what was done, and whether all is well now."""
    well = done.report.ok and not _distrusted(done.steps)
    if json:
        print_json(
            {
                "ok": well,
                "sessions": _as_json(done.steps),
                "saved": None if done.saved is None else described(done.saved),
                "corrupt": [{"session_id": one.session_id, "finding": one.finding} for one in done.report.corrupt],
                "store": list(done.report.store),
            }
        )
        return 0 if well else 1
    count = changed(done.steps)
    say(f"{count} of {len(done.steps)} sessions restored." if len(done.steps) != 1 else "The session was restored.")
    if done.saved is not None:
        say(f"The state before is in {shown(done.saved.path)}.")
    for one in done.report.corrupt:
        complain(f"{one.session_id}: {one.finding}", kind="session")
    for finding in done.report.store:
        complain(finding, kind="store")
    if any(step.does == "as_it_is" for step in done.steps):
        complain(
            "Some sessions came back as they are and cannot be used yet.",
            "pos-workflow seal --accept ID lets one stand after you have looked at it, with --all every one of them.",
            "note",
        )
    return 0 if well else 1


def _name(steps: Sequence[Step]) -> None:
    for step in steps:
        if step.finding is not None:
            whose = "in the archive" if step.does in ("as_it_is", "left") else "here"
            complain(f"{step.archived.session_id}, {whose}: {step.finding}", kind="session")


def _distrusted(steps: Sequence[Step]) -> bool:
    return any(step.does in ("as_it_is", "left") for step in steps)


def _counts(steps: Sequence[Step]) -> dict[str, int]:
    return dict(Counter(_WORDS[step.does] for step in steps))


def _as_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {
            "session_id": step.archived.session_id,
            "does": step.does,
            "version": step.archived.version,
            "version_here": step.present,
            "deleted": step.archived.deleted,
            "finding": step.finding,
        }
        for step in steps
    ]
