"""A disk that is really full, and one that has no more room for names."""

from __future__ import annotations

import errno
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from mcp_server.errors import StorageError
from mcp_server.storage.values import pack
from tests.storage.support import Site, begun, fresh, refusing

pytestmark = pytest.mark.integration

PAGE: Final = 4096
EVIDENCE, BLOBS = pack({"report": "x" * 9000})


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Site]:
    """A site on a file system of its own, of half a megabyte and few files; skipped where none may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k,nr_inodes=120,mode=700", "none", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("a small disk cannot be mounted: there is no mount")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
    yield Site(folder)
    subprocess.run(["umount", str(folder)], check=True)


def fill(site: Site, pages: int) -> Path:
    """Take all room but so many pages."""
    filler = site.folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(PAGE))
    with filler.open("r+b") as file:
        file.truncate(max(0, filler.stat().st_size - pages * PAGE))
    return filler


def fill_names(site: Site, names: int) -> Path:
    """Make files until there is room for so many more."""
    folder = site.folder / "fillers"
    folder.mkdir()
    made: list[Path] = []
    with suppress(OSError):
        while True:
            path = folder / str(len(made))
            path.touch()
            made.append(path)
    for path in made[len(made) - names :]:
        path.unlink()
    return folder


def make_room(site: Site) -> None:
    for path in (*site.folder.glob("fillers/*"), *site.folder.glob("filler")):
        path.unlink()
    for path in site.folder.glob("fillers"):
        path.rmdir()


def failed(site: Site, tally: Counter[str]) -> bool:
    """Whether an update fails because the disk is full; then the state is the old one, or as the answer says."""
    before = site.store().read("one")
    request = fresh()
    error: StorageError | None = None
    try:
        site.store().update("one", refusing(EVIDENCE), request=request, blobs=BLOBS)
    except StorageError as failure:
        error = failure
    now = site.store().read("one")
    make_room(site)
    if error is None:
        return False
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno == errno.ENOSPC
    assert "the disk is full" in error.message
    assert now == before or (error.facts["outcome"] == "unknown" and now.version == before.version + 1)
    # There is room again: the same call goes through, once.
    committed = site.store().update("one", refusing(EVIDENCE), request=request, blobs=BLOBS)
    assert committed.session.version == before.version + 1
    assert site.store().verify().ok
    tally["full disks"] += 1
    return True


def test_a_full_disk_leaves_the_old_state_or_the_new(small: Site, tally: Counter[str]) -> None:
    begun(small.store())
    full = 0
    for pages in range(12):
        fill(small, pages)
        full += failed(small, tally)
    assert 0 < full < 12


def test_a_disk_without_room_for_names_leaves_the_old_state_or_the_new(small: Site, tally: Counter[str]) -> None:
    begun(small.store())
    full = 0
    for names in range(6):
        fill_names(small, names)
        full += failed(small, tally)
    assert 0 < full < 6
