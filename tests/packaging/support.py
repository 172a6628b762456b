"""What is packaged, seen from outside: the files that git tracks, and programs in environments of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.support import bare_environment
from tests.wire import Wire

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 300
"""Seconds that a program gets which may have to fetch and build; far more than any takes."""


@dataclass(frozen=True)
class Distributions:
    """What is published."""

    sdist: Path
    wheel: Path

    @classmethod
    def built_from(cls, source: Path, folder: Path) -> Distributions:
        """The source distribution of a folder, and the wheel that is made from that."""
        build(source, folder)
        (sdist,) = folder.glob("*.tar.gz")
        (wheel,) = folder.glob("*.whl")
        return cls(sdist, wheel)

    def files(self) -> tuple[list[str], list[str]]:
        """What the source distribution holds, below its one folder, and what the wheel holds."""
        with tarfile.open(self.sdist) as sdist, zipfile.ZipFile(self.wheel) as wheel:
            source = [member.name.partition("/")[2] for member in sdist.getmembers() if not member.isdir()]
            return sorted(source), sorted(wheel.namelist())


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel and what it depends on."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    @property
    def program(self) -> Path:
        return self.folder / "bin/pos-workflow"

    def run(self, *command: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
        """Run a program with hardly an environment, in a home folder that nobody else uses."""
        home.mkdir(exist_ok=True)
        environment = bare_environment(HOME=str(home), TMPDIR=str(home))
        return subprocess.run(
            command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
        )


@dataclass(frozen=True)
class Uv:
    """uv, with a cache of the tests' own and the interpreter that runs them."""

    cache: Path

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "uv", *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        own = {"UV_CACHE_DIR": str(self.cache), "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
        return {**without_an_environment(), **own}

    def run(self, *arguments: str | Path, cwd: Path = Path("/"), given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=cwd,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def serving(self, *arguments: str | Path, cwd: Path = Path("/")) -> Wire:
        """A server that uv starts, after the handshake."""
        return Wire(command=self.command(*arguments), environment=self.environment, cwd=cwd)


def without_an_environment() -> dict[str, str]:
    """This process's environment less what would lead a program back to the one that it runs in."""
    return {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}


def tracked() -> list[str]:
    """The files of this checkout that git tracks, or would once they are added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def copy_of_the_checkout(folder: Path) -> Path:
    """The tracked files and nothing else, in a folder of their own."""
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return folder


def build(source: Path, folder: Path, *kinds: str) -> None:
    """Build with what is installed; without ``--wheel`` or ``--sdist`` the wheel is made from the sdist."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), *kinds, str(source)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """What a program printed, which has to have ended well."""
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout
