"""Sessions of praxis-os come over whole, work, and are told of where they cannot."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mcp_server.domain.events import SessionImported
from mcp_server.errors import StorageError
from tests.importing.support import AT, HERE, ID, LEFT_OUT, Old, artifact, complete, session
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


REFUSED: dict[str, tuple[dict[str, Any] | bytes, str]] = {
    "not JSON": (b'{"session_id": ', "it is not JSON (line 1, column 16)"),
    "no object": (b"[]", "it is not a JSON object"),
    "not UTF-8": (b'{"session_id": "\xff"}', "it is not UTF-8 (byte 16)"),
    "empty": (b"", "it is not JSON (line 1, column 1)"),
    "nested beyond reason": (b"[" * 100_000, "nesting goes beyond reason"),
    "a number beyond reason": (b'{"a": ' + b"9" * 5000 + b"}", "goes beyond reason"),
    "no id": (session(session_id=LEFT_OUT), "session_id is missing"),
    "an id of another kind": (session(session_id="../etc/passwd"), "other characters than"),
    "an id without end": (session(session_id="a" * 201), "more than 200"),
    "no workflow": (session(workflow_type=7), "workflow_type is not text"),
    "no such definition": (session(workflow_type="gone"), "there is no workflow 'gone'"),
    "no phase": (session(current_phase="two"), "current_phase is not the number of a phase"),
    "true as a phase": (session(current_phase=True), "current_phase is not the number of a phase"),
    "a phase below none": (session(current_phase=-1), "current_phase is not the number of a phase"),
    "completed is no list": (session(completed_phases={"1": True}), "completed_phases is not a list"),
    "a phase that is not there": (session(current_phase=9), "it is in phase 9; its workflow has the phases 1, 2, 3"),
    "completed what is not there": (session(completed_phases=[0, 1]), "it completed phase 0"),
    "a phase left out": (session(current_phase=3), "it is in phase 3, and phase 2 is not completed"),
    "ahead of itself": (session(completed_phases=[1, 3]), "it is in phase 2, and phase 3 is completed"),
    "in what it completed": (session(completed_phases=[1, 2]), "it is in phase 2, which it has completed"),
    "nothing completed": (session(current_phase=4), "it is in phase 4"),
    "a longer definition then": (complete(metadata={"total_phases": 5}), "begun with 5 phases"),
    "a shorter definition then": (session(metadata={"total_phases": 1}), "begun with 1 phases"),
    "outside by an absolute path": (session(target_file="/etc/passwd"), "leads outside the project"),
    "outside by climbing": (session(target_file="../x.py"), "leads outside the project"),
    "a target that is no path": (session(target_file="a\nb"), "target_file is no path"),
    "a target of half a character": (session(target_file="\ud800"), "target_file is no path"),
    "a dynamic one without a plan": (session(workflow_type="spec_execution_v1"), "its plan cannot be used"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_session_is_refused_with_the_reason(old: Old, name: str) -> None:
    content, reason = REFUSED[name]
    result = old.one(content)
    assert (result.outcome, result.session_id) == ("refused", None)
    assert reason in result.says
    assert len(result.says) < 300
    assert not old.home.state.exists()


TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": (session(mood="good"), "mood: unknown here"),
    "an unknown key of a phase": (
        session(phase_artifacts={"1": artifact(1, done="x") | {"mood": 1}}),
        "phase_artifacts.1.mood: unknown here",
    ),
    "evidence of a later phase": (
        session(phase_artifacts={"1": artifact(1, done="x"), "3": artifact(3, done="x")}),
        "phase_artifacts.3: that phase is not completed",
    ),
    "no evidence at all": (session(phase_artifacts={}), "phase_artifacts.1: there is no evidence"),
    "evidence that is no object": (
        session(phase_artifacts={"1": artifact(1) | {"evidence": [1]}}),
        "phase_artifacts.1.evidence: it is not an object",
    ),
    "a phase without a number": (
        session(phase_artifacts={"1": artifact(1, done="x"), "first": {}}),
        "phase_artifacts.first: it is not what a phase left behind",
    ),
    "two values of one name": (
        session(phase_artifacts={"1": artifact(1, outputs="mine")}),
        "phase_artifacts.1.outputs: its evidence has a value of that name",
    ),
    "a number that JSON cannot hold": (
        session(phase_artifacts={"1": artifact(1, done="x", huge=2**70)}),
        "phase_artifacts.1.evidence.huge: it cannot be kept",
    ),
    "an infinite number": (
        session(phase_artifacts={"1": artifact(1, done="x", huge=float("inf"))}),
        "phase_artifacts.1.evidence.huge: it cannot be kept",
    ),
    "a name without end": (
        session(phase_artifacts={"1": artifact(1, **{"n" * 300: 1})}),
        "phase_artifacts.1.evidence." + "n" * 79 + "…: it cannot be kept",
    ),
    "a checkpoint that failed": (
        session(checkpoints={"1": "passed", "2": "failed"}),
        "checkpoints.2: failed, though the phase is open",
    ),
    "a checkpoint that was skipped": (
        session(checkpoints={"1": "skipped"}),
        "checkpoints.1: skipped, though the phase is completed",
    ),
    "a time that is none": (
        session(created_at="yesterday"),
        "created_at: it is no time; the nearest one that is known is taken",
    ),
    "a time beyond time": (
        session(updated_at="9999-12-31T23:59:59-23:00"),
        "updated_at: it is no time; the nearest one that is known is taken",
    ),
    "a definition that has grown": (
        session(metadata={"total_phases": 2}),
        "total_phases: it was begun with 2, its definition has 3 now",
    ),
    "no target": (session(target_file=""), "target_file: it is empty; the project itself is taken"),
    "metadata that is none": (session(metadata=[1]), "metadata: it is not an object"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_cannot_be_carried_over_is_told_and_the_rest_comes(old: Old, name: str) -> None:
    content, told = TOLD[name]
    result = old.one(content)
    assert (result.outcome, result.lost) == ("imported", (told,))
    (record,) = old.store().events(HERE)
    assert isinstance(record.event, SessionImported)
    assert record.event.lost == (told,)
    assert old.store().verify().ok


def test_very_much_that_is_lost_is_counted(old: Old) -> None:
    result = old.one(session(**{f"key_{number}": number for number in range(5000)}))
    assert len(result.lost) == 101
    assert result.lost[-1] == "and 4900 more"


def test_times_missing_altogether_are_the_files_own(old: Old) -> None:
    path = old.put(session(created_at=None, updated_at=LEFT_OUT))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    old.run()
    assert old.store().read(HERE).created_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_times_that_run_backwards_never_do_so_here(old: Old) -> None:
    old.one(complete(created_at="2025-11-02T12:00:00", updated_at="2025-11-02T08:00:00"))
    kept = old.store().read(HERE)
    assert kept.created_at <= kept.last_updated
    assert all(one.completed_at and one.started_at <= one.completed_at for one in kept.phase_history)


def test_a_byte_order_mark_and_times_with_a_zone_are_read(old: Old) -> None:
    fields = session(created_at="2025-11-02T09:00:00Z", updated_at="2025-11-02T09:00:00-05:00")
    assert old.one(b"\xef\xbb\xbf" + json.dumps(fields).encode()).outcome == "imported"
    kept = old.store().read(HERE)
    assert (kept.created_at.hour, kept.last_updated.hour) == (9, 14)


def test_an_absolute_target_inside_the_project_becomes_relative(old: Old) -> None:
    assert old.one(session(target_file=str(old.home.project / "src" / "a.py"))).outcome == "imported"
    assert old.store().read(HERE).target_file == "src/a.py"


def test_huge_evidence_lies_outside_of_the_head(old: Old) -> None:
    old.one(session(phase_artifacts={"1": artifact(1, done="x", report="r" * 5_000_000)}))
    assert len((old.home.state / "workflows" / f"{HERE}.json").read_bytes()) < 10_000
    assert old.store().verify().ok


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


def test_this_programs_own_sessions_are_left_alone(old: Old) -> None:
    old.one(session())
    heads = Old(old.home.state / "workflows", old.home)
    (ours,) = heads.run()
    assert (ours.outcome, ours.says) == ("already_there", "it is a session of this program")


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
