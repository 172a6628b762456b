"""The calls of a session with a long history and large evidence, beside those of a small one."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.client import Client
from benchmarks.figures import Figure, Setting, beside, in_turn
from mcp_server.settings import load
from mcp_server.storage.store import Store
from mcp_server.storage.values import LARGE_VALUE, pack
from tests.storage.support import QuickFileSystem, back_to_start, completing
from tests.support import PASSING, Home, define_small_workflows

HISTORY: Final = 50_000_000
EVIDENCE: Final = 10 * 1024 * 1024
STEPS: Final[tuple[dict[str, Any], ...]] = (
    {"action": "get_state"},
    {"action": "get_phase"},
    {"action": "get_task", "phase": 2, "task_number": 1},
    {"action": "complete_phase", "phase": 2, "evidence": PASSING},
    {"action": "pause", "checkpoint_note": "Waiting for the review."},
    {"action": "resume"},
    {"action": "retry_phase", "phase": 3},
    {"action": "rollback", "to_phase": 2},
    {"action": "delete_session", "reason": "Begun by mistake."},
)


def figures(setting: Setting) -> list[Figure]:
    """A row for each action, the small session's call as the floor."""
    history, evidence = setting.count(HISTORY), setting.count(EVIDENCE)
    with setting.home() as home, Client.of(home) as server:
        define_small_workflows(home)
        small, large = _begun(server), _begun(server)
        _live_through(_store(home, fs=QuickFileSystem()), large, history)
        for session_id, more in ((small, ""), (large, "x" * (evidence - 100))):
            done = {"done": PASSING["done"] + more}
            server.call(action="complete_phase", session_id=session_id, phase=1, evidence=done)
        store = _store(home)

        def taking(session_id: str, step: dict[str, Any]) -> Callable[[], float]:
            def take() -> float:
                passed, _ = server.timed(session_id=session_id, **step)
                if step["action"] == "delete_session":
                    store.undelete(session_id, at=datetime.now(UTC))
                return passed

            return take

        taken = in_turn(setting.count(50), *(taking(one, step) for step in STEPS for one in (small, large)))
    about = f"with a history of {history // 1_000_000} MB and {evidence // 1024 // 1024} MiB of evidence"
    return [
        beside(f"{step['action']} {about}", taken[2 * number + 1], "ms", ("small session", taken[2 * number]), 1.1)
        for number, step in enumerate(STEPS)
    ]


def _begun(server: Client) -> str:
    session_id: str = server.call(action="start", workflow_type="steps", target_file="shop.py")["session_id"]
    return session_id


def _store(home: Home, **options: Any) -> Store:
    settings = load({"project": home.project, "user_dir": home.user}, cwd=home.project).settings
    return Store(settings.state_root(home.project), settings.user, **options)


def _live_through(store: Store, session_id: str, size: int) -> None:
    """Let phase 1 be passed and gone back to until the log has this size. Nothing is synced meanwhile."""
    evidence, _ = pack({f"note_{number}": "n" * (LARGE_VALUE - 100) for number in range(14)})
    log = store.parts.layout.live.log(session_id)
    while log.stat().st_size < size:
        store.update(session_id, completing(evidence))
        store.update(session_id, back_to_start)
    # Else the disk would still write it while the first calls are measured.
    os.sync()
