"""What older versions wrote is read for ever: golden files of each, and the law that log and head say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mcp_server.domain.session import SCHEMA_VERSION, Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.document import Document, UnfitError
from mcp_server.storage.log import parse_line
from mcp_server.storage.plausible import require_reachable
from mcp_server.storage.store import Store
from mcp_server.storage.versions import FIRST, STEPS, is_older, raised, version_of
from tests.storage import golden_files
from tests.storage.support import Site, begun, toggling, with_checksum

pytestmark = pytest.mark.unit

RENEW = "until the first release: python -m tests.storage.golden_files; after it: this needs a new version"


def name(path: Path) -> str:
    return str(path.relative_to(golden_files.FOLDER))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_there_is_a_step_from_every_version_and_a_case_of_each() -> None:
    assert set(STEPS) == set(range(SCHEMA_VERSION))
    assert {int(case.parent.name) for case in golden_files.cases()} == set(STEPS)
    assert {one.name for one in golden_files.stores()} == {f"store-{n}" for n in range(FIRST, SCHEMA_VERSION + 1)}


@pytest.mark.parametrize("case", golden_files.cases(), ids=name)
def test_a_step_makes_of_a_document_what_it_always_made(case: Path) -> None:
    assert golden_files.stepped(case) == json.loads((case / "after.json").read_text()), RENEW


@pytest.mark.parametrize("case", golden_files.cases(), ids=name)
def test_what_the_steps_make_is_a_session_that_a_walk_leads_to(case: Path) -> None:
    before = json.loads((case / "before.json").read_text())
    kept = json.dumps(before)
    fields = raised(Document(before)).fields
    require_reachable(Session.model_validate_json(json.dumps(fields)))
    assert json.dumps(before) == kept


@pytest.mark.parametrize("golden", golden_files.stores(), ids=name)
def test_a_store_of_every_version_is_read_and_verified(golden: Path, tmp_path: Path) -> None:
    site = golden_files.laid_out(golden, tmp_path)
    report = site.store().verify()
    assert (report.ok, report.sessions) == (True, 6), report
    assert golden_files.read(site) == json.loads((golden / "sessions.json").read_text()), RENEW
    assert site.store().update("paused", toggling).session.schema_version == SCHEMA_VERSION
    assert site.store().verify().ok


def test_the_store_of_this_version_is_the_one_that_this_program_writes(tmp_path: Path) -> None:
    golden_files.write_store(tmp_path)
    assert files(tmp_path) == files(golden_files.PRESENT), RENEW


@pytest.mark.parametrize("value", [None, "1", True, 1.0, [1]])
def test_a_version_is_an_integer_or_there_is_none(value: Any) -> None:
    assert version_of({"schema_version": value}) is None
    assert not is_older({"schema_version": value})


@pytest.mark.parametrize("version", [0, -1, 2.5, "1", None])
def test_a_head_of_no_version_is_damaged_and_never_taken_for_an_older_one(
    site: Site, store: Store, version: object
) -> None:
    begun(store)
    written = json.dumps(version).encode()
    head = with_checksum(
        site.head().read_bytes(), lambda raw: raw.replace(b'"schema_version": 1', b'"schema_version": ' + written)
    )
    site.head().write_bytes(head)
    with pytest.raises(CorruptStateError, match="torn"):
        store.read("one")
    assert site.head().read_bytes() == head


def test_an_event_with_a_session_of_a_later_version_is_none_that_can_be_read() -> None:
    log = golden_files.PRESENT / "state" / "workflows" / "accepted.jsonl"
    line = log.read_bytes().splitlines(keepends=True)[-1]
    assert parse_line(line) is not None
    later = re.sub(rb'"schema_version":\d+', b'"schema_version":%d' % (SCHEMA_VERSION + 1), line)
    assert later != line
    assert parse_line(later) is None


def test_a_document_that_makes_no_sense_is_named_as_that() -> None:
    before = json.loads((golden_files.FOLDER / "0" / "under_way" / "before.json").read_text())
    with pytest.raises(UnfitError, match="it is in phase 7"):
        raised(Document({**before, "current_phase": 7}))
