"""Whether a path lies on a network file system, where locks and renames do not promise what the store needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from mcp_server.storage.durable import opened
from mcp_server.storage.filesystem import READ, FileSystem

_MOUNTS: Final = Path("/proc/self/mountinfo")
_NETWORK: Final = frozenset(
    {
        "afs", "beegfs", "ceph", "cifs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
        "davfs", "gpfs", "lustre", "nfs", "nfs4", "smb3", "smbfs",
    }
)  # fmt: skip
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


def network_file_system(fs: FileSystem, path: Path) -> str | None:
    """The type of the network file system that holds a resolved path; None when it is local or cannot be told."""
    try:
        with opened(fs, _MOUNTS, READ) as fd:
            table = b""
            # The kernel gives such a file no size.
            while part := fs.read(fd, 65536, len(table)):
                table += part
    except OSError:
        return None
    kind = file_system_type(table.decode(errors="replace"), path)
    return kind if kind in _NETWORK else None


def file_system_type(mountinfo: str, path: Path) -> str | None:
    """The type of the mount that a path lies on: the one mounted last of those with the longest path above it."""
    best, kind = -1, None
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) < 5 or not source:
            continue
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), fields[4]).rstrip("/")
        if len(point) >= best and f"{path}/".startswith(f"{point}/"):
            best, kind = len(point), source.split(" ")[0]
    return kind
