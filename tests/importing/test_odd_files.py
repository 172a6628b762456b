"""Files that say too little, too much or nonsense: refused with the reason, or taken with what is lost told."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest

from mcp_server.domain.events import SessionImported
from tests.importing.support import HERE, LEFT_OUT, Old, artifact, complete, session

pytestmark = pytest.mark.integration


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
