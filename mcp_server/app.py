"""From settings to an engine: the one place where the rooms are put together."""

from __future__ import annotations

import threading
from pathlib import Path

import mcp_server
from mcp_server.checks.probes import ProjectProbes
from mcp_server.checks.runner import ProjectChecker
from mcp_server.definitions.library import Library, Root
from mcp_server.engine import Engine, Workspace
from mcp_server.settings import Loaded, environment_without_settings
from mcp_server.storage.store import Store


def bundled_workflows() -> Path:
    """The definitions that ship: inside an installed package, else the repository's own folder.

    An editable install has no packaged copy, so that what is edited is what is served.
    """
    package = Path(mcp_server.__file__).parent
    packaged = package / "_workflows"
    return packaged if packaged.is_dir() else package.parent / "workflows"


def workflow_roots(loaded: Loaded) -> list[Root]:
    """Where definitions are looked for, first come first served."""
    settings = loaded.settings
    roots = [Root(path, "configured") for path in settings.workflows_dirs]
    if loaded.project is not None:
        roots += [
            Root(loaded.project / ".praxis-os" / "workflows", "project"),
            Root(loaded.project / "universal" / "workflows", "project"),
        ]
    return [*roots, Root(settings.user.data / "workflows", "user"), Root(bundled_workflows(), "bundled")]


def open_store(loaded: Loaded, stopping: threading.Event | None = None) -> Store | None:
    """The project's sessions; None when no project is known. Nothing is touched on disk."""
    if loaded.project is None:
        return None
    settings = loaded.settings
    return Store(
        settings.state_root(loaded.project),
        settings.user,
        lock_timeout=settings.lock_timeout,
        allow_network_fs=settings.allow_network_fs,
        stopping=stopping,
    )


def build_engine(loaded: Loaded, stopping: threading.Event | None = None) -> Engine:
    """The engine of these settings; once ``stopping`` is set, calls that wait for a session give up."""
    store = open_store(loaded, stopping)
    workspace = None
    if store is not None and loaded.project is not None:
        checker = ProjectChecker(
            loaded.project,
            environment_without_settings(),
            excluded=(loaded.settings.state_root(loaded.project),),
        )
        workspace = Workspace(store, ProjectProbes(loaded.project), checker, store.trust(loaded.project))
    return Engine(Library(workflow_roots(loaded)), workspace, stale_after_days=loaded.settings.stale_after_days)
