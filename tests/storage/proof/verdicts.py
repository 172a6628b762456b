"""What a store must stand, each as one call: an AssertionError, or any other error, when it does not."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mcp_server.storage.durable import read_file
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.store import Store
from tests.storage.proof.damage import HEAD, LOG, NO_FOLDER, READING, believed, flipped, put, told
from tests.storage.proof.disk import Disk
from tests.storage.proof.operations import BASE, OPERATIONS, SITE
from tests.storage.proof.seams import Fault
from tests.storage.proof.trials import Trial
from tests.storage.support import BEGIN, toggling, with_checksum


def trial(name: str) -> Trial:
    return Trial(OPERATIONS[name], random.Random(0))  # noqa: S311 - the same in every run


def fails(name: str) -> None:
    trial(name).fail([Fault(errno.EIO)])


def flips(name: str, user: UserFolders = SITE.user) -> None:
    """Every seventh bit of a file, which comes by every bit of a byte and every part of the file."""
    disk = Disk(*BASE)
    store = told(disk, user)
    path, read = READING[name]
    raw = read_file(disk, path)
    assert not believed(disk, path, (flipped(raw, bit) for bit in range(0, len(raw) * 8, 7)), lambda: read(store))


def found(path: Path, change: Callable[[bytes], bytes], look: Callable[[Store], object]) -> None:
    """A change of a file by another hand is found by a call."""
    disk = Disk(*BASE)
    store = told(disk)
    assert not believed(disk, path, [change(read_file(disk, path))], lambda: look(store))


def edited(raw: bytes) -> bytes:
    return with_checksum(raw, lambda head: head.replace(b"src/app.py", b"src/api.py"))


def old_files_put_back() -> None:
    disk = Disk(*BASE)
    store = told(disk)
    old = {path: read_file(disk, path) for path in (HEAD, LOG)}
    store.update("one", toggling)
    put(disk, LOG, old[LOG])
    assert not believed(disk, HEAD, [old[HEAD]], lambda: store.read("one"))


def audit_cut_off() -> None:
    """What was taken from the audit log is found, also after it has been added to."""
    disk = Disk(*BASE)
    store = told(disk)
    put(disk, SITE.root / "audit.jsonl", b"")
    store.delete("one", at=BEGIN, reason=None)
    assert not store.verify().ok


VERDICTS: Final[dict[str, Callable[[], None]]] = {
    "bits of a head": lambda: flips("the head", NO_FOLDER),
    "bits of a log": lambda: flips("the log"),
    "bits of a blob": lambda: flips("a blob"),
    "an edited head": lambda: found(HEAD, edited, lambda store: store.read("one")),
    "old files put back": old_files_put_back,
    "a log cut off": lambda: found(LOG, lambda raw: raw[:-1], lambda store: store.read("one")),
    "a log edited at its end": lambda: found(
        LOG, lambda raw: raw.replace(b"a pause", b"a lunch"), lambda store: store.update("one", toggling)
    ),
    "an audit log cut off": audit_cut_off,
    "kills at a pause": lambda: trial("pause").kill(),
    "kills at a start": lambda: trial("start").kill(),
    "kills at a deletion": lambda: trial("delete").kill(),
    "kills at an undeletion": lambda: trial("undelete").kill(),
    "kills at an acceptance": lambda: trial("accept a session").kill(),
    "power lost at a deletion": lambda: trial("delete").lose_power(),
    "power lost at an undeletion": lambda: trial("undelete").lose_power(),
    "faults at a pause": lambda: fails("pause"),
    "faults at an acceptance": lambda: fails("accept a session"),
}
