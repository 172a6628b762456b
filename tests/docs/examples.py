"""The calls behind the examples of the reference, really made: on a real disk, with a clock that stands still.

Each is one session of the workflow that ``docs/how-to/write-a-workflow.md`` writes. What is random in a reply (the end
of a session id, a correlation id) is replaced by a fixed text, so that the same code gives the same page.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp_server.actions.reference import Example
from mcp_server.checks.probes import ProjectProbes
from mcp_server.definitions.library import Library, Root
from mcp_server.dispatch import dispatch
from mcp_server.engine import Engine, Workspace
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.locks import Locks, stripe_of
from mcp_server.storage.store import Store
from tests.docs.pages import blocks

HOW_TO = "docs/how-to/write-a-workflow.md"
BEFORE: dict[str, Any] = {
    "package": "httpx",
    "version_before": "0.27.2",
    "version_after": "0.28.0",
    "changelog": "https://example.org/httpx/changelog",
    "breaking_changes": ["the proxies argument is gone"],
    "tests_before": 212,
}
AFTER: dict[str, Any] = {
    "files_changed": ["requirements.txt"],
    "tests_run": 212,
    "tests_passed": 212,
    "tests_failed": 0,
}


class Full(FileSystem):
    """A disk on which nothing more fits."""

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:  # noqa: ARG002
        raise OSError(errno.ENOSPC, "No space left on device")


class Bench:
    """A project with the how-to's workflow in it, and an engine on it."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2030, 1, 31, 9, 0, tzinfo=UTC)
        self.state = folder / "state"
        self._folder = folder
        self._user = UserFolders(folder / "user/config", folder / "user/data")
        self._names: dict[str, str] = {}
        (folder / "requirements.txt").write_text("httpx==0.28.0\n")
        for block in blocks(HOW_TO):
            if block.directive == "file":
                path = folder / block.argument
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
        self.engine = self.open()

    def open(self, *, fs: FileSystem | None = None, lock_timeout: float = 10, project: bool = True) -> Engine:
        """An engine on the same project."""
        store = Store(self.state, self._user, fs=fs, lock_timeout=lock_timeout)
        library = Library([Root(self._folder / ".praxis-os/workflows", "project")])
        workspace = Workspace(store, ProjectProbes(self._folder)) if project else None
        return Engine(library, workspace, clock=lambda: self.now)

    def call(self, arguments: Mapping[str, Any], engine: Engine | None = None) -> dict[str, Any]:
        """The reply to a call, as it is."""
        return dispatch(engine or self.engine, arguments).body

    def shown(self, action: str, engine: Engine | None = None, **arguments: Any) -> Example:
        """A call and its reply as a page shows them, a minute and a half after the last one."""
        self.now += timedelta(seconds=90)
        given = {"action": action, **arguments}
        reply = self.call(given, engine)
        if action == "start" and "session_id" in reply:
            real = str(reply["session_id"])
            self._names[real] = f"{real[:-8]}3f9a1c07"
        if "error_id" in reply:
            reply["error_id"] = "8c41d0b5e2f7"
        return Example(self._named(given), self._named(reply))

    def _named(self, value: Mapping[str, Any]) -> dict[str, Any]:
        text = json.dumps(value)
        for real, name in self._names.items():
            text = text.replace(real, name)
        return json.loads(text)


