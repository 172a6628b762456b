"""A disk that fails is told of in words, and what is read from it is true."""

from __future__ import annotations

import errno

import pytest

from mcp_server.domain.session import Session
from mcp_server.errors import StorageError
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from tests.storage.proof.seams import Counting, Fault, Faulty
from tests.storage.support import Site, begun, toggling

pytestmark = pytest.mark.integration


def test_reading_on_a_failing_disk_says_so_or_answers_truly(site: Site, store: Store) -> None:
    session = begun(store)
    counting = Counting(FileSystem())
    site.store(fs=counting).read("one")
    answers: list[Session | str] = []
    for number in range(counting.calls):
        for error in (errno.EIO, errno.EMFILE):
            try:
                answers.append(site.store(fs=Faulty(FileSystem(), number, Fault(error))).read("one"))
            except StorageError as failure:
                answers.append(f"{failure.facts['outcome']}: {failure.message}")
    told = [answer for answer in answers if isinstance(answer, str)]
    assert [answer for answer in answers if not isinstance(answer, str)] == [session] * (len(answers) - len(told))
    assert told
    assert all(answer.startswith("unchanged: ") and str(site.folder) not in answer for answer in told)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EBADF, "the system answered EBADF"),
    ],
)
def test_a_failure_is_told_in_words_and_without_a_path(site: Site, store: Store, error: int, words: str) -> None:
    begun(store)
    with pytest.raises(StorageError, match=words) as failure:
        site.store(fs=Faulty(FileSystem(), 0, Fault(error, for_good=True))).update("one", toggling)
    assert str(site.folder) not in failure.value.message


def test_a_short_write_is_continued(site: Site) -> None:
    class Dripping(FileSystem):
        def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            return super().write(fd, data[:100], offset)

        def read(self, fd: int, size: int, offset: int) -> bytes:
            return super().read(fd, min(size, 100), offset)

    store = site.store(fs=Dripping())
    begun(store)
    assert store.update("one", toggling).session == site.store().read("one")
    assert store.verify().ok
