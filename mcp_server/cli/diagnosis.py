"""What ``doctor`` looks at: the settings, the folders, the sessions and the definitions of one project."""

from __future__ import annotations

import os
import platform
import shlex
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import mcp_server
from mcp_server.app import open_store, workflow_roots
from mcp_server.definitions.library import Library
from mcp_server.errors import PosWorkflowError
from mcp_server.settings import Loaded, Settings
from mcp_server.storage.filesystem import WRITE, FileSystem
from mcp_server.storage.mounts import network_file_system
from mcp_server.storage.salvage import Salvage
from mcp_server.storage.store import Store

_LIBRARIES: Final = ("mcp", "pydantic", "filelock", "cyclopts")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; a ``problem`` needs a person, a ``note`` is worth knowing."""

    level: Literal["ok", "note", "problem"]
    about: str
    says: str
    remedy: str = ""


@dataclass(frozen=True)
class Setting:
    """A setting, what it comes to, and where it was made."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True)
class Diagnosis:
    """All that was found."""

    settings: tuple[Setting, ...]
    findings: tuple[Finding, ...]
    versions: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether nothing needs a person."""
        return all(finding.level != "problem" for finding in self.findings)


def diagnose(loaded: Loaded) -> Diagnosis:
    """Look at everything. Nothing is changed; what is tried leaves nothing behind."""
    findings = [*_project(loaded), *_user(loaded), *_definitions(loaded)]
    return Diagnosis(tuple(_settings(loaded)), tuple(findings), versions())


def versions() -> dict[str, str]:
    """The versions of what is at work."""
    return {
        "pos-workflow": mcp_server.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        **{name: version(name) for name in _LIBRARIES},
    }


def _settings(loaded: Loaded) -> Iterator[Setting]:
    settings = loaded.settings
    user = settings.user
    comes_to: dict[str, Any] = {
        "project": loaded.project or "none",
        "state_dir": settings.state_root(loaded.project) if loaded.project else settings.state_dir or "none",
        "workflows_dirs": os.pathsep.join(map(str, settings.workflows_dirs)) or "none",
        "user_dir": settings.user_dir or f"{user.config}, {user.data}",
        "notify_command": shlex.join(settings.notify_command) or "none",
    }
    for name in Settings.model_fields:
        value = comes_to.get(name, getattr(settings, name))
        if isinstance(value, bool):
            value = "yes" if value else "no"
        found = name == "project" and settings.project is None
        yield Setting(name, str(value), loaded.project_found_by if found else loaded.origins[name])


def _project(loaded: Loaded) -> Iterator[Finding]:
    store = open_store(loaded)
    if loaded.project is None or store is None:
        remedy = "Change to the project's folder, or name it with --project PATH; without one there are no sessions."
        yield Finding("problem", "project", f"no root is known: {loaded.project_found_by}", remedy)
        return
    yield Finding("ok", "project", f"{loaded.project} ({loaded.project_found_by})")
    root = loaded.settings.state_root(loaded.project)
    yield from _state(root, allow_network_fs=loaded.settings.allow_network_fs)
    yield from _sessions(store)


def _state(root: Path, *, allow_network_fs: bool) -> Iterator[Finding]:
    fs = FileSystem()
    kind = network_file_system(fs, root.resolve())
    if kind is not None:
        remedy = "Set --state-dir to a local folder, or take the risk with --allow-network-fs."
        yield Finding("note" if allow_network_fs else "problem", "state", f"on a network file system ({kind})", remedy)
    there = nearest(root)
    if there == root:
        mode = stat.S_IMODE(root.stat().st_mode)
        yield Finding("ok", "state", f"{root} (mode {mode:04o})")
        if mode & 0o077:
            remedy = "chmod 700 keeps the sessions to you."
            yield Finding("note", "state", "other users of this machine may look into the folder", remedy)
    else:
        yield Finding("ok", "state", f"{root} (made with the first session)")
    if not can_be_written(there):
        yield Finding("problem", "state", f"{there} cannot be written", "Mend its permissions, or set --state-dir.")
    elif locks_hold(fs, there):
        yield Finding("ok", "locks", "a lock keeps others out")
    else:
        remedy = "Set --state-dir to a folder on another file system: here two processes could write at once."
        yield Finding("problem", "locks", "a second process gets a lock that is held", remedy)


def _sessions(store: Store) -> Iterator[Finding]:
    try:
        listing = store.sessions()
    except PosWorkflowError as error:
        yield Finding("problem", "sessions", error.message, error.remediation)
        return
    by_status: dict[str, int] = {}
    for session in listing.sessions:
        by_status[session.session_status] = by_status.get(session.session_status, 0) + 1
    counts = ", ".join(f"{count} {status}" for status, count in sorted(by_status.items()))
    yield Finding("ok", "sessions", f"{len(listing.sessions)}" + (f" ({counts})" if counts else ""))
    for one in listing.corrupt:
        yield _explained(store, one.session_id, one.finding)
    for notice in store.notices:
        yield Finding("note", "sessions", notice)


def _explained(store: Store, session_id: str, finding: str) -> Finding:
    """A session that cannot be trusted: what is certain of it, and what can be done."""
    try:
        verdict = Salvage(store.parts).explain(session_id)
    except PosWorkflowError as error:
        return Finding("problem", "sessions", f"{session_id}: {finding}", error.remediation)
    if verdict is None:
        return Finding("problem", "sessions", f"{session_id}: {finding}", "It can be trusted again by now.")
    fix = {
        "rebuild": "pos-workflow doctor --fix makes its file anew; what was changed a person can let stand instead: "
        f"pos-workflow seal --accept {session_id}.",
        "quarantine": "pos-workflow doctor --fix puts its files into quarantine. ",
        "leave": "",
    }[verdict.does]
    return Finding("problem", "sessions", f"{session_id}: {verdict.finding}; {verdict.says}", fix + verdict.remedy)


def _user(loaded: Loaded) -> Iterator[Finding]:
    user = loaded.settings.user
    for name, folder in (("config", user.config), ("data", user.data)):
        there = nearest(folder)
        if can_be_written(there):
            made = "" if there == folder else " (made when it is needed)"
            yield Finding("ok", "user", f"{folder}{made}")
        else:
            remedy = "Mend its permissions or set --user-dir; until then sessions go unsealed or unanchored."
            yield Finding("problem", "user", f"the {name} folder {folder} cannot be written", remedy)


def _definitions(loaded: Loaded) -> Iterator[Finding]:
    listing = Library(workflow_roots(loaded)).listing()
    yield Finding("ok", "definitions", f"{len(listing.entries)} can be started")
    for one in listing.invalid:
        remedy = f"pos-workflow validate {one.workflow_type} shows every problem."
        yield Finding("problem", "definitions", f"{one.workflow_type} ({one.source}): {one.problem}", remedy)
    for entry in listing.entries:
        if entry.shadows:
            says = f"{entry.workflow.workflow_type} ({entry.source}) hides one from: {', '.join(entry.shadows)}"
            yield Finding("note", "definitions", says)


def nearest(folder: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def can_be_written(folder: Path) -> bool:
    """Whether folders and files can be made in this one. Tried, since permissions do not tell it of every folder."""
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor-") as made:
            (Path(made) / "file").touch()
    except OSError:
        return False
    return True


def locks_hold(fs: FileSystem, folder: Path) -> bool:
    """Whether a lock in this folder keeps a second one out."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        first, second = (fs.open(Path(file.name), WRITE) for _ in range(2))
        try:
            return fs.lock(first) and not fs.lock(second)
        except OSError:
            return False
        finally:
            fs.close(first)
            fs.close(second)