def of_actions(folder: Path) -> dict[str, Example]:
    """One example for each action: a session from its start to its end in the trash."""
    bench = Bench(folder)
    shown: dict[str, Example] = {"list_workflows": bench.shown("list_workflows")}
    shown["start"] = bench.shown(
        "start", workflow_type="dependency_update_v1", target_file="requirements.txt", request_id="5c1e0f9a7b2d"
    )
    session = bench.engine.sessions().sessions[0].session_id
    shown["get_phase"] = bench.shown("get_phase", session_id=session)
    shown["get_task"] = bench.shown("get_task", session_id=session, phase=1, task_number=1)
    bench.shown("complete_phase", session_id=session, phase=1, evidence={**BEFORE, "tests_before": 0})
    shown["get_errors"] = bench.shown("get_errors", session_id=session)
    shown["retry_phase"] = bench.shown("retry_phase", session_id=session, phase=1)
    shown["complete_phase"] = bench.shown("complete_phase", session_id=session, phase=1, evidence=BEFORE)
    shown["get_state"] = bench.shown("get_state", session_id=session)
    shown["get_session"] = bench.shown("get_session", session_id=session, phase=1)
    shown["pause"] = bench.shown("pause", session_id=session, checkpoint_note="The update is in; tests are next.")
    shown["resume"] = bench.shown("resume", session_id=session)
    shown["rollback"] = bench.shown("rollback", session_id=session, to_phase=1)
    shown["list_sessions"] = bench.shown("list_sessions", status="active")
    shown["delete_session"] = bench.shown("delete_session", session_id=session, reason="The update is put off.")
    return _without_repeats(shown)


def _without_repeats(shown: dict[str, Example]) -> dict[str, Example]:
    """A phase that was shown whole before is named instead."""
    whole: dict[str, str] = {}
    told: dict[str, Example] = {}
    for action, example in shown.items():
        reply = dict(example.reply)
        for name in ("phase_content", "next_phase"):
            if name in reply:
                text = json.dumps({**reply[name], "artifacts_from_previous_phases": None})
                if text in whole:
                    reply[name] = {"…": f"the phase as {whole[text]} shows it"}
                whole.setdefault(text, action)
        told[action] = Example(example.arguments, reply)
    return told


def of_errors(folder: Path) -> dict[str, list[Example]]:
    """At least one example for each error_type."""
    bench = Bench(folder)
    start: dict[str, Any] = {"workflow_type": "dependency_update_v1", "target_file": "requirements.txt"}
    bench.shown("start", None, **start, request_id="5c1e0f9a7b2d")
    session = bench.engine.sessions().sessions[0].session_id
    found: dict[str, list[Example]] = {
        "ValueError": [
            bench.shown("complete"),
            bench.shown("complete_phase", session_id=session, phase="1", proof="it works"),
        ],
        "NotFoundError": [bench.shown("start", workflow_type="dependency_updates", target_file=".")],
        "ValidationError": [
            bench.shown("complete_phase", session_id=session, phase=1, evidence={**BEFORE, "version_after": "0.27.2"}),
        ],
        "StateError": [bench.shown("resume", session_id=session)],
        "ConflictError": [
            bench.shown("pause", session_id=session, expected_version=1),
            bench.shown("start", None, **{**start, "target_file": "."}, request_id="5c1e0f9a7b2d"),
        ],
    }
    with ExitStack() as held:
        held.enter_context(Locks(FileSystem(), bench.state / "locks", timeout=1).hold(stripe_of(session)))
        impatient = bench.open(lock_timeout=0.05)
        found["BusyError"] = [bench.shown("pause", impatient, session_id=session)]
    full = bench.open(fs=Full())
    found["StorageError"] = [bench.shown("pause", full, session_id=session)]
    found["ConfigurationError"] = [bench.shown("list_sessions", bench.open(project=False))]
    head = bench.state / "workflows" / f"{session}.json"
    head.write_text(head.read_text().replace('"current_phase": 1', '"current_phase": 2'))
    found["CorruptStateError"] = [bench.shown("get_state", bench.open(), session_id=session)]
    found["RuntimeError"] = [bench.shown("list_workflows", _Broken(Library([]), None))]
    whole = found["ValidationError"]
    return {kind: shown if shown is whole else list(map(_short, shown)) for kind, shown in found.items()}


def _short(example: Example) -> Example:
    common = {"session_id", "version", "session_status", "next_actions"}
    return Example(example.arguments, {name: value for name, value in example.reply.items() if name not in common})


class _Broken(Engine):
    def list_workflows(self) -> Any:
        raise ZeroDivisionError
