"""A session's event log: one JSON line per event, each naming the hash of the line before it. No disk here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from pydantic import Field, ValidationError

from mcp_server.domain import machine
from mcp_server.domain.events import Event, SealAccepted, SessionImported, SessionStarted
from mcp_server.domain.session import Frozen, Session
from mcp_server.errors import StateError
from mcp_server.storage.document import UnfitError
from mcp_server.storage.findings import tampered
from mcp_server.storage.layout import sha256
from mcp_server.storage.versions import is_older, raised_fields


@dataclass(frozen=True, slots=True)
class Request:
    """A caller's name for one change, and the SHA-256 of the action and arguments it stands for."""

    id: str
    digest: str


class Record(Frozen):
    """One event in its place: ``seq`` counts from 1, ``prev`` is the SHA-256 of the line before (of nothing at 1)."""

    seq: int
    event: Event
    request: Request | None = None
    prev: str


class LogMark(Frozen):
    """How far a log is valid: its length in bytes, the last line's hash and offset, the number of lines."""

    length: int = Field(ge=0)
    hash: str
    last: int = Field(ge=0)
    count: int = Field(ge=0)


_BLOCK: Final = 64 * 1024

NOTHING: Final = LogMark(length=0, hash=sha256(b""), last=0, count=0)


def line_after(mark: LogMark, event: Event, request: Request | None) -> tuple[bytes, LogMark]:
    """The line that adds an event to a log, and the mark with it."""
    record = Record(seq=mark.count + 1, event=event, request=request, prev=mark.hash)
    line = record.model_dump_json().encode() + b"\n"
    return line, LogMark(length=mark.length + len(line), hash=sha256(line), last=mark.length, count=record.seq)


def read_log(raw: bytes, mark: LogMark) -> list[Record]:
    """Every record of a log; CorruptStateError unless each line follows the one before and the last is the mark's."""
    records = follow(raw)
    if _end(raw) != mark.hash or len(raw) != mark.length or len(records) != mark.count:
        raise tampered("its log does not end where the session says")
    return records


def follow(raw: bytes) -> list[Record]:
    """Every record of a log, however far it should go; CorruptStateError unless each line follows the one before."""
    records: list[Record] = []
    previous = NOTHING.hash
    for seq, line in enumerate(raw.splitlines(keepends=True), 1):
        record = parse_line(line)
        if record is None or record.seq != seq or record.prev != previous:
            raise tampered(f"event {seq} of its log is not the one that was written")
        previous = sha256(line)
        records.append(record)
    return records


def lines_from_end(read: Callable[[int, int], bytes], length: int) -> Iterator[bytes]:
    """The lines of a log of that length, the last one first; ``read`` gives the bytes from an offset to another."""
    start, rest = length, b""
    while start:
        end, start = start, max(0, start - _BLOCK)
        first, *whole = (read(start, end) + rest).splitlines(keepends=True) or [b""]
        yield from reversed(whole)
        rest = first
    if rest:
        yield rest


def parse_line(line: bytes) -> Record | None:
    """The record in one line, or None when it holds none."""
    if not line.endswith(b"\n"):
        return None
    try:
        return Record.model_validate_json(line)
    except ValidationError:
        return _older(line)


def _older(line: bytes) -> Record | None:
    """The record in a line whose event carries a session of an older version."""
    try:
        fields = orjson.loads(line)
        session = fields["event"]["session"]
        if not is_older(session):
            return None
        fields["event"]["session"] = raised_fields(session)
        return Record.model_validate_json(orjson.dumps(fields))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, UnfitError, ValidationError):
        return None


def accepted_at(records: Sequence[Record]) -> int:
    """The index from which a log vouches for itself: the last event by which a person accepted what was there, or 0."""
    return max((index for index, record in enumerate(records) if isinstance(record.event, SealAccepted)), default=0)


def fold(records: Sequence[Record]) -> Session:
    """The session that the events make, from the last that a person accepted.

    CorruptStateError when they do not follow from each other.
    """
    if not records:
        raise tampered("its log is empty")
    start = accepted_at(records)
    first = records[start].event
    try:
        match first:
            case SessionStarted() | SessionImported():
                session = machine.begin(first)
            case SealAccepted():
                session = machine.apply(first.session, first)
            case _:
                raise tampered("its log does not begin with a start")
        for record in records[start + 1 :]:
            session = machine.apply(session, record.event)
    except StateError as error:
        raise tampered("the events in its log do not follow from each other") from error
    return session


def _end(raw: bytes) -> str:
    """The hash of a log's last line."""
    return sha256(raw[raw[:-1].rfind(b"\n") + 1 :])
