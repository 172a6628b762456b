"""Which blobs something names, without knowing what it is.

Whatever looks like a SHA-256 in a head, a log or another blob is taken for the name of a blob. That keeps what a later
kind of event names as well, and at worst it keeps a little too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Final

from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.layout import Layout, is_digest

_NAME: Final = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def named_in(content: bytes) -> set[str]:
    """Everything in the content that may be the name of a blob."""
    return {name.decode() for name in set(_NAME.findall(content))}


def reached(names: Iterable[str], there: Container[str], fetch: Callable[[str], bytes]) -> Iterator[tuple[str, bytes]]:
    """Of the blobs that are ``there`` those that are named, or that one of these names, each with its content once.

    ``fetch`` gives a blob's content; b"" for one that cannot be had leaves it out.
    """
    open_names = {name for name in names if name in there}
    seen = set(open_names)
    while open_names:
        name = open_names.pop()
        content = fetch(name)
        if not content:
            continue
        yield name, content
        more = {one for one in named_in(content) if one in there} - seen
        seen |= more
        open_names |= more


def stored_blobs(fs: FileSystem, layout: Layout) -> set[str]:
    """The names of all blobs of a store."""
    return {
        name
        for folder in names_in(fs, layout.blobs)
        if len(folder) == 2
        for name in names_in(fs, layout.blobs / folder)
        if is_digest(name) and name[:2] == folder
    }


def names_in(fs: FileSystem, folder: Path) -> list[str]:
    """The names in a folder, sorted; none where there is no such folder."""
    try:
        return sorted(fs.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
