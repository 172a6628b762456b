"""Sessions of praxis-os come over whole, work, and are told of where they cannot."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_server.domain.events import SessionImported
from mcp_server.errors import StorageError
from tests.importing.support import AT, HERE, ID, Old, artifact, complete, session
from tests.storage.proof.seams import Counting, Fault, Faulty
from tests.storage.support import QuickFileSystem
from tests.support import PASSING, field, tree

pytestmark = pytest.mark.integration


def times(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}


def test_a_session_under_way_goes_on_where_it_stood(old: Old) -> None:
    result = old.one(session())
    assert (result.outcome, result.session_id, result.lost) == ("imported", HERE, ())
    assert result.says == "steps on target.py: active, 1 of 3 phases completed"
    ask = old.home.asking()
    state = ask(action="get_state", session_id=HERE)
    assert (state["current_phase"], state["completed_phases"], state["gate"]) == (2, [1], "open")
    assert state["artifacts"]["phase_1"]["done"] == "seen with my own eyes"
    assert state["created_at"].startswith("2025-11-02T07:00:00")
    for phase in (2, 3):
        passed = ask(action="complete_phase", session_id=HERE, phase=phase, evidence=PASSING)
        assert passed["checkpoint_passed"], passed
    assert ask(action="get_state", session_id=HERE)["session_status"] == "completed"
    assert old.store().verify().ok


def test_its_record_says_where_it_came_from_and_what_is_believed_of_it(old: Old) -> None:
    old.one(session())
    kept = old.store().read(HERE)
    assert kept.imported_from == ID
    assert kept.active_since == AT
    assert old.home.asking()(action="get_session", session_id=HERE)["session"]["imported_from"] == ID
    assert kept.record_of(1).basis == "attested"
    assert {item.basis for item in kept.artifacts[1].items.values()} == {"attested"}
    assert kept.options.items["depth"].value == 3
    assert kept.last_updated == datetime(2025, 11, 2, 8, 30, tzinfo=UTC)
    assert kept.definition.source == "project"
    (record,) = old.store().events(HERE)
    assert isinstance(record.event, SessionImported)
    assert (record.event.at, record.event.session) == (AT, kept)
    (line,) = (old.home.state / "audit.jsonl").read_text().splitlines()
    assert (json.loads(line)["kind"], json.loads(line)["reason"]) == ("imported", ID)


def test_a_complete_session_stays_at_its_last_phase(old: Old) -> None:
    result = old.one(complete())
    assert (result.outcome, result.lost) == ("imported", ())
    kept = old.store().read(HERE)
    assert (kept.session_status, kept.current_phase, kept.completed_phases) == ("completed", 3, (1, 2, 3))
    back = old.home.asking()(action="rollback", session_id=HERE, to_phase=2)
    assert back["status"] == "success"


def test_what_the_current_phase_had_shown_is_its_draft(old: Old) -> None:
    old.one(session(phase_artifacts={"1": artifact(1, done="yes"), "2": artifact(2, done="half")}))
    kept = old.store().read(HERE)
    assert kept.draft is not None
    assert kept.draft.evidence.items["done"].value == "half"
    assert old.store().verify().ok


def test_of_files_that_a_gate_guards_nobody_knows_what_they_were(old: Old) -> None:
    gate = {"protected_paths": ["tests/**"], "evidence_schema": {"done": field()}}
    old.home.define("guarding", [{"number": 1, "gate": gate}, {"number": 2, "gate": gate}])
    fields = session(workflow_type="guarding", metadata={}, phase_artifacts={"1": artifact(1, done="x")})
    (told,) = old.one(fields).lost
    assert told.startswith("phase 2: how the files that its gate guards were when it was entered")
    assert old.home.asking()(action="complete_phase", session_id=HERE, phase=2, evidence=PASSING)["gate"] == "blocked"


def test_an_alias_leads_to_the_definition(old: Old) -> None:
    assert old.one(session(workflow_type="stairs")).outcome == "imported"
    assert old.store().read(HERE).workflow_type == "steps"


def test_a_dynamic_session_takes_its_plan_along(old: Old) -> None:
    old.home.write({"specs/x/tasks.md": PLAN})
    fields = session(workflow_type="spec_execution_v1", current_phase=1, completed_phases=[0])
    fields["phase_artifacts"] = {"0": artifact(0, plan_read="yes")}
    fields["checkpoints"] = {}
    fields["metadata"] = {"spec_path": str(old.home.project / "specs/x"), "total_phases": 1}
    result = old.one(fields)
    assert result.outcome == "imported", result
    kept = old.store().read(HERE)
    assert kept.options.items["spec_path"].value == "specs/x"
    assert len(kept.phases) > 3
    assert old.home.asking()(action="get_phase", session_id=HERE)["status"] == "success"


PLAN = """\
# Plan

