"""Reading and replacing one configuration file: whole or not at all, with a backup, through symbolic links."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mcp_server.cli.hosts.problems import LeftAlone

_LARGEST: Final = 32 * 1024 * 1024
_BOM: Final = "\ufeff"


@dataclass(frozen=True)
class Content:
    """A file as it was read; ``raw`` is None when there was none."""

    path: Path
    raw: bytes | None
    text: str
    bom: bool = False

    def encoded(self, text: str) -> bytes:
        """Another text in the encoding of this one."""
        return ((_BOM if self.bom else "") + text).encode()


def read(path: Path) -> Content:
    """What is in the file; empty when it does not exist. Raises LeftAlone when it cannot be read as text."""
    try:
        if path.exists() and not path.is_file():
            raise LeftAlone("it is not a file")
        if path.is_symlink() and not path.exists():
            raise LeftAlone("it is a link that leads nowhere")
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return Content(path, None, "")
    except OSError as error:
        raise LeftAlone(f"it cannot be read: {error.strerror}") from None
    if len(raw) > _LARGEST:
        raise LeftAlone(f"it is larger than {_LARGEST // 1024 // 1024} MiB")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise LeftAlone("it is not text in UTF-8") from None
    return Content(path, raw, text.removeprefix(_BOM), text.startswith(_BOM))


def replace(content: Content, text: str, *, keep: bool = True) -> Path | None:
    """Write the text in place of what was read; the path of its backup, or None when there was no file.

    Without ``keep`` none is made. Raises LeftAlone when the file has changed since it was read, or cannot be written.
    """
    try:
        # A link stays a link: the file that it leads to is replaced.
        target = content.path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = None if content.raw is None else target.stat().st_mode & 0o7777
        backup = _backed_up(content.path, content.raw, mode) if keep and content.raw is not None else None
        beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        try:
            _create(beside, content.encoded(text), mode)
            if read(content.path).raw != content.raw:
                raise LeftAlone("it was changed meanwhile", "Repeat the command.")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise LeftAlone(f"it cannot be written: {error.strerror}") from None
    return backup


def delete(content: Content) -> None:
    """Delete what was read. Raises LeftAlone when it has changed since then, or cannot be deleted."""
    try:
        if read(content.path).raw != content.raw:
            raise LeftAlone("it was changed meanwhile", "Repeat the command.")
        content.path.unlink()
    except OSError as error:
        raise LeftAlone(f"it cannot be deleted: {error.strerror}") from None


def backups(path: Path) -> Iterator[Content]:
    """The backups beside a file, the latest first; those that cannot be read are passed over."""
    for backup in sorted(path.parent.glob(f"{path.name}.bak-*"), reverse=True):
        with suppress(LeftAlone):
            yield read(backup)


def _backed_up(path: Path, raw: bytes, mode: int | None) -> Path:
    for backup in backups(path):
        if backup.raw == raw:
            return backup.path
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for number in range(1, 1000):
        backup = path.with_name(f"{path.name}.bak-{stamp}{'' if number == 1 else f'-{number}'}")
        try:
            _create(backup, raw, mode)
        except FileExistsError:
            continue
        return backup
    raise LeftAlone("there are too many backups beside it")


def _create(path: Path, data: bytes, mode: int | None) -> None:
    """A new file on the disk. What replaces a private file is never readable by others, not even at first."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    if mode is not None:
        path.chmod(mode)
