"""The program as its next version might be, in a process of its own: one field more, and the step that gives it.

``make`` copies the package and changes the copy. The rest runs inside it: ``python -m tests.storage.next_version
JOB FOLDER``, from the folder of the copy.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mcp_server
from mcp_server.domain.session import SCHEMA_VERSION, Session
from mcp_server.errors import PosWorkflowError
from mcp_server.storage.document import Document
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.migration import Migrator
from mcp_server.storage.versions import raised
from tests.storage.proof.seams import Fault, Faulty, Seam, changes
from tests.storage.support import BEGIN, QuickFileSystem, Site, begun, parts, toggling

ROOT = Path(__file__).parents[2]
MANY = 50

STEP = """
def _with_a_mood(document: Document) -> Document:
    return replace(document, fields={**document.fields, "mood": "calm"})


STEPS: Final[Mapping[int, Step]] = {0: from_version_0, 1: _with_a_mood}
"""
CHANGES = {
    "domain/session.py": [
        ("SCHEMA_VERSION = 1\n", "SCHEMA_VERSION = 2\n"),
        ("schema_version: Literal[1]", "schema_version: Literal[2]"),
        (
            "    deleted_at: datetime | None = None\n",
            '    deleted_at: datetime | None = None\n    mood: str = "calm"\n',
        ),
    ],
    "storage/versions.py": [("STEPS: Final[Mapping[int, Step]] = {0: from_version_0}\n", STEP)],
}


@dataclass(frozen=True)
class NextVersion:
    """A copy of the program that is one version on."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> NextVersion:
        package = Path(mcp_server.__file__).parent
        shutil.copytree(package, folder / "mcp_server", ignore=shutil.ignore_patterns("__pycache__"))
        for name, edits in CHANGES.items():
            path = folder / "mcp_server" / name
            text = path.read_text()
            for old, new in edits:
                assert text.count(old) == 1, (name, old)
                text = text.replace(old, new)
            path.write_text(text)
        return cls(folder)

    def run(self, job: str, site: Site) -> str:
        """Do a job on a store in a process of this version, and give what it printed."""
        with self.start(job, site) as process:
            out, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (0, ""), err
        return out

    def start(self, job: str, site: Site) -> subprocess.Popen[str]:
        """Begin a job in a process of this version."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.storage.next_version", job, str(site.folder)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _says(site: Site) -> str:
    """What every session is, as this version reads it."""
    store = site.store()
    listing = store.sessions()
    sessions = [store.read(session_id) for session_id in sorted(one.session_id for one in listing.sessions)]
    lines = [f"{one.session_id} {one.session_status} {vars(one).get('mood')}" for one in sessions]
    return "\n".join(lines + [f"{one.session_id} {one.finding}" for one in listing.corrupt])


def _toggle(site: Site) -> str:
    return str(site.store().update("one", toggling).session.version)


def _toggle_often(site: Site) -> str:
    store = site.store(lock_timeout=60)
    for _ in range(MANY):
        store.update("one", toggling)
    return str(store.read("one").version)


def _create(site: Site) -> str:
    return begun(site.store(), "made_by_the_next").session_id


def _look(site: Site) -> str:
    found = Migrator(parts(site.store()), BEGIN).look()
    return f"{[one.session_id for one in found.older]} {found.present} {[one.session_id for one in found.left]}"


def _migrate(site: Site) -> str:
    found = Migrator(parts(site.store()), BEGIN).run()
    return f"{[one.session_id for one in found.older]} {found.present} {[one.session_id for one in found.left]}"


def _verify(site: Site) -> str:
    report = site.store().verify()
    return f"{report.ok} {report.sessions} {report.corrupt} {report.store}"


class Noting(Seam):
    """A disk that notes of every call its name, and whether it changes what is there."""

    def __init__(self, inner: FileSystem) -> None:
        super().__init__(inner)
        self.noted: list[tuple[str, bool]] = []

    def around(self, name: str, arguments: tuple[Any, ...], call: Callable[..., Any]) -> Any:
        self.noted.append((name, changes(name, arguments)))
        return super().around(name, arguments, call)


def _faults(site: Site, *, each: bool = False, for_good: bool = False) -> str:
    """Fail the calls of a migration in turn, before and after they had their effect: each, or those that write.

    Gives how many failures were met, and everything that was then not as it has to be.
    """
    site.save("before")
    noting = Noting(QuickFileSystem())
    Migrator(parts(site.store(fs=noting)), BEGIN).run()
    site.restore("before")
    kept = originals(site)
    wrong: list[str] = []
    failed = 0
    failing = [number for number, (name, writes) in enumerate(noting.noted) if each or (writes and name != "open")]
    for number, effect in itertools.product(failing, (0.0, 1.0)):
        site.restore("before")
        outcome = "done"
        try:
            fs = Faulty(QuickFileSystem(), number, Fault(errno.EIO, effect=effect, for_good=for_good))
            Migrator(parts(site.store(fs=fs)), BEGIN).run()
        except PosWorkflowError as error:
            failed += 1
            outcome = error.facts.get("outcome", error.message)
        if problem := _problem(site, outcome, kept, for_good=for_good):
            wrong.append(f"{noting.noted[number]} {effect}: {problem}")
    return f"{failed} of {2 * len(failing)} {wrong}"


def _problem(site: Site, outcome: str, kept: dict[str, bytes], *, for_good: bool) -> str | None:
    """What is not as it has to be after a migration that ended so, on a disk that is sound again."""
    if outcome != "done" and originals(site) != kept and not (for_good and outcome == "unknown"):
        return f"{outcome}, and the files are not what they were"
    store = site.store(fs=QuickFileSystem())
    if not store.verify().ok:
        return f"{outcome}, and what it left does not verify"
    if not for_good:
        return None
    Migrator(parts(store), BEGIN).run()
    return "a second one did not finish it" if Migrator(parts(store), BEGIN).look().older else None


def _all_faults(site: Site) -> str:
    return _faults(site, each=True)


def _lasting_faults(site: Site) -> str:
    """The disk stays dead, so that nothing can be put back: as after a kill."""
    return _faults(site, for_good=True)


def originals(site: Site) -> dict[str, bytes]:
    """Every file that a migration may change, by its path."""
    return {
        name: content
        for name, content in site.contents().items()
        if not name.endswith(".tmp") and "/locks/" not in name and "/backups/" not in name
    }


def _raise(_: Site) -> str:
    """A session file of praxis-os, taken through every step."""
    before = json.loads((ROOT / "tests" / "storage" / "golden" / "0" / "under_way" / "before.json").read_text())
    session = Session.model_validate_json(json.dumps(raised(Document(before)).fields))
    return f"{session.schema_version} {vars(session)['mood']} {session.imported_from}"


JOBS: dict[str, Callable[[Site], str]] = {
    "says": _says,
    "toggle": _toggle,
    "toggle_often": _toggle_often,
    "create": _create,
    "look": _look,
    "migrate": _migrate,
    "verify": _verify,
    "raise": _raise,
    "faults": _faults,
    "all_faults": _all_faults,
    "lasting_faults": _lasting_faults,
}

if __name__ == "__main__":
    assert SCHEMA_VERSION == 2, "this is not the copy"
    sys.stdout.write(JOBS[sys.argv[1]](Site(Path(sys.argv[2]))))
