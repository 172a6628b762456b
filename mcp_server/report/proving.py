"""What a report says of its own proof: what was verified, what that is worth, and how to check it."""

from __future__ import annotations

from mcp_server.report.model import Proof, Report
from mcp_server.report.wording import many, moment


def proven(report: Report) -> tuple[str, ...]:
    """What was looked at, and what that proves."""
    proof = report.proof
    sealed = "is not sealed"
    if proof.seal == "sealed":
        sealed = f"is sealed with the key {proof.key_id} of the user's own folder"
        sealed += ", and is the newest that was ever written" if proof.anchored else ""
    start = f"from event {proof.accepted_event} on, which a person accepted," if proof.accepted_event else "it"
    verified = (
        f"All of the session was verified on {moment(proof.verified_at)}, before this page was made: its file "
        f"{sealed}; the log of {many(proof.log_events, 'event')} is chained by hashes from its first line to its last, "
        f"and {start} makes the session that the file shows; every stored value has the content that it had."
    )
    worth = (
        "The page by itself proves nothing, since anybody can write one. Whoever has the session can hold it against "
        "the files: while the log has the line below in its place, all that is told here precedes it."
    )
    outputs = (
        "Of a check's output the end is kept, and the SHA-256 of all of it. A content digest says what the project's "
        "files were when the checks had ended, not what they are now."
    )
    return verified, worth, outputs


def marks(proof: Proof) -> list[tuple[str, str]]:
    """What can be held against the files."""
    found = [
        ("Version of the session", str(proof.version)),
        ("SHA-256 of its file", proof.head_sha256),
        ("Log", f"{many(proof.log_events, 'event')}, {proof.log_bytes} bytes"),
        ("SHA-256 of the log's last line", proof.log_last_line_sha256),
    ]
    if proof.accepted_event:
        found.append(("Vouched for from event", str(proof.accepted_event)))
    for one in proof.definitions:
        name = f"Definition, from event {one.event} on" if len(proof.definitions) > 1 else "Definition"
        found.append((name, f"{one.digest} ({one.source}, version {one.version})"))
    return found


def commands(report: Report) -> list[tuple[str, str]]:
    """How to check the marks, in the project's folder and in the state folder."""
    proof, session_id = report.proof, report.session.session_id
    digest = proof.definitions[-1].digest
    in_state = "in the state folder (.praxis-os/state):"
    return [
        (f"pos-workflow verify {session_id}", "in the project: looks at seal, anchor, log and stored values again"),
        (
            f"head -c {proof.log_bytes} workflows/{session_id}.jsonl | tail -n 1 | sha256sum",
            f"{in_state} gives the SHA-256 of the log's last line",
        ),
        (f"sha256sum blobs/{digest[:2]}/{digest}", f"{in_state} the SHA-256 of a stored file is its name"),
    ]
