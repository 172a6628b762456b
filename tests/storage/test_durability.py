"""What must be on the disk before what, step by step of each change: only a loss of power would tell otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from mcp_server.storage.values import pack
from tests.storage.support import BEGIN, BLOBS, Site, begun, fresh, refusing, started, toggling

pytestmark = pytest.mark.integration


class Recording(FileSystem):
    """A disk that writes down every step that matters to durability, by the names of the files."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._open: dict[int, str] = {}
        self.steps: list[str] = []

    def _name(self, path: Path) -> str:
        folder = self._folder(path.parent)
        if path.suffix == ".tmp":
            return f"{folder}/temporary"
        if path.is_relative_to(self._site.user.data):
            return f"anchor of {path.stem}"
        if len(path.name) == 64:
            return f"{folder}/entry"
        return f"{folder}/{path.name}"

    def _folder(self, path: Path) -> str:
        """A folder's name; of those that are named by a hash, what they are."""
        if path.parent.name == "stores":
            return "store"
        return "blobs/xx" if path.parent.name == "blobs" else path.name

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        self._open[fd] = self._name(path)
        if path.parent.name == "locks":
            self.steps.append(f"open {self._open[fd]}")
        return fd

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        self.steps.append(f"write {self._open[fd]}")
        return super().write(fd, data, offset)

    def fsync(self, fd: int) -> None:
        # A folder's descriptor is not opened by the store.
        if fd in self._open:
            self.steps.append(f"sync {self._open[fd]}")
        super().fsync(fd)

    def close(self, fd: int) -> None:
        self._open.pop(fd)
        super().close(fd)

    def fsync_dir(self, path: Path) -> None:
        self.steps.append(f"sync folder {self._folder(path)}")
        super().fsync_dir(path)

    def replace(self, source: Path, target: Path) -> None:
        self.steps.append(f"replace {self._name(target)}")
        super().replace(source, target)


def steps(site: Site, change: Callable[[Store], object]) -> list[str]:
    fs = Recording(site)
    change(site.store(fs=fs))
    return fs.steps


def placed(folder: str, name: str) -> list[str]:
    """A whole file put into its place."""
    return [
        f"write {folder}/temporary",
        f"sync {folder}/temporary",
        f"replace {name}",
        f"sync folder {folder}",
    ]


HEAD = placed("workflows", "workflows/one.json")
LOG = ["write workflows/one.jsonl", "sync workflows/one.jsonl"]
ANCHOR = placed("sessions", "anchor of one")
AUDIT = ["open locks/audit", "write state/audit.jsonl", "sync state/audit.jsonl"]
AUDIT_ANCHOR = ["write store/temporary", "sync store/temporary", "replace anchor of audit", "sync folder store"]


def without_locks(recorded: list[str]) -> list[str]:
    return [step for step in recorded if not step.startswith("open locks/") or step == "open locks/audit"]


def test_an_update_is_logged_then_shown_then_anchored(site: Site, store: Store) -> None:
    begun(store)
    assert without_locks(steps(site, lambda store: store.update("one", toggling))) == [*LOG, *HEAD, *ANCHOR]


def test_blobs_are_durable_before_the_lock_is_taken(site: Site, store: Store) -> None:
    begun(store)
    evidence, blobs = pack({"report": "x" * 3000})
    recorded = steps(site, lambda store: store.update("one", refusing(evidence), blobs=blobs))
    lock = next(index for index, step in enumerate(recorded) if step.startswith("open locks/"))
    assert recorded[lock - 3 : lock] == ["replace blobs/xx/entry", "sync folder blobs/xx", "sync folder blobs"]


def test_a_start_is_remembered_and_its_log_named_before_its_head_is(site: Site, store: Store) -> None:
    begun(store, "zero")
    recorded = steps(site, lambda store: store.create(started(), request=fresh(), blobs=BLOBS))
    start = recorded.index("replace starts/entry")
    assert without_locks(recorded[start:]) == [
        *("replace starts/entry", "sync folder starts"),
        *LOG,
        "sync folder workflows",
        *HEAD,
        *ANCHOR,
        *AUDIT,
        *AUDIT_ANCHOR,
    ]


def test_a_deletion_is_committed_anchored_and_audited_before_the_files_move(site: Site, store: Store) -> None:
    begun(store)
    recorded = without_locks(steps(site, lambda store: store.delete("one", at=BEGIN, reason=None)))
    assert recorded[: len([*LOG, *HEAD, *ANCHOR, *AUDIT])] == [*LOG, *HEAD, *ANCHOR, *AUDIT]
    assert recorded[-4:] == [
        "replace trash/one.jsonl",
        "replace trash/one.json",
        "sync folder trash",
        "sync folder workflows",
    ]


def test_a_repeated_call_puts_the_head_down_anew_instead_of_syncing_it_again(site: Site, store: Store) -> None:
    begun(store)
    request = fresh()
    store.update("one", toggling, request=request)
    recorded = without_locks(steps(site, lambda store: store.update("one", toggling, request=request)))
    assert recorded == [*HEAD, *ANCHOR]
