"""Trust in tests: what a person would have said on a terminal, said to the store."""

from __future__ import annotations

from datetime import UTC, datetime

from mcp_server.app import open_store, workflow_roots
from mcp_server.definitions.library import Library
from mcp_server.domain.authority import Authority
from mcp_server.settings import load
from mcp_server.storage.trust import Grant
from tests.support import Home


def trust(home: Home, *names: str) -> None:
    """Let the commands of these definitions, as they are now, be run in the project."""
    loaded = load({"project": home.project, "user_dir": home.user}, cwd=home.project)
    store = open_store(loaded)
    assert store is not None
    for name in names:
        found = Library(workflow_roots(loaded)).find(name)
        store.trust(home.project).grant(
            Grant(
                workflow_type=name,
                digest=found.bundle.definition_digest,
                source=found.source,
                at=datetime.now(UTC),
                authority=Authority(user="tester"),
            )
        )