## Phase 1: First

- [ ] **Task 1.1**: Do it

### Validation gate

- [ ] It is done

## Phase 2: Second

- [ ] **Task 2.1**: Do more

### Validation gate

- [ ] It is done
"""


def test_a_phase_whose_checkpoint_was_skipped_is_skipped(old: Old) -> None:
    fields = session(current_phase=3, completed_phases=[1], checkpoints={"1": "passed", "2": "skipped"})
    assert old.one(fields).outcome == "imported"
    assert old.store().read(HERE).skipped_phases == (2,)
    assert old.store().verify().ok


def test_what_is_said_to_be_there_is_written_anew_lest_its_writer_died_too_early(old: Old) -> None:
    old.one(session())
    head = old.home.state / "workflows" / f"{HERE}.json"
    written, content = head.stat(), head.read_bytes()
    (again,) = old.run()
    assert again.outcome == "already_there"
    assert (head.stat().st_ino, head.stat().st_mtime_ns) != (written.st_ino, written.st_mtime_ns)
    assert head.read_bytes() == content


def test_importing_again_is_harmless_and_said(old: Old) -> None:
    old.one(session())
    before = tree(old.home.state)
    (again,) = old.run()
    assert (again.outcome, again.says) == ("already_there", "it was imported before")
    old.put(session(current_phase=3, completed_phases=[1, 2]))
    (changed,) = old.run()
    assert changed.outcome == "already_there"
    assert "has changed since" in changed.says
    assert tree(old.home.state) == before
    ask = old.home.asking()
    ask(action="delete_session", session_id=HERE)
    (deleted,) = old.run()
    assert deleted.outcome == "already_there"
    assert f"undelete {HERE} brings it back" in deleted.says


def test_a_session_that_was_purged_does_not_come_back(old: Old) -> None:
    old.one(session())
    old.home.asking()(action="delete_session", session_id=HERE)
    for path in (old.home.state / "trash").iterdir():
        path.unlink()
    (again,) = old.run()
    assert (again.outcome, again.says) == ("already_there", "it was imported before, and deleted here since")


def test_the_originals_and_in_a_dry_run_everything_else_stay_as_they_are(old: Old) -> None:
    old.put(session())
    old.put(b"{", "broken")
    originals, originally = tree(old.folder), times(old.folder)
    around, around_then = tree(old.folder.parent), times(old.folder.parent)
    dry = old.run(dry_run=True)
    assert (tree(old.folder.parent), times(old.folder.parent)) == (around, around_then)
    assert old.run() == dry
    assert (tree(old.folder), times(old.folder)) == (originals, originally)
    before, before_then = tree(old.folder.parent), times(old.folder.parent)
    old.run(dry_run=True)
    assert (tree(old.folder.parent), times(old.folder.parent)) == (before, before_then)


def test_files_that_are_none_are_refused_and_never_followed(old: Old, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(session()))
    (old.folder / "link.json").symlink_to(secret)
    (old.folder / "folder.json").mkdir()
    os.mkfifo(old.folder / "pipe.json")
    with (old.folder / "large.json").open("wb") as stream:
        stream.truncate(33 * 1024 * 1024)
    (old.folder / "notes.txt").write_text("not a session")
    results = {one.file: (one.outcome, one.says) for one in old.run()}
    assert results == {
        "folder.json": ("refused", "it is not a file"),
        "large.json": ("refused", "it is larger than 32 MiB"),
        "link.json": ("refused", "it is a link, or no file at all"),
        "pipe.json": ("refused", "it is not a file"),
    }


def test_of_two_files_for_one_id_the_first_comes(old: Old) -> None:
    old.put(session(), "a")
    old.put(session(session_id=HERE, target_file="other.py"), "b")
    first, second = old.run()
    assert (first.outcome, second.outcome) == ("imported", "refused")
    assert second.says == "it leads to the same id as a.json, which comes first"
    (old.folder / "a.json").unlink()
    (again,) = old.run()
    assert again.outcome == "refused"
    assert "another session's" in again.says


def test_old_files_in_this_stores_own_folder_come_over_beside_its_sessions(old: Old) -> None:
    folder = old.home.state / "workflows"
    folder.mkdir(parents=True)
    mixed = Old(folder, old.home)
    original = mixed.put(session())
    content = original.read_bytes()
    (result,) = mixed.run()
    assert result.outcome == "imported"
    theirs, ours = mixed.run()
    assert (theirs.file, theirs.outcome) == (original.name, "already_there")
    assert (ours.outcome, ours.says) == ("already_there", "it is a session of this program")
    assert [one.session_id for one in old.store().sessions().sessions] == [HERE]
    assert original.read_bytes() == content
    assert old.store().verify().ok


def test_one_that_is_refused_hides_no_other(old: Old) -> None:
    old.put(b"{", "a")
    old.put(session(), "b")
    old.put(session(session_id="other", current_phase=9), "c")
    old.put(session(session_id="third"), "d")
    assert [one.outcome for one in old.run()] == ["refused", "imported", "refused", "imported"]
    assert [one.session_id for one in old.store().sessions().sessions] == [HERE, "third"]


def test_the_definition_it_was_imported_with_stays_when_the_folder_changes(old: Old) -> None:
    old.one(session())
    old.home.write({".praxis-os/workflows/steps/phases/2/phase.md": "# Another\n"})
    assert "Another" not in str(old.home.asking()(action="get_phase", session_id=HERE))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(errno.ENOSPC),
        pytest.param(Fault(errno.EIO, effect=1.0), marks=pytest.mark.slow),
        pytest.param(Fault(errno.EACCES, for_good=True), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_whatever_call_to_the_disk_fails_the_originals_stay_and_repeating_helps(old: Old, fault: Fault) -> None:
    old.put(session())
    originals = tree(old.folder), times(old.folder)
    counting = Counting(QuickFileSystem())
    old.run(fs=counting)
    wanted = old.store().read(HERE)
    failures = 0
    for number in range(counting.calls):
        for folder in (old.home.state, old.home.user):
            remove(folder)
        try:
            (result,) = old.run(fs=Faulty(QuickFileSystem(), number, fault))
            failures += result.outcome != "imported"
        except (StorageError, OSError):
            failures += 1
        assert (tree(old.folder), times(old.folder)) == originals
        (again,) = old.run(fs=QuickFileSystem())
        assert again.outcome in ("imported", "already_there"), number
        assert old.store(QuickFileSystem()).read(HERE) == wanted
        assert old.store(QuickFileSystem()).verify().ok
    assert failures > counting.calls * 0.5


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.slow
def test_ten_thousand_files_come_over(old: Old) -> None:
    for number in range(10_000):
        old.put(session(session_id=f"session-{number}"), f"session-{number}")
    assert {one.outcome for one in old.run(dry_run=True)} == {"imported"}
    assert {one.outcome for one in old.run()} == {"imported"}
    assert len(old.store().sessions().sessions) == 10_000
