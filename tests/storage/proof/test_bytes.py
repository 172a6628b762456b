"""A file that is cut off anywhere, or has any bit flipped, is never believed and never raises anything unexpected."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from mcp_server.errors import PosWorkflowError
from mcp_server.storage.durable import read_file
from mcp_server.storage.keys import UserFolders
from tests.storage.proof.damage import NO_FOLDER, READING, believed, flipped, put, told
from tests.storage.proof.disk import Disk
from tests.storage.proof.operations import BASE, REQUEST, SITE
from tests.storage.support import BEGIN, BLOBS, started, toggling

pytestmark = pytest.mark.integration


@pytest.fixture
def disk() -> Disk:
    return Disk(*BASE)


@pytest.mark.parametrize("user", [SITE.user, NO_FOLDER], ids=["sealed", "unsealed"])
@pytest.mark.parametrize("name", READING)
def test_a_file_cut_off_anywhere_is_never_believed(
    disk: Disk, name: str, user: UserFolders, tally: Counter[str]
) -> None:
    store = told(disk, user)
    path, read = READING[name]
    raw = read_file(disk, path)
    assert believed(disk, path, (raw[:length] for length in range(len(raw))), lambda: read(store)) == []
    tally["truncations"] += len(raw)


@pytest.mark.parametrize("user", [SITE.user, NO_FOLDER], ids=["sealed", "unsealed"])
@pytest.mark.parametrize("name", READING)
def test_any_flipped_bit_is_never_believed(disk: Disk, name: str, user: UserFolders, tally: Counter[str]) -> None:
    store = told(disk, user)
    path, read = READING[name]
    raw = read_file(disk, path)
    assert believed(disk, path, (flipped(raw, bit) for bit in range(len(raw) * 8)), lambda: read(store)) == []
    tally["flipped bits"] += len(raw) * 8
    put(disk, path, raw)
    assert read(store)
    assert store.verify().ok


@pytest.mark.parametrize("all_of_them", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "all"])
def test_a_flipped_bit_anywhere_else_raises_nothing_unexpected(
    disk: Disk, all_of_them: bool, chance: Random, tally: Counter[str]
) -> None:
    session = told(disk).read("one")
    files = [Path(path) for path, _ in disk.contents() if not path.endswith("/") and "/locks/" not in path]
    assert {"store.json", "audit.jsonl", "one.json", "audit.json", "seal-key.json"} <= {path.name for path in files}
    for path in files:
        raw = read_file(disk, path)
        bits = range(len(raw) * 8)
        for bit in bits if all_of_them else chance.sample(bits, min(40, len(bits))):
            left = disk.killed()
            put(left, path, flipped(raw, bit))
            store = SITE.store(fs=left, lock_timeout=0)
            tally["flipped bits"] += 1
            with suppress(PosWorkflowError):
                assert store.read("one") == session
            for call in (
                store.sessions,
                store.verify,
                lambda store=store: store.create(started(), request=REQUEST, blobs=BLOBS),
                lambda store=store: store.update("one", toggling),
                lambda store=store: store.delete("one", at=BEGIN, reason=None),
            ):
                with suppress(PosWorkflowError):
                    call()
