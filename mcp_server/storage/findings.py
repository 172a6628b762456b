"""The four ways in which a session's files cannot be trusted, each with what a person can do about it."""

from __future__ import annotations

from mcp_server.errors import CorruptStateError


def torn(finding: str) -> CorruptStateError:
    """The file is damaged."""
    return CorruptStateError(
        "torn",
        finding,
        remediation="Tell the person: `pos-workflow doctor` names the damaged session, and `pos-workflow restore` "
        "brings it back from a backup; start begins a new one.",
    )


def tampered(finding: str) -> CorruptStateError:
    """The file was changed by other hands than this program's."""
    return CorruptStateError(
        "tampered",
        finding,
        remediation="Tell the person: they have to look at the files, and can accept them as they are "
        "(`pos-workflow seal --accept`) or put back what was changed.",
    )


def newer(finding: str) -> CorruptStateError:
    """A later version of this program wrote the file."""
    return CorruptStateError("newer", finding, remediation="Update pos-workflow; the files are left as they are.")


def foreign(finding: str) -> CorruptStateError:
    """The file is sealed with a key that this user does not have."""
    return CorruptStateError(
        "foreign",
        finding,
        remediation="Use the user folder that the session was written with (POS_WORKFLOW_USER_DIR), or let a person "
        "adopt it (`pos-workflow seal --accept`, with --all for the whole store).",
    )
