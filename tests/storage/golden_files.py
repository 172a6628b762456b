"""Golden files: documents of every version as they were written, and what this program makes of them.

``golden/<n>/<case>/`` holds a document of version n (``before.json``) and what the step to the next version makes of
it (``after.json``). ``golden/store-<n>/`` is a whole store as a program of version n wrote it, with the key that sealed
it.

``python -m tests.storage.golden_files`` renews what the steps make, and the store of the present version. Until the
first release that is how a change of version 1 is followed. After it a version's files are never written again: what
is released is out there, and a change is a new version.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from mcp_server.domain.events import Event, SealAccepted, SessionImported, WorkflowCompleted
from mcp_server.domain.session import SCHEMA_VERSION, Session
from mcp_server.storage.document import Document
from mcp_server.storage.values import pack
from mcp_server.storage.versions import STEPS
from tests.storage.support import (
    BEGIN,
    BLOBS,
    QuickFileSystem,
    Site,
    at,
    begun,
    completing,
    parts,
    refusing,
    started,
    toggling,
)

FOLDER: Final = Path(__file__).parent / "golden"
PRESENT: Final = FOLDER / f"store-{SCHEMA_VERSION}"
STORE_ID: Final = "5" * 32
KEY: Final = {"key_id": "d5a3e9a8f6b40f1c", "key": "7" * 64}
UNSTEADY: Final = ("locks", "backups")
"""Folders of a store that say nothing of its form."""


def cases() -> list[Path]:
    """The folder of every case of every step."""
    return sorted(path.parent for path in FOLDER.glob("[0-9]*/*/before.json"))


def stepped(case: Path) -> dict[str, Any]:
    """What the step from its version makes of a case."""
    document = Document(json.loads((case / "before.json").read_text()))
    after = STEPS[int(case.parent.name)](document)
    blobs = {digest: content.decode() for digest, content in sorted(after.blobs.items())}
    return {"fields": dict(after.fields), "lost": list(after.lost), "blobs": blobs}


def stores() -> list[Path]:
    """The store of every version."""
    return sorted(FOLDER.glob("store-*"))


def laid_out(golden: Path, folder: Path) -> Site:
    """A golden store, copied to where it can be worked in."""
    site = Site(folder)
    shutil.copytree(golden / "state", site.root)
    shutil.copytree(golden / "config", site.user.config)
    parts(site.store()).root.make()
    return site


def read(site: Site) -> dict[str, Any]:
    """Every session of a store as this program reads it, without what differs between two programs of one version."""
    store = site.store()
    ids = [one.session_id for one in store.sessions().sessions]
    return {session_id: store.read(session_id).model_dump(mode="json") for session_id in ids}


def write_store(folder: Path) -> None:
    """A store with a session of every kind, the same bytes each time."""
    site = Site(folder / "site")
    site.root.mkdir(parents=True)
    site.user.config.mkdir(parents=True)
    (site.root / "store.json").write_text(json.dumps({"store": STORE_ID}) + "\n")
    (site.user.config / "seal-key.json").write_text(json.dumps(KEY) + "\n")
    store = site.store(fs=QuickFileSystem())
    evidence, blobs = pack({"report": "r" * 3000, "tests": 12, "passed": True})
    begun(store, "refused")
    store.update("refused", completing(evidence), blobs=blobs)
    store.update("refused", refusing(evidence), blobs=blobs)
    begun(store, "paused")
    store.update("paused", toggling)
    begun(store, "completed")
    for decide in (completing(), completing(), _last):
        store.update("completed", decide)
    begun(store, "deleted")
    store.delete("deleted", at=BEGIN + timedelta(seconds=1), reason="done with it")
    store.bring(_imported(), blobs=BLOBS)
    begun(store, "accepted")
    store.update("accepted", _accepting)
    _keep(site, folder)


def _last(session: Session) -> Event:
    attempt, phase = session.record.attempt + 1, session.current_phase
    evidence, _ = pack({"done": "all of it"})
    return WorkflowCompleted(at=at(session), phase=phase, attempt=attempt, evidence=evidence, basis="attested")


def _imported() -> SessionImported:
    case = FOLDER / "0" / "under_way"
    fields = stepped(case)["fields"]
    definition = started().definition.model_dump()
    session = Session.model_validate({**fields, "definition": definition, "artifacts": {"1": {"items": {}}}})
    return SessionImported(at=BEGIN, session=session, source="0" * 64, lost=("mood: unknown here",))


def _accepting(session: Session) -> Event:
    return SealAccepted(at=at(session), finding="tampered: it was edited", session=session)


def _keep(site: Site, folder: Path) -> None:
    for source, name in ((site.root, "state"), (site.user.config, "config")):
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(*UNSTEADY, ".gitignore", "*.lock"))
    (folder / "sessions.json").write_text(_json(read(site)))
    shutil.rmtree(folder / "site")


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def renew() -> None:
    """Write what the steps make, and the store of the present version."""
    for case in cases():
        (case / "after.json").write_text(_json(stepped(case)))
    with tempfile.TemporaryDirectory() as made:
        write_store(Path(made))
        shutil.rmtree(PRESENT, ignore_errors=True)
        shutil.copytree(made, PRESENT)


if __name__ == "__main__":
    renew()
