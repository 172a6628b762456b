"""The n-th call to the disk fails, for every n: what follows is the old state or the new one, as the answer says."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from mcp_server.domain.session import Session
from mcp_server.errors import CorruptStateError, NotFoundError, StorageError
from mcp_server.storage.log import Request
from mcp_server.storage.store import Committed, Store
from mcp_server.storage.values import pack
from tests.storage.support import (
    BEGIN,
    BLOBS,
    FaultyFileSystem,
    QuickFileSystem,
    Site,
    begun,
    refusing,
    started,
    toggling,
    with_checksum,
)

pytestmark = pytest.mark.integration

REQUEST = Request("request-0000001", "arguments")
EVIDENCE, EVIDENCE_BLOBS = pack({"report": "x" * 3000})


@dataclass(frozen=True)
class Change:
    prepare: Callable[[Store], object]
    make: Callable[[Store], Committed | Session | None]
    event: str


CHANGES = {
    "create in a new place": Change(
        lambda _: None, lambda store: store.create(started(), request=REQUEST, blobs=BLOBS), "session_started"
    ),
    "create": Change(
        lambda store: begun(store, "zero"),
        lambda store: store.create(started(), request=REQUEST, blobs=BLOBS),
        "session_started",
    ),
    "update": Change(
        begun,
        lambda store: store.update("one", refusing(EVIDENCE), request=REQUEST, blobs=EVIDENCE_BLOBS),
        "gate_refused",
    ),
    "delete": Change(
        begun, lambda store: store.delete("one", at=BEGIN, reason="why", request=REQUEST), "session_deleted"
    ),
    "undelete": Change(
        lambda store: (begun(store), store.delete("one", at=BEGIN, reason="why")),
        lambda store: store.undelete("one", at=BEGIN),
        "session_undeleted",
    ),
}


def quick(site: Site) -> Store:
    return site.store(fs=QuickFileSystem())


def state(site: Site) -> object:
    """What a reader sees: the session, or how it is not there."""
    try:
        return quick(site).read("one").model_copy(update={"last_updated": BEGIN})
    except NotFoundError as error:
        return error.message


QUICK = ((errno.ENOSPC, False, False), (errno.EACCES, False, False), (errno.EIO, False, True))
"""The error, whether it stays, and whether it comes after the call has had its effect."""

SLOW = ((errno.EIO, True, False), (errno.EACCES, True, False), (errno.ENOSPC, True, True), (errno.EROFS, False, False))


def outcome_of(make: Callable[[], object]) -> str:
    """Whether the change was made, as far as the caller was told."""
    try:
        make()
    except StorageError as error:
        return error.facts["outcome"]
    except CorruptStateError as error:
        # A key that cannot be read is one that this user does not have.
        return "unchanged" if error.kind == "foreign" else error.message
    return "changed"


def faults(change: Change, site: Site, kinds: Iterable[tuple[int, bool, bool]]) -> list[FaultyFileSystem]:
    """A disk for each call that the change makes on a sound one, and each kind of fault."""
    counting = FaultyFileSystem(10**9)
    change.make(site.store(fs=counting))
    return [
        FaultyFileSystem(number, error, for_good=for_good, late=late)
        for number in range(len(counting.calls))
        for error, for_good, late in kinds
    ]


@pytest.mark.parametrize(
    "kinds", [pytest.param(QUICK, id="quick"), pytest.param(SLOW, id="all", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", CHANGES)
def test_a_failing_call_leaves_the_old_state_or_the_new_and_says_which(
    site: Site, name: str, kinds: Iterable[tuple[int, bool, bool]]
) -> None:
    change = CHANGES[name]
    change.prepare(quick(site))
    old = state(site)
    site.save("before")
    trials = faults(change, site, kinds)
    new = state(site)
    assert old != new
    for fs in trials:
        site.restore("before")
        outcome = outcome_of(lambda fs=fs: change.make(site.store(fs=fs)))
        allowed = {"changed": [new], "unchanged": [old], "unknown": [old, new]}[outcome]
        assert state(site) in allowed, (outcome, fs.calls)
        # The disk is sound again: the repeated call makes the change, once.
        change.make(quick(site))
        assert state(site) == new, fs.calls
        assert quick(site).verify().ok, fs.calls
        written = (site.head("one"), site.head("one", place="trash"))
        assert [path.exists() for path in written].count(True) == 1
        audit = (site.root / "audit.jsonl").read_text()
        assert audit.count(change.event.removeprefix("session_")) <= 1 + name.startswith("create") or name == "undelete"
        log = next(path for path in (site.log(), site.log(place="trash")) if path.exists()).read_text()
        assert log.count(f'"type":"{change.event}"') == 1, fs.calls


def test_reading_on_a_failing_disk_says_so_or_answers_truly(site: Site, store: Store) -> None:
    session = begun(store)
    counting = FaultyFileSystem(10**9)
    site.store(fs=counting).read("one")
    answers: list[Session | str] = []
    for number in range(len(counting.calls)):
        for error in (errno.EIO, errno.EMFILE):
            try:
                answers.append(site.store(fs=FaultyFileSystem(number, error)).read("one"))
            except StorageError as failure:
                answers.append(f"{failure.facts['outcome']}: {failure.message}")
    told = [answer for answer in answers if isinstance(answer, str)]
    assert [answer for answer in answers if not isinstance(answer, str)] == [session] * (len(answers) - len(told))
    assert told
    assert all(answer.startswith("unchanged: ") and str(site.folder) not in answer for answer in told)


def test_accepting_on_a_failing_disk_leaves_the_files_unusable_or_accepted(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    head = with_checksum(site.head().read_bytes(), lambda raw: raw.replace(b"src/app.py", b"src/api.py"))
    site.head().write_bytes(head)
    site.log().write_bytes(site.log().read_bytes().replace(b"a pause", b"a lunch"))
    site.save("before")
    counting = FaultyFileSystem(10**9)
    site.store(fs=counting).accept_seal("one", at=BEGIN)
    for number in range(len(counting.calls)):
        site.restore("before")
        faulty = site.store(fs=FaultyFileSystem(number, errno.ENOSPC))
        if outcome_of(lambda store=faulty: store.accept_seal("one", at=BEGIN)) == "unchanged":
            with pytest.raises(CorruptStateError):
                site.store().read("one")
        site.store().accept_seal("one", at=BEGIN)
        assert site.store().read("one").target_file == "src/api.py"
        assert site.store().verify("one").ok


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
        site.store(fs=FaultyFileSystem(0, error, for_good=True)).update("one", toggling)
    assert str(site.folder) not in failure.value.message


def test_a_short_write_is_continued(site: Site) -> None:
    class Dripping(FaultyFileSystem):
        def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            return super().write(fd, data[:100], offset)

        def read(self, fd: int, size: int, offset: int) -> bytes:
            return super().read(fd, min(size, 100), offset)

    store = site.store(fs=Dripping(10**9))
    begun(store)
    assert store.update("one", toggling).session == site.store().read("one")
    assert store.verify().ok
