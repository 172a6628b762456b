"""Processes that change sessions, forked by a small parent that kills them without warning or lets them race.

It runs on its own, since a process with threads must not fork:
``python -m tests.storage.worker kill|race|race-unlocked FOLDER …``
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

from mcp_server.errors import ConflictError
from mcp_server.storage.log import Request
from mcp_server.storage.store import Store
from tests.storage.support import BLOBS, QuickFileSystem, Site, started, toggling

SHARED: Final = "shared"

Tell = Callable[[str], object]


class Unlocked(QuickFileSystem):
    """A disk that gives every lock to everybody."""

    def lock(self, fd: int) -> bool:
        del fd
        return True


def run_workers(site: Site, what: str, first: int, second: int) -> list[str]:
    """Run this module as a program of its own; the lines that it prints."""
    command = [sys.executable, "-m", __name__, what, str(site.folder), str(first), str(second)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=900, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def change(site: Site, request_id: str) -> bool:
    """Do what the id says, which changes nothing if it was done; whether it was.

    Nothing is synced: who kills a process takes nothing from the page cache, and gets it at more different moments.
    """
    kind, _, name = request_id.partition("-")
    request = Request(request_id, kind)
    store = site.store(lock_timeout=60, fs=QuickFileSystem())
    session_id = f"session_{name}".replace("-", "_")
    if kind == "update":
        return store.update(SHARED, toggling, request=request).replayed
    if kind == "create":
        return store.create(started(session_id), request=request, blobs=BLOBS).replayed
    deleted = store.delete(session_id, at=started().at, reason="done", request=request)
    return deleted is not None and deleted.replayed


def work(site: Site, name: str, tell: Tell) -> None:
    """Change the shared session for ever, and every few times begin and delete one of its own."""
    for number in range(10**9):
        for kind in ("create", "delete") if number % 4 == 0 else ("update",):
            request_id = f"{kind}-{name}-{number}"
            tell(f"begin {request_id}")
            change(site, request_id)
            tell(f"done {request_id}")


def fork(run: Callable[[Tell], None]) -> tuple[int, TextIO]:
    """Run something in a process of its own: its id, and where to read what it tells."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read)
        run(lambda line: os.write(write, f"{line}\n".encode()))
        os._exit(0)
    os.close(write)
    return process, os.fdopen(read)


def told(process: int, pipe: TextIO) -> list[str]:
    with pipe:
        lines = pipe.read().splitlines()
    os.waitpid(process, 0)
    return lines


def kill(site: Site, rounds: int, seed: int) -> None:
    """Start two workers, kill both, and repeat what they had begun.

    Prints ``done`` for every change that was acknowledged, and ``unheard`` for those of them that were committed and
    acknowledged only when they were repeated.
    """
    chance = random.Random(seed)  # noqa: S311 - the same moments in every run
    for number in range(rounds):
        workers = [fork(lambda tell, name=f"{number}{side}": work(site, name, tell)) for side in "ab"]
        said: list[list[str]] = []
        for process, pipe in workers:
            # However busy the machine is, each has got somewhere when it dies.
            said.append([pipe.readline().strip() for _ in range(chance.randrange(1, 12))])
            time.sleep(chance.uniform(0.0, 0.003))
            os.kill(process, signal.SIGKILL)
        for (process, pipe), before in zip(workers, said, strict=True):
            lines = before + told(process, pipe)
            for line in lines:
                if line.startswith("done "):
                    sys.stdout.write(f"{line}\n")
            if lines and lines[-1].startswith("begin "):
                request_id = lines[-1].removeprefix("begin ")
                if change(site, request_id):
                    sys.stdout.write(f"unheard {request_id}\n")
                sys.stdout.write(f"done {request_id}\n")


def race(site: Site, processes: int, count: int, *, locked: bool = True) -> None:
    """Let processes read and change the shared session side by side.

    Prints when each operation began and ended, what it was, and the version that it saw or made.
    """

    def run(tell: Tell) -> None:
        store = site.store(lock_timeout=120, fs=QuickFileSystem() if locked else Unlocked())
        seen = 1
        for number in range(count):
            began = time.monotonic_ns()
            kind, seen = one_of_them(store, number, seen)
            tell(f"{began} {time.monotonic_ns()} {kind} {seen}")

    for process, pipe in [fork(run) for _ in range(processes)]:
        sys.stdout.write("".join(f"{line}\n" for line in told(process, pipe)))


def one_of_them(store: Store, number: int, seen: int) -> tuple[str, int]:
    """A read, a change, or a change of the version that was seen last; which, and the version that it saw or made."""
    if number % 4 == 3:
        return "read", store.read(SHARED).version
    try:
        return "change", store.update(
            SHARED, toggling, expected_version=seen if number % 4 == 2 else None
        ).session.version
    except ConflictError:
        return "read", store.read(SHARED).version


if __name__ == "__main__":
    what, folder, first, second = sys.argv[1:]
    site = Site(Path(folder))
    if what == "kill":
        kill(site, int(first), int(second))
    else:
        race(site, int(first), int(second), locked=what == "race")
