"""Other processes that change sessions while a test does something else with their store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.storage.support import BLOBS, QuickFileSystem, Site, begun, started, toggling

SHARED: Final = "shared"

PROCESSES: Final = 2
CHANGES: Final = 120
"""How often each process changes the shared session."""


@contextmanager
def busy(site: Site) -> Generator[Callable[[], bool]]:
    """Let processes change the shared session, and begin and delete others; gives whether they are still at it.

    At the end of the block they have done all that they had to, without an error.
    """
    begun(site.store(), SHARED)
    command = [sys.executable, "-m", __name__, str(site.folder)]
    others = [
        subprocess.Popen([*command, str(number)], cwd=Path(__file__).parents[2], stderr=subprocess.PIPE)
        for number in range(PROCESSES)
    ]
    try:
        yield lambda: any(other.poll() is None for other in others)
    finally:
        said = [other.communicate()[1] for other in others]
    assert said == [b""] * PROCESSES
    assert [other.returncode for other in others] == [0] * PROCESSES


def work(site: Site, name: str) -> None:
    for number in range(CHANGES):
        # A store of its own each time, as if it were another process.
        store = site.store(lock_timeout=60, fs=QuickFileSystem())
        store.update(SHARED, toggling)
        if number % 4 == 0:
            session_id = f"session_{name}_{number}"
            store.create(started(session_id), blobs=BLOBS)
            store.delete(session_id, at=started().at, reason="done")


if __name__ == "__main__":
    work(Site(Path(sys.argv[1])), sys.argv[2])
