"""What tests run in Node: the packages that a folder's ``package.json`` names, installed into it from the registry.

Without Node or with the registry out of reach a test skips and says so. Under CI, where nobody reads that, it fails. An
install that fails for any other reason is a defect of this repository, and fails everywhere.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock

PATIENCE = 300.0
"""Seconds that npm may take: it brings a few hundred megabytes."""

_INSTALL = (
    *("npm", "install", "--loglevel=error", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"),
    *("--fetch-retries=1", "--fetch-retry-mintimeout=1000"),
)
_OUT_OF_REACH = re.compile(r"npm error code (EAI_AGAIN|ECONN\w+|ENOTFOUND|E\w+UNREACH|\w*TIMED?OUT|E403|E5\d\d)\b")
_failed: dict[Path, str] = {}
"""What this process could not get and why: to ask again would only take as long again."""


def node(folder: Path) -> str:
    """The Node that runs what lies in ``folder``, whose packages are installed once for each ``package.json``.

    It is the machine's own where that is as new as ``engines`` asks for, else one of ``optionalDependencies``.
    """
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        do_without(f"there is no {' and no '.join(missing)}")
    package = (folder / "package.json").read_text(encoding="utf-8")
    oldest = json.loads(package).get("engines", {}).get("node", ">=0")
    own = _run(["node", "--version"], folder).stdout
    flags = ["--omit=optional"] if _version(own) >= _version(oldest) else []
    packages = folder / "node_modules"
    # Workers of one run come here at the same time.
    with FileLock(folder / ".installing"):
        mark, wanted = packages / ".installed", " ".join([package, *flags])
        if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
            shutil.rmtree(packages, ignore_errors=True)
            _install(folder, flags)
            mark.write_text(wanted, encoding="utf-8")
    brought = packages / ".bin" / "node"
    if flags:
        return "node"
    if not brought.exists():
        do_without(f"Node {oldest} is wanted, this is {own.strip()}, and the registry has none for this machine")
    return str(brought)


def _install(folder: Path, flags: list[str]) -> None:
    if folder not in _failed:
        try:
            done = _run([*_INSTALL, *flags], folder)
        except subprocess.TimeoutExpired:
            said = f"npm error code ETIMEDOUT: it took longer than {PATIENCE:g} s"
        else:
            if done.returncode == 0:
                return
            said = " ".join(done.stderr.split())[:300]
        if not _OUT_OF_REACH.search(said):
            pytest.fail(f"npm cannot install what {folder.name}/package.json names: {said}")
        _failed[folder] = f"the registry is out of reach: {said}"
    do_without(_failed[folder])


def do_without(reason: str) -> NoReturn:
    """Skip the test, and say why; fail under CI, where nobody would read it."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"not skipped under CI: {reason}")
    pytest.skip(reason)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE, check=False
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])
