"""Processes that change sessions, forked by a small parent that kills them without warning or lets them race.

It runs on its own, since a process with threads must not fork: ``python -m tests.storage.worker kill|race FOLDER …``
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

from mcp_server.storage.log import Request
from tests.storage.support import BLOBS, Site, started, toggling

SHARED: Final = "shared"

Tell = Callable[[str], object]


def change(site: Site, request_id: str) -> None:
    """Do what the id says; doing it again must change nothing."""
    kind, _, name = request_id.partition("-")
    request = Request(request_id, kind)
    store = site.store(lock_timeout=30)
    session_id = f"session_{name}".replace("-", "_")
    if kind == "update":
        store.update(SHARED, toggling, request=request)
    elif kind == "create":
        store.create(started(session_id), request=request, blobs=BLOBS)
    else:
        store.delete(session_id, at=started().at, reason="done", request=request)


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
    """Start two workers, kill both, repeat what they had begun, and print every change that was acknowledged."""
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
                change(site, request_id)
                sys.stdout.write(f"done {request_id}\n")


def race(site: Site, processes: int, count: int) -> None:
    """Let processes change the shared session side by side; print when each change began and ended and what it made."""

    def run(tell: Tell) -> None:
        store = site.store(lock_timeout=60)
        for _ in range(count):
            before = time.monotonic_ns()
            version = store.update(SHARED, toggling).session.version
            tell(f"{before} {time.monotonic_ns()} {version}")

    for process, pipe in [fork(run) for _ in range(processes)]:
        sys.stdout.write("".join(f"{line}\n" for line in told(process, pipe)))


if __name__ == "__main__":
    what, folder, first, second = sys.argv[1:]
    {"kill": kill, "race": race}[what](Site(Path(folder)), int(first), int(second))
