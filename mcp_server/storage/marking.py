"""Which blobs must stay: those that any session's file names, whether it can be trusted or not, and what these name."""

from __future__ import annotations

import errno
from collections.abc import Container, Iterator
from pathlib import Path

from mcp_server.storage.blobs import NOT_A_FILE
from mcp_server.storage.durable import read_file
from mcp_server.storage.naming import named_in, names_in, reached, stored_blobs
from mcp_server.storage.parts import Parts


def blobs_kept(parts: Parts, purged: Container[str]) -> set[str]:
    """The names of all blobs that must stay, and others. What the sessions ``purged`` named counts no more."""
    names: set[str] = set()
    for path in session_files(parts, ".json", ".jsonl", but=purged):
        names |= named_in(raw(parts, path) or b"")
    for name in names_in(parts.fs, parts.layout.quarantine):
        names |= named_in(raw(parts, parts.layout.quarantine / name) or b"")
    there = stored_blobs(parts.fs, parts.layout)
    # Those in ``names`` too: one that is empty is reached without being told of.
    return names | {name for name, _ in reached(names, there, lambda name: raw(parts, parts.layout.blob(name)) or b"")}


def session_files(parts: Parts, *suffixes: str, but: Container[str]) -> Iterator[Path]:
    """The files of all sessions, live and in the trash, ``but`` some."""
    layout = parts.layout
    # Those in the trash come between, so that none is missed that goes there or comes from there meanwhile.
    for place in (layout.live, layout.trash, layout.live):
        for name in names_in(parts.fs, place.folder):
            session_id, dot, suffix = name.partition(".")
            if dot + suffix in suffixes and session_id not in but:
                yield place.folder / name


def raw(parts: Parts, path: Path) -> bytes | None:
    """A file's content; None where it is gone, or is no file. Whatever else is wrong must stop a clean-up."""
    try:
        return read_file(parts.fs, path)
    except OSError as error:
        if error.errno in NOT_A_FILE or error.errno == errno.ENOENT:
            return None
        raise
