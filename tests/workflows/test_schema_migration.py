"""``schema_migration_v1`` over a real server: to GO, to a restore, and against one who says what is not so."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import Body, Home
from tests.trusting import trust
from tests.wire import Wire
from tests.workflows.migrating import ALPHA, BETA, OPTIONS, Site

pytestmark = pytest.mark.acceptance

WORKFLOW = "schema_migration_v1"
STEPS = ("inventory", "backup", "dry-run", "migrate", "verify", "decide")
"""What is done in each phase, from the first on."""


@dataclass(frozen=True)
class Told:
    """A project with databases, and a session about them."""

    site: Site
    wire: Wire
    session: str

    def submit(self, phase: int, **evidence: object) -> Body:
        return self.wire.call(action="complete_phase", session_id=self.session, phase=phase, evidence=evidence)

    def passes(self, phase: int) -> Body:
        reply = self.submit(phase)
        assert reply.get("checkpoint_passed") is True, reply
        return reply

    def is_refused(self, phase: int, *checks: str) -> Body:
        reply = self.submit(phase)
        assert reply["gate"] == "refused", reply
        assert set(checks) <= set(reply["failed_checks"]), reply["failed_checks"]
        return reply

    def lead_to(self, phase: int) -> None:
        """Do the work of all phases before this one, and pass them."""
        for number, step in enumerate(STEPS[: phase - 1], start=1):
            self.site.done(step)
            self.passes(number)

    @property
    def state(self) -> Body:
        return self.wire.call(action="get_state", session_id=self.session)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.make(tmp_path)


@pytest.fixture
def told(home: Home) -> Iterator[Told]:
    site = Site.make(home.project)
    trust(home, WORKFLOW)
    with Wire(home) as wire:
        started = wire.call(action="start", workflow_type="schema_migration", target_file="data", options=OPTIONS)
        yield Told(site, wire, started["session_id"])


def test_what_nobody_trusts_is_not_migrated(home: Home) -> None:
    site = Site.make(home.project)
    with Wire(home) as wire:
        started = wire.call(action="start", workflow_type=WORKFLOW, target_file="data", options=OPTIONS)
        told = Told(site, wire, started["session_id"])
        site.done("inventory")
        blocked = told.submit(1)
        assert (blocked["gate"], "pos-workflow trust" in blocked["error"]) == ("blocked", True)


def test_an_honest_migration_comes_to_go_and_every_phase_is_verified(told: Told) -> None:
    told.site.leave_in_wal(ALPHA)
    told.lead_to(7)
    last = told.passes(7)
    assert (last["session_status"], last["basis"]) == ("completed", "verified")
    assert last["evidence_accepted"] == [{"name": "restored", "basis": "verified"}]
    record = told.wire.call(action="get_session", session_id=told.session)["session"]
    assert [one["basis"] for one in record["phase_history"]] == ["verified"] * 7
    assert told.state["artifacts"] == {
        "phase_1": {"databases": 2},
        "phase_2": {"backups": 2},
        "phase_3": {"copies": 2, "untouched": 2},
        "phase_4": {"migrated": 2},
        "phase_5": {"as_expected": 2},
        "phase_6": {"go": 1},
        "phase_7": {"restored": 0},
    }
    assert (told.site.runs(ALPHA), told.site.runs(BETA)) == (4, 5)
    assert told.site.sql(BETA, "PRAGMA user_version") == [(2,)]


def test_a_migration_that_fails_halfway_ends_in_a_restore_that_is_verified(told: Told) -> None:
    told.lead_to(4)
    with closing(sqlite3.connect(told.site.root / BETA, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert told.site.do("migrate").said == f"{BETA}: database is locked"
    told.passes(4)
    assert told.site.do("verify").code == 1
    told.passes(5)
    assert told.site.do("decide").code == 1
    told.passes(6)
    told.is_refused(7, "outcome")
    told.site.done("restore")
    assert told.passes(7)["session_status"] == "completed"
    artifacts = told.state["artifacts"]
    assert [artifacts[f"phase_{number}"] for number in (4, 5, 6, 7)] == [
        {"migrated": 1},
        {"as_expected": 1},
        {"go": 0},
        {"restored": 2},
    ]
    for name, data in told.site.bytes().items():
        assert data == (told.site.root / "work" / "backup" / name).read_bytes()
    assert (told.site.runs(ALPHA), told.site.sql(ALPHA, "PRAGMA user_version")) == (3, [(1,)])


def test_a_damaged_database_is_no_go_at_the_inventory(told: Told) -> None:
    told.site.done("inventory")
    path = told.site.root / BETA
    path.write_bytes(path.read_bytes()[:4096] + bytes(4096))
    refused = told.is_refused(1, "inventory")
    assert BETA in refused["checks"][0]["stdout"]


def test_a_backup_that_is_claimed_and_not_there_is_refused(told: Told) -> None:
    told.lead_to(2)
    told.site.done("backup")
    (told.site.root / "work" / "backup" / BETA).unlink()
    reply = told.submit(2, backups=2)
    assert (reply["gate"], reply["failed_checks"]) == ("refused", ["backups"])
    told.site.done("backup")
    told.passes(2)


def test_an_inventory_that_is_edited_afterwards_is_refused(told: Told) -> None:
    told.lead_to(2)
    databases = told.site.record("inventory")["databases"]
    told.site.edit("inventory", databases={ALPHA: databases[ALPHA]})
    told.site.done("backup")
    told.is_refused(2, "inventory_kept")


def test_a_backup_and_a_manifest_that_are_exchanged_together_are_refused(told: Told) -> None:
    told.lead_to(3)
    told.site.done("dry-run")
    manifest = told.site.record("manifest")["databases"]
    backup = told.site.root / "work" / "backup"
    shutil.copy(backup / ALPHA, backup / BETA)
    told.site.edit("manifest", databases={**manifest, BETA: {**manifest[ALPHA], "file": manifest[BETA]["file"]}})
    told.is_refused(3, "manifest_kept", "backups")


def test_a_dry_run_that_touches_a_database_is_refused(told: Told) -> None:
    told.lead_to(3)
    told.site.done("dry-run")
    told.site.sql(BETA, "UPDATE runs SET result = 'tried' WHERE id = 1")
    assert told.is_refused(3, "untouched")["failed_checks"] == ["untouched"]


def test_a_migration_that_loses_rows_does_not_get_past_the_dry_run(told: Told) -> None:
    told.lead_to(3)
    script = told.site.root / "migration.sql"
    honest = script.read_text()
    script.write_text(f"{honest}\nDELETE FROM runs WHERE id = 2;")
    assert told.site.do("dry-run").code == 1
    told.is_refused(3, "dry_run")
    script.write_text(honest)
    told.is_refused(3, "dry_run")
    told.site.done("dry-run")
    told.passes(3)


def test_another_migration_than_the_one_of_the_dry_run_is_refused(told: Told) -> None:
    told.lead_to(4)
    script = told.site.root / "migration.sql"
    script.write_text(f"{script.read_text()}\nUPDATE runs SET state = 'gone';")
    told.site.expect({"tables": {}})
    told.site.do("migrate")
    told.is_refused(4, "migration_script_kept", "expected_kept")


def test_rows_that_are_lost_after_the_migration_end_in_a_restore(told: Told) -> None:
    told.lead_to(5)
    told.site.done("verify")
    told.site.sql(BETA, "DELETE FROM runs WHERE id = 2")
    told.is_refused(5, "verified")
    assert "the table runs has 4 rows, expected 5" in told.site.do("verify").said
    told.passes(5)
    assert told.site.do("decide").code == 1
    told.site.edit("decision", decision="GO")
    told.is_refused(6, "decision")
    assert told.site.do("decide").code == 1
    told.passes(6)
    told.site.done("restore")
    assert told.passes(7)["evidence_accepted"] == [{"name": "restored", "basis": "verified"}]
    assert told.site.runs(BETA) == 5


def test_rows_that_change_after_the_decision_are_refused(told: Told) -> None:
    told.lead_to(7)
    told.site.sql(BETA, "UPDATE runs SET state = 'other' WHERE id = 2")
    assert told.is_refused(7, "outcome")["failed_checks"] == ["outcome"]


def test_a_restore_of_one_of_two_is_none_and_neither_is_another_decision(told: Told) -> None:
    told.lead_to(6)
    assert told.site.do("decide", "--no-go", "the person wants to wait").code == 1
    told.passes(6)
    decision = told.site.root / "work" / "decision.json"
    decided = decision.read_bytes()
    told.site.edit("decision", decision="GO")
    told.is_refused(7, "decision_kept")
    decision.write_bytes(decided)
    shutil.copy(told.site.root / "work" / "backup" / ALPHA, told.site.root / ALPHA)
    assert BETA in told.is_refused(7, "outcome")["checks"][-1]["stdout"]
    told.site.done("restore")
    assert told.passes(7)["session_status"] == "completed"


def test_a_person_may_keep_a_program_of_their_own_beside_the_one_that_judges(told: Told) -> None:
    told.lead_to(2)
    program = told.site.root / "work" / "program" / "core"
    program.mkdir(parents=True)
    (program / "__main__.py").write_text('print(\'{"ok": true, "backups": 2}\')')
    (told.site.root / "databases.py").write_text("raise SystemExit(0)")
    (told.site.root / "sqlite3.py").write_text("raise SystemExit(0)")
    told.is_refused(2, "backups")
