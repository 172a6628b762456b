"""``verify`` and ``seal``: whether what is stored is what was written, and a person's word that it shall stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from mcp_server.cli.failures import CommandError, UsageError
from mcp_server.cli.output import complain, console, facts, print_json, say
from mcp_server.cli.parameters import AsJson, Ctx, OperatorFile
from mcp_server.cli.person import confirm, require_person
from mcp_server.domain.authority import Authority
from mcp_server.errors import CorruptStateError
from mcp_server.storage.store import Store
from mcp_server.storage.verification import VerifyReport

OptionalSession = Annotated[str | None, Parameter(help="A session's id.")]


def verify(session_id: OptionalSession = None, /, *, json: AsJson = False, ctx: Ctx) -> int:
    """Look at all that is stored: seals, anchors, every event of every session, the audit log.

    Without a session it looks at the whole store. Exit code 1: what is stored is not what was written.
    """
    report = _verified(ctx.store, session_id)
    if json:
        print_json(
            {
                "ok": report.ok,
                "sessions": report.sessions,
                "corrupt": [{"session_id": one.session_id, "finding": one.finding} for one in report.corrupt],
                "store": list(report.store),
                "repaired": report.repaired,
            }
        )
        return 0 if report.ok else 1
    _show(report)
    many = "1 session was" if report.sessions == 1 else f"{report.sessions} sessions were"
    if report.ok:
        say(f"{many} verified: all is well.")
    if report.repaired:
        say(f"{report.repaired} lines that a crash had left out were added to the audit log.")
    if not report.ok:
        remedy = "Look at the files; pos-workflow seal --accept lets them stand."
        count = len(report.corrupt) + len(report.store)
        complain(f"What is stored is not what was written ({count} found, {many} looked at).", remedy, "found")
    return 0 if report.ok else 1


def seal(
    session_id: OptionalSession = None,
    /,
    *,
    accept: Annotated[bool, Parameter(help="Accept the files as they are.")] = False,
    all: Annotated[bool, Parameter(name="--all", help="The whole store instead of one session.")] = False,  # noqa: A002 - the flag's name
    operator_file: OperatorFile = None,
    ctx: Ctx,
) -> int:
    """Accept files that were changed by other hands, or sealed with another key. Only a person can: it asks.

    Use `seal --accept ID` or `seal --accept --all`. It shows what was changed before it asks, and refuses a file that
    says what no walk through the workflow leads to. It is recorded with what was found and who accepted it.
    """
    if not accept or all == (session_id is not None):
        raise UsageError("Say what shall be accepted.", "Use seal --accept ID, or seal --accept --all.")
    authority = require_person(ctx, operator_file)
    store = ctx.store
    report = _verified(store, session_id)
    if report.ok:
        say("All is well; there is nothing to accept.")
        return 0
    _show(report)
    if session_id is None:
        return _accept_all(store, report, authority)
    refused = _show_changes(store, session_id)
    if refused is not None:
        raise refused
    facts([("will happen", "the files are taken as they are, recorded as such and sealed anew")])
    confirm("Accept this session?", session_id, authority)
    session = store.accept_seal(session_id, at=datetime.now(UTC), authority=authority)
    stands = f"{session.session_status}, phase {session.current_phase}"
    say(f"{session_id} was accepted at version {session.version}: {stands}.")
    return 0


def _accept_all(store: Store, report: VerifyReport, authority: Authority) -> int:
    there = [one.session_id for one in report.corrupt if store.holds(one.session_id)]
    for session_id in there:
        refused = _show_changes(store, session_id)
        if refused is not None:
            complain(f"{session_id} cannot be accepted: {refused.message}", kind="left")
    facts(
        [
            ("will happen", "every file above that can be is taken as it is, recorded as such and sealed anew;"),
            ("", "sessions whose files are gone are taken for deleted"),
        ]
    )
    confirm(f"Accept all of the above ({len(report.corrupt) + len(report.store)})?", "y", authority)
    listing = store.accept_all(at=datetime.now(UTC), authority=authority)
    say(f"{len(listing.sessions)} sessions were accepted.")
    for one in listing.corrupt:
        complain(f"{one.session_id} cannot be accepted: {one.finding}", kind="left")
    if listing.corrupt:
        raise CommandError("Some sessions are left as they are.", "Restore them from a backup, or remove their files.")
    return 0


def _show_changes(store: Store, session_id: str) -> CorruptStateError | None:
    """Show how a session's file differs from its log; what rules out that it is accepted."""
    comparison = store.compare(session_id)
    for difference in comparison.differences:
        complain(difference, kind="changed")
    if not comparison.differences and comparison.refused is None:
        complain("nothing that the session's log tells of", kind="changed")
    return comparison.refused


def _verified(store: Store, session_id: str | None) -> VerifyReport:
    out = console(stderr=True)
    if not out.is_terminal:
        return store.verify(session_id)
    with out.status("Verifying …") as status:
        return store.verify(session_id, lambda done, of: status.update(f"Verifying … {done} of {of} sessions"))


def _show(report: VerifyReport) -> None:
    for one in report.corrupt:
        complain(f"{one.session_id}: {one.finding}", kind="session")
    for finding in report.store:
        complain(finding, kind="store")
