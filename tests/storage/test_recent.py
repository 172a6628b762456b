"""The last events of a session: as many as are wanted, and nothing is read of what lies before them."""

from __future__ import annotations

import os

import pytest

from mcp_server.domain.events import GateRefused, Paused
from mcp_server.errors import CorruptStateError
from mcp_server.storage.log import Record
from mcp_server.storage.store import Store
from tests.storage.support import QuickFileSystem, Site, begun, refusing, toggling

pytestmark = pytest.mark.integration

BLOCK = 64 * 1024


class Reading(QuickFileSystem):
    """A disk that counts the bytes that are read."""

    read_bytes = 0

    def read(self, fd: int, size: int, offset: int) -> bytes:
        part = super().read(fd, size, offset)
        self.read_bytes += len(part)
        return part


@pytest.fixture
def disk() -> Reading:
    return Reading()


@pytest.fixture
def long(site: Site, disk: Reading) -> Store:
    """A store with a session whose log takes several blocks."""
    store = site.store(fs=disk)
    begun(store)
    store.update("one", refusing())
    while site.log().stat().st_size < 3 * BLOCK:
        store.update("one", toggling)
    return store


def any_event(_: Record) -> bool:
    return True


def is_pause(record: Record) -> bool:
    return isinstance(record.event, Paused)


def is_refusal(record: Record) -> bool:
    return isinstance(record.event, GateRefused)


def test_they_are_those_of_the_whole_log_from_its_end(long: Store) -> None:
    events = long.events("one")
    assert long.recent("one", any_event, most=len(events)) == events[::-1]
    assert long.recent("one", is_pause, most=10**6) == [record for record in events[::-1] if is_pause(record)]
    assert long.recent("one", is_refusal, most=1) == [events[1]]


def test_what_lies_before_them_is_not_read(long: Store, disk: Reading) -> None:
    disk.read_bytes = 0
    assert len(long.recent("one", is_pause, most=3)) == 3
    assert disk.read_bytes < 2 * BLOCK


def test_none_before_the_event_that_ends_the_search_is_looked_at(long: Store) -> None:
    last = long.events("one")[-1].seq
    assert long.recent("one", is_refusal, most=1, until=lambda record: record.seq == last - 5) == []
    assert [one.seq for one in long.recent("one", any_event, most=99, until=lambda one: one.seq == last - 1)] == [
        last,
        last - 1,
    ]


@pytest.mark.parametrize("place", [-40, 2 * BLOCK, 40], ids=["the last", "one between", "the first"])
def test_an_event_that_is_not_the_one_that_was_written_is_found(site: Site, long: Store, place: int) -> None:
    size = site.log().stat().st_size
    with site.log().open("r+b") as log:
        log.seek(place % size)
        byte = log.read(1)
        log.seek(-1, os.SEEK_CUR)
        log.write(bytes([byte[0] ^ 1]))
    with pytest.raises(CorruptStateError, match="not the one that was written"):
        long.recent("one", is_refusal, most=2)
