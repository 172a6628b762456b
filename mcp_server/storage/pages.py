"""A session's two files: reading them so that nothing false is believed, and the one way in which they change."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mcp_server.domain.events import Event
from mcp_server.domain.session import Session
from mcp_server.storage.blobs import NOT_A_FILE
from mcp_server.storage.durable import Outcome, make_private, opened, publish, read_file, read_span, stage, write_span
from mcp_server.storage.filesystem import CREATE, READ, WRITE, FileSystem
from mcp_server.storage.findings import tampered
from mcp_server.storage.guard import Guard
from mcp_server.storage.head import Page, decode, encode, with_request
from mcp_server.storage.keys import Key
from mcp_server.storage.layout import Layout, Place, sha256
from mcp_server.storage.log import (
    NOTHING,
    LogMark,
    Record,
    Request,
    line_after,
    lines_from_end,
    parse_line,
    read_log,
)


class Pages:
    """The heads and logs of one store. Whoever changes one holds its session's lock."""

    def __init__(self, fs: FileSystem, layout: Layout, guard: Guard) -> None:
        self._fs = fs
        self._layout = layout
        self._guard = guard

    def load(self, place: Place, session_id: str) -> Page | None:
        """A session's head, or None when it is not there; CorruptStateError unless it can be trusted."""
        # Before the head: see require_trusted.
        anchor = self._guard.anchors.read(session_id)
        raw = self.read_raw(place, session_id)
        if raw is None:
            return None
        page = decode(raw)
        self._guard.require_trusted(session_id, page, anchor)
        if page.session.deleted_at is None:
            self.require_log(place, session_id, page.log.length)
        return page

    def require_log(self, place: Place, session_id: str, length: int) -> None:
        """Raise CorruptStateError unless the session's log is there and at least so long."""
        found = next((one for _, one in self._logs(place, session_id)), None)
        if found is None:
            raise tampered("its log is missing")
        if not stat.S_ISREG(found.st_mode):
            raise tampered("its log is not a file")
        if found.st_size < length:
            raise tampered("its log is shorter than the session says")

    def read_raw(self, place: Place, session_id: str) -> bytes | None:
        """The bytes of a session's head, or None when it is not there."""
        with _plain_files("its file is not a file"), suppress(FileNotFoundError):
            return read_file(self._fs, place.head(session_id))
        return None

    def read_raw_log(self, place: Place, session_id: str, length: int | None = None) -> bytes:
        """The bytes of a session's log, up to a length or all."""
        with self._log(place, session_id) as fd:
            return read_span(self._fs, fd, 0, self._fs.fstat(fd).st_size if length is None else length)

    def records(self, place: Place, page: Page) -> list[Record]:
        """Every event of a session; CorruptStateError unless the chain holds from the first to the last."""
        return read_log(self.read_raw_log(place, page.session.session_id, page.log.length), page.log)

    def newest_first(self, place: Place, page: Page) -> Generator[Record]:
        """The events of a session from the last one back; CorruptStateError at one that is not what was written.

        Each is held to the hash that the one after it names, and the last to the head's. Only as much is read as is
        asked for, so that a long history costs nothing.
        """
        mark = page.log
        wanted, seq = mark.hash, mark.count
        with self._log(place, page.session.session_id) as fd:
            for line in lines_from_end(lambda start, end: read_span(self._fs, fd, start, end), mark.length):
                record = parse_line(line) if sha256(line) == wanted else None
                if record is None or record.seq != seq:
                    raise tampered(f"event {seq} of its log is not the one that was written")
                wanted, seq = record.prev, seq - 1
                yield record
        if seq:
            raise tampered("its log does not begin where the session says")

    def commit(
        self,
        place: Place,
        before: Page | None,
        session: Session,
        event: Event,
        request: Request | None,
        *,
        key: Key | None,
        outcome: Outcome,
    ) -> Page:
        """Make the event, and the session that it makes, what is on the disk.

        The replace of the head is the one moment at which the change happens. What is written to the log before it is
        dropped by the next writer if that moment never comes.
        """
        mark = before.log if before else NOTHING
        line, after = line_after(mark, event, request)
        self._append(place, session.session_id, mark, line)
        if before is None:
            # The head's name must not survive a loss of power that its log's does not.
            self._fs.fsync_dir(place.folder)
        requests: Mapping[str, int] = before.requests if before else {}
        if request is not None:
            requests = with_request(requests, request.id, after.count)
        page = encode(session, self._guard.store, after, requests, key)
        self.write(place, page, outcome)
        return page

    def write(self, place: Place, page: Page, outcome: Outcome) -> None:
        """Put a head into its place, then its anchor. Its log is durable before this is called."""
        staged = stage(self._fs, place.folder, page.raw)
        outcome.committing()
        publish(self._fs, staged, place.head(page.session.session_id))
        self._guard.anchor(page)

    def _append(self, place: Place, session_id: str, mark: LogMark, line: bytes) -> None:
        path = place.log(session_id)
        with _plain_files("its log is not a file"), opened(self._fs, path, WRITE if mark.count else CREATE) as fd:
            if not mark.count:
                make_private(self._fs, path, 0o600)
            if sha256(read_span(self._fs, fd, mark.last, mark.length)) != mark.hash:
                raise tampered("its log does not end where the session says")
            if self._fs.fstat(fd).st_size > mark.length:
                self._fs.truncate(fd, mark.length)
            write_span(self._fs, fd, line, mark.length)

    @contextmanager
    def _log(self, place: Place, session_id: str) -> Generator[int]:
        with _plain_files("its log is not a file"):
            try:
                with opened(self._fs, self._log_path(place, session_id), READ) as fd:
                    yield fd
            except FileNotFoundError:
                raise tampered("its log is missing") from None

    def _log_path(self, place: Place, session_id: str) -> Path:
        return next((path for path, _ in self._logs(place, session_id)), place.log(session_id))

    def _logs(self, place: Place, session_id: str) -> Iterator[tuple[Path, os.stat_result]]:
        """Where the log lies: on the way to or from the trash it goes before the head does."""
        for one in (place, self._layout.live, self._layout.trash):
            path = one.log(session_id)
            with suppress(FileNotFoundError):
                yield path, self._fs.stat(path)


@contextmanager
def _plain_files(finding: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NOT_A_FILE:
            raise tampered(finding) from error
        raise
