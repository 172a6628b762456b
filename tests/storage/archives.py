"""Archives that somebody has taken apart and put together again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from stat import S_IFLNK, S_IFREG
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from mcp_server.storage.layout import sha256

Files = dict[str, bytes]


def unpacked(path: Path) -> Files:
    """Every file of an archive but its manifest and the seal on that."""
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name not in ("manifest.json", "seal.json")}


def manifest_of(path: Path) -> dict[str, object]:
    with ZipFile(path) as archive:
        return json.loads(archive.read("manifest.json"))


def repacked(path: Path, edit: Callable[[Files], object], *, honest: bool = True) -> Path:
    """The archive with other files; its manifest says so, if ``honest``, as far as one can who knows the format."""
    files, manifest = unpacked(path), manifest_of(path)
    edit(files)
    if honest:
        counts: dict[str, int] = {}
        for name in files:
            counts[name.split("/")[0]] = counts.get(name.split("/")[0], 0) + 1
        manifest["members"] = {name: {"bytes": len(raw), "sha256": sha256(raw)} for name, raw in files.items()}
        manifest["counts"] = counts
        manifest["bytes"] = sum(map(len, files.values()))
    changed = path.with_name(f"changed-{path.name}")
    with ZipFile(changed, "w", ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
        archive.writestr("manifest.json", json.dumps(manifest))
    return changed


def member(name: str, *, link: bool = False) -> ZipInfo:
    info = ZipInfo(name)
    info.external_attr = ((S_IFLNK if link else S_IFREG) | 0o777) << 16
    return info
