# ruff: noqa: S608 - statements are put together, and none comes from outside
"""The program of ``schema_migration_v1``, step by step, on real databases."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.workflows.migrating import ALPHA, BETA, EXPECTED, MIGRATION, Site

pytestmark = pytest.mark.integration

THROUGH = ("inventory", "backup", "dry-run", "migrate", "verify", "decide")
FORESEEN = {**EXPECTED["tables"]["runs"], "rows": "SELECT count(*) FROM runs WHERE result IS NOT NULL"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.make(tmp_path)


def write(site: Site, migration: str, name: str = "migration.sql") -> None:
    (site.root / name).write_text(migration)


def test_databases_are_migrated_step_by_step_and_every_criterion_holds(site: Site) -> None:
    site.done("inventory")
    assert site.check("inventory").body["databases"] == 2
    site.done("backup")
    assert site.check("backups").body["backups"] == 2
    site.done("dry-run")
    assert (site.check("dry-run").body["copies"], site.check("untouched").body["untouched"]) == (2, 2)
    site.done("migrate")
    assert site.check("accounted").body["migrated"] == 2
    site.done("verify")
    assert site.check("verified").body["as_expected"] == 2
    site.done("decide")
    assert site.check("decision").body["go"] == 1
    assert site.check("outcome").body["restored"] == 0
    assert (site.runs(ALPHA), site.runs(BETA)) == (3, 5)
    assert site.sql(BETA, "SELECT DISTINCT state FROM runs") == [("done",)]


def test_a_backup_holds_what_is_only_in_the_write_ahead_log(site: Site) -> None:
    site.leave_in_wal(ALPHA)
    alone = site.root / "alone.db"
    shutil.copy(site.root / ALPHA, alone)
    assert site.runs("alone.db") == 3
    alone.unlink()
    site.done("inventory", "backup")
    assert site.check("backups").code == 0
    assert site.record("inventory")["databases"][ALPHA]["journal_mode"] == "wal"
    assert site.runs(f"work/backup/{ALPHA}") == 4


def test_reading_changes_nothing_in_a_database_nor_in_its_log(site: Site) -> None:
    site.leave_in_wal(ALPHA)
    files = [site.root / ALPHA, site.root / f"{ALPHA}-wal", site.root / BETA]
    before = [file.read_bytes() for file in files]
    site.done("inventory", "backup", "dry-run")
    for criterion in ("inventory", "backups", "untouched", "dry-run"):
        assert site.check(criterion).code == 0
    assert [file.read_bytes() for file in files] == before


def test_files_of_the_same_name_have_backups_of_their_own(site: Site) -> None:
    site.done("inventory", "backup")
    manifest = site.record("manifest")["databases"]
    assert {name: kept["file"] for name, kept in manifest.items()} == {
        ALPHA: f"work/backup/{ALPHA}",
        BETA: f"work/backup/{BETA}",
    }
    for kept in manifest.values():
        assert hashlib.sha256((site.root / kept["file"]).read_bytes()).hexdigest() == kept["sha256"]


def test_databases_are_found_by_their_endings_and_others_are_named(site: Site) -> None:
    site.database("data/gamma/DEEP/er.sqlite3", runs=1)
    shutil.copy(site.root / ALPHA, site.root / "data/alpha/project.bak")
    (site.root / "data/readme.txt").write_text("no database")
    site.done("inventory")
    inventory = site.record("inventory")
    assert sorted(inventory["databases"]) == [ALPHA, BETA, "data/gamma/DEEP/er.sqlite3"]
    assert inventory["left_alone"] == ["data/alpha/project.bak"]


def test_a_link_among_the_databases_is_refused(site: Site) -> None:
    (site.root / "data" / "other").symlink_to(site.root / "data" / "alpha")
    answer = site.do("inventory")
    assert (answer.code, "data/other: is a link" in answer.said) == (1, True)


def test_a_folder_without_databases_is_refused(site: Site) -> None:
    shutil.rmtree(site.root / "data")
    (site.root / "data").mkdir()
    assert "there is no database" in site.do("inventory").said


def test_names_that_are_addresses_or_sql_are_names(site: Site) -> None:
    (site.root / "data" / "a?mode=rw #%41").mkdir()
    odd = "data/a?mode=rw #%41/it's.db"
    site.database(odd, runs=2)
    site.sql(odd, 'CREATE TABLE "a""b; DROP TABLE runs" (x)')
    site.done("inventory", "backup")
    assert site.check("backups").body["backups"] == 3
    assert site.record("manifest")["databases"][odd]["rows"]['a"b; DROP TABLE runs'] == 0


@pytest.mark.parametrize("damage", ["a page of zeros", "no database", "nothing in it"])
def test_a_damaged_database_is_named_at_the_inventory(site: Site, damage: str) -> None:
    path = site.root / BETA
    data = path.read_bytes()
    page = 4096
    path.write_bytes(
        {"a page of zeros": data[:page] + bytes(page) + data[2 * page :], "no database": b"x" * 9000}.get(damage, b"")
    )
    answer = site.do("inventory")
    assert answer.code == 1
    assert BETA in answer.said
    assert not (site.root / "work" / "inventory.json").exists()


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_that_is_being_written_is_named_at_the_inventory(site: Site, mode: str) -> None:
    site.sql(BETA, f"PRAGMA journal_mode = {mode}")
    with closing(sqlite3.connect(site.root / BETA, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = site.do("inventory")
    assert (answer.code, f"{BETA}: database is locked" in answer.said) == (1, True)


def test_a_transaction_that_never_came_to_its_end_is_named_and_left_alone(site: Site) -> None:
    path = site.root / BETA
    with closing(sqlite3.connect(path, isolation_level=None)) as crashing:
        crashing.execute("PRAGMA cache_size = 1")
        crashing.execute("BEGIN")
        crashing.executemany("INSERT INTO runs (result) VALUES (?)", [("x" * 500,)] * 2000)
        left = {ending: Path(f"{path}{ending}").read_bytes() for ending in ("", "-journal")}
        crashing.execute("ROLLBACK")
    for ending, data in left.items():
        Path(f"{path}{ending}").write_bytes(data)
    assert f"{BETA}: a transaction in it never came to its end" in site.do("inventory").said
    assert Path(f"{path}-journal").read_bytes() == left["-journal"]
    assert site.runs(BETA) == 5
    site.done("inventory")


def test_an_inventory_that_says_something_else_is_found_out(site: Site) -> None:
    site.done("inventory")
    databases = site.record("inventory")["databases"]
    site.edit("inventory", databases={ALPHA: databases[ALPHA]})
    assert f"{BETA}: is not in inventory.json" in site.check("inventory").said
    site.edit("inventory", databases={**databases, BETA: {**databases[BETA], "rows": {"runs": 4, "projects": 1}}})
    assert f"{BETA}: the inventory says something else" in site.check("inventory").said
    site.edit("inventory", databases={**databases, "data/imagined.db": databases[BETA]})
    assert "data/imagined.db: is in inventory.json and not there" in site.check("inventory").said


def test_a_database_that_changes_after_the_inventory_gets_no_backup(site: Site) -> None:
    site.done("inventory")
    site.sql(BETA, "UPDATE runs SET result = 'late' WHERE id = 1")
    answer = site.do("backup")
    assert (answer.code, f"{BETA}: has changed since the inventory" in answer.said) == (1, True)
    assert f"{BETA}: is changed since the inventory" in site.check("untouched").said


def test_what_is_not_the_backup_of_the_manifest_is_found_out(site: Site) -> None:
    site.done("inventory", "backup")
    manifest = site.record("manifest")["databases"]
    backup = site.root / "work" / "backup" / BETA
    whole = backup.read_bytes()
    backup.unlink()
    assert f"work/backup/{BETA}: No such file" in site.check("backups").said
    shutil.copy(site.root / "work" / "backup" / ALPHA, backup)
    assert "is not the file that the manifest names" in site.check("backups").said
    lie = {**manifest[BETA], "sha256": manifest[ALPHA]["sha256"], "bytes": manifest[ALPHA]["bytes"]}
    site.edit("manifest", databases={**manifest, BETA: lie})
    assert f"work/backup/{BETA}: does not hold what the database held" in site.check("backups").said
    backup.write_bytes(whole)
    site.edit("manifest", databases={ALPHA: manifest[ALPHA]})
    assert f"{BETA}: has no backup" in site.check("backups").said


@pytest.mark.parametrize("text", ["", "[]", '{"databases": []}', '{"databases": {"a": 1}}'])
def test_a_record_that_is_none_holds_nothing(site: Site, text: str) -> None:
    site.done("inventory", "backup")
    (site.root / "work" / "manifest.json").write_text(text)
    answer = site.check("backups")
    assert (answer.code, answer.said) == (1, "work/manifest.json: is not as it was written")


def test_a_dry_run_leaves_the_databases_alone(site: Site) -> None:
    before = site.bytes()
    site.done("inventory", "backup", "dry-run")
    assert site.bytes() == before
    assert site.sql(f"work/dry-run/{BETA}", "PRAGMA user_version") == [(2,)]


FAILING = {
    "halfway": (MIGRATION + "INSERT INTO nowhere VALUES (1);", "no such table: nowhere"),
    "an unfinished statement": (MIGRATION + "UPDATE runs SET", "incomplete input"),
    "a commit of its own": (MIGRATION + "COMMIT; DROP TABLE projects;", "must not begin or end transactions"),
    "another database": ("ATTACH 'elsewhere.db' AS other; CREATE TABLE other.x (y);", "nor attach databases"),
    "a reference to nothing": (MIGRATION + "UPDATE runs SET project_id = 9;", "5 references that lead nowhere"),
    "an end by conflict": (
        "DROP TABLE runs; INSERT OR ROLLBACK INTO projects (id, name) VALUES (1, 'twice');",
        "UNIQUE constraint failed",
    ),
}


@pytest.mark.parametrize(("migration", "problem"), FAILING.values(), ids=FAILING)
def test_a_migration_that_fails_leaves_the_database_as_it_was(site: Site, migration: str, problem: str) -> None:
    site.done("inventory", "backup")
    write(site, migration)
    assert problem in site.do("dry-run").said
    assert site.check("dry-run").code == 1
    before = site.bytes()
    answer = site.do("migrate")
    assert answer.code == 1
    assert site.bytes() == before
    assert not (site.root / "elsewhere.db").exists()
    outcomes = {name: one["outcome"] for name, one in site.record("migration")["databases"].items()}
    assert outcomes == {ALPHA: "unchanged", BETA: "unchanged"}
    assert site.check("accounted").body["migrated"] == 0


def test_statements_end_where_sqlite_ends_them(site: Site) -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON runs BEGIN UPDATE runs SET state = ';'; SELECT 1; END;"
    write(site, f"{MIGRATION}\n/* one; two */ {trigger}\n-- the end; without a semicolon\nSELECT ';'")
    site.done("inventory", "backup", "dry-run")
    assert site.check("dry-run").code == 0


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("connection.execute('PRAGMA user_version = 7'); raise ValueError('no')", "ValueError: no"),
        ("connection.execute('DROP TABLE runs'); connection.commit()", "must not begin or end transactions"),
        ("connection.executescript('DROP TABLE runs')", "must not begin or end transactions"),
        ("connection.execute('DROP TABLE runs'); import sys; sys.exit(0)", "SystemExit"),
    ],
)
def test_a_migration_in_python_is_held_to_the_same(site: Site, body: str, problem: str) -> None:
    (site.root / "migration.py").write_text(f"def migrate(connection):\n    {body}\n")
    (site.root / "migration.sql").unlink()
    site.done("inventory", "backup")
    before = site.bytes()
    assert problem in site.do("migrate", migration="migration.py").said
    assert site.bytes() == before


def test_a_migration_in_python_works_in_the_same_transaction(site: Site) -> None:
    lines = [f"    connection.execute({one!r})" for one in MIGRATION.split(";\n")]
    text = "\n".join(["def migrate(connection):", "    print('on its way')", *lines])
    (site.root / "migration.py").write_text(f"{text}\n")
    for step in THROUGH:
        assert site.do(step, migration="migration.py").code == 0
    assert (site.runs(ALPHA), site.sql(ALPHA, "PRAGMA user_version")) == (3, [(2,)])


UNEXPECTED = {
    "lost rows": (MIGRATION + "DELETE FROM runs WHERE id = 1;", "the table runs has 2 rows, expected 3"),
    "a column too few": (MIGRATION + "ALTER TABLE projects DROP COLUMN name;", "projects has the columns id INTEGER,"),
    "a column too many": (MIGRATION + "ALTER TABLE projects ADD COLUMN age INTEGER;", "the columns age INTEGER, id"),
    "another type": (MIGRATION.replace("state TEXT", "state BLOB"), "state BLOB, expected"),
    "a table too many": (MIGRATION + "CREATE TABLE scrap (x);", "the table scrap is there, and not expected"),
    "a table too few": ("PRAGMA user_version = 2; DROP TABLE runs;", "the table runs is not there"),
    "another version": (MIGRATION.replace("version = 2", "version = 3"), "user_version is 3, expected 2"),
}


@pytest.mark.parametrize(("migration", "problem"), UNEXPECTED.values(), ids=UNEXPECTED)
def test_a_dry_run_tells_what_a_copy_lacks(site: Site, migration: str, problem: str) -> None:
    write(site, migration)
    site.done("inventory", "backup")
    answer = site.do("dry-run")
    assert answer.code == 1
    assert problem in answer.said
    assert problem in site.check("dry-run").said


def test_row_counts_are_a_number_or_a_question_to_the_backup(site: Site) -> None:
    site.sql(ALPHA, "UPDATE runs SET result = NULL WHERE id = 1")
    write(
        site,
        "DELETE FROM runs WHERE result IS NULL; CREATE TABLE kinds (k TEXT); INSERT INTO kinds VALUES ('a');"
        + MIGRATION,
    )
    kinds = {"columns": {"k": "text"}, "rows": 1}
    site.expect({"user_version": 2, "tables": {**EXPECTED["tables"], "runs": FORESEEN, "kinds": kinds}})
    site.done("inventory", "backup", "dry-run")
    site.expect({"user_version": 2, "tables": {**EXPECTED["tables"], "runs": FORESEEN, "kinds": {**kinds, "rows": 2}}})
    assert "the table kinds has 1 rows, expected 2" in site.do("dry-run").said


@pytest.mark.parametrize(
    "question", ["DELETE FROM runs", "ATTACH 'x.db' AS x", "SELECT name FROM projects", "SELECT 1 WHERE 0", "nonsense"]
)
def test_a_question_that_gives_no_number_is_told(site: Site, question: str) -> None:
    site.expect({"tables": {**EXPECTED["tables"], "runs": {**FORESEEN, "rows": question}}})
    site.done("inventory", "backup")
    assert "the expected rows cannot be counted" in site.do("dry-run").said
    assert not (site.root / "x.db").exists()


def test_a_table_that_goes_has_to_be_named(site: Site) -> None:
    write(site, "ALTER TABLE runs RENAME TO jobs;")
    jobs = {
        "columns": {"id": "INTEGER", "project_id": "INTEGER", "result": "TEXT"},
        "rows": "SELECT count(*) FROM runs",
    }
    tables = {"projects": EXPECTED["tables"]["projects"], "jobs": jobs}
    site.expect({"tables": tables})
    site.done("inventory", "backup")
    assert "the table runs had 3 rows, and is neither expected nor named under dropped" in site.do("dry-run").said
    site.expect({"tables": tables, "dropped": ["runs"]})
    site.done("dry-run")


@pytest.mark.parametrize("expected", ["", "[]", "{}", '{"tables": {"runs": {}}}', '{"tables": {}, "version": 2}'])
def test_an_expectation_that_is_none_is_refused(site: Site, expected: str) -> None:
    site.done("inventory", "backup")
    (site.root / "expected.json").write_text(expected)
    assert "expected.json: has to be of the form" in site.do("dry-run").said


def test_a_dry_run_counts_for_the_present_files_only(site: Site) -> None:
    site.done("inventory", "backup", "dry-run")
    write(site, MIGRATION + "-- and more\n")
    assert "is not the one that the dry run was made with" in site.check("dry-run").said


def test_a_locked_database_stops_the_migration_and_all_are_restored(site: Site) -> None:
    before = site.bytes()
    site.done("inventory", "backup", "dry-run")
    with closing(sqlite3.connect(site.root / BETA, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = site.do("migrate")
    assert (answer.code, answer.said) == (1, f"{BETA}: database is locked")
    record = site.record("migration")["databases"]
    assert {name: one["outcome"] for name, one in record.items()} == {ALPHA: "migrated", BETA: "unchanged"}
    assert site.check("accounted").body["migrated"] == 1
    assert site.do("verify").code == 1
    assert site.check("verified").body["as_expected"] == 1
    assert site.do("decide").code == 1
    assert site.check("decision").body["go"] == 0
    assert f"{ALPHA}: is not what its backup is" in site.check("outcome").said
    site.done("restore")
    assert site.check("outcome").body["restored"] == 2
    backups = {name: (site.root / "work" / "backup" / name).read_bytes() for name in before}
    assert site.bytes() == backups
    assert site.check("untouched").code == 0


def test_a_migration_that_was_stopped_goes_on_where_it_stopped(site: Site) -> None:
    site.done("inventory", "backup", "dry-run")
    with closing(sqlite3.connect(site.root / BETA, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert site.do("migrate").code == 1
    site.done("migrate", "verify", "decide")
    assert site.check("accounted").body["migrated"] == 2
    assert site.check("outcome").body["go"] == 1


def test_what_somebody_else_changed_is_not_called_migrated(site: Site) -> None:
    site.done("inventory", "backup", "dry-run")
    site.sql(ALPHA, "DELETE FROM runs")
    answer = site.do("migrate")
    assert f"{ALPHA}: is changed, and this migration did not do it" in answer.said
    assert site.record("migration")["databases"][ALPHA]["outcome"] == "changed"
    assert site.check("accounted").code == 0
    assert site.runs(BETA) == 5
    assert site.sql(BETA, "PRAGMA user_version") == [(1,)]


def test_a_record_that_calls_the_untouched_migrated_is_found_out(site: Site) -> None:
    site.done("inventory", "backup", "dry-run")
    databases = site.record("inventory")["databases"]
    lie = {name: {"outcome": "migrated", "content": one["content"]} for name, one in databases.items()}
    (site.root / "work" / "migration.json").write_text(json.dumps({"databases": lie}))
    assert f"{BETA}: is unchanged, and migration.json says it was migrated" in site.check("accounted").said


def test_rows_that_go_after_the_migration_are_no_go(site: Site) -> None:
    site.done("inventory", "backup", "dry-run", "migrate")
    site.sql(BETA, "DELETE FROM runs WHERE id = 2")
    assert "the table runs has 4 rows, expected 5" in site.do("verify").said
    assert site.check("verified").code == 0
    site.edit("verification", databases={ALPHA: {"problems": []}, BETA: {"problems": []}})
    assert f"{BETA}: verification.json does not say what is found" in site.check("verified").said
    assert site.do("decide").code == 1
    site.edit("decision", decision="GO")
    assert "the table runs has 4 rows, expected 5" in site.check("decision").said


def test_values_that_change_between_migration_and_decision_are_no_go(site: Site) -> None:
    site.done("inventory", "backup", "dry-run", "migrate", "verify")
    site.sql(BETA, "UPDATE runs SET state = 'other' WHERE id = 2")
    assert f"{BETA}: verification.json does not say what is found" in site.check("verified").said
    assert site.do("decide").said == f"{BETA}: has changed since the migration"


def test_rows_that_change_after_the_decision_are_found_out(site: Site) -> None:
    site.done(*THROUGH)
    site.sql(BETA, "UPDATE runs SET state = 'other' WHERE id = 2")
    assert f"{BETA}: has changed since it was decided" in site.check("decision").said
    assert f"{BETA}: has changed since it was decided" in site.check("outcome").said
    site.edit("decision", databases={})
    assert f"{BETA}: has changed since it was decided" in site.check("decision").said


def test_no_go_can_be_decided_against_what_was_verified(site: Site) -> None:
    site.done("inventory", "backup", "dry-run", "migrate", "verify")
    assert site.do("decide", "--no-go", "the new version does not start").code == 1
    assert site.record("decision")["reasons"] == ["the new version does not start"]
    assert site.check("decision").body["go"] == 0
    assert site.check("outcome").code == 1
    site.done("restore")
    assert site.check("outcome").body["restored"] == 2


def test_a_restore_brings_back_what_was_in_the_log_and_leaves_no_log_of_the_old(site: Site) -> None:
    site.leave_in_wal(ALPHA)
    site.done("inventory", "backup", "dry-run", "migrate")
    site.leave_in_wal(ALPHA, "DELETE FROM runs")
    assert (site.root / f"{ALPHA}-wal").stat().st_size > 0
    assert site.do("decide").code == 1
    site.done("restore")
    assert not (site.root / f"{ALPHA}-wal").exists()
    assert site.check("outcome").body["restored"] == 2
    assert (site.runs(ALPHA), site.sql(ALPHA, "PRAGMA journal_mode")) == (4, [("wal",)])


def test_a_restore_mends_a_database_that_is_none_any_more(site: Site) -> None:
    site.done("inventory", "backup", "dry-run", "migrate")
    (site.root / ALPHA).write_bytes(b"x" * 9000)
    (site.root / BETA).unlink()
    assert site.do("decide").code == 1
    site.done("restore")
    assert site.check("outcome").body["restored"] == 2


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_restore_waits_for_nobody_and_takes_nothing_from_under_a_program(site: Site, mode: str) -> None:
    site.sql(BETA, f"PRAGMA journal_mode = {mode}")
    site.done("inventory", "backup", "dry-run", "migrate")
    with closing(sqlite3.connect(site.root / BETA, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM runs").fetchone()
        answer = site.do("restore")
        assert f"{BETA}: a program has it open" in answer.said
        assert other.execute("PRAGMA user_version").fetchone() == (2,)
    site.done("restore")
    assert site.sql(BETA, "PRAGMA user_version") == [(1,)]


def test_nothing_is_restored_from_a_backup_that_was_changed(site: Site) -> None:
    site.done("inventory", "backup", "dry-run", "migrate")
    site.sql(f"work/backup/{ALPHA}", "DELETE FROM runs")
    assert "nothing is restored from it" in site.do("restore").said
    assert site.runs(ALPHA) == 3


def test_a_restored_database_keeps_its_permissions(site: Site) -> None:
    (site.root / ALPHA).chmod(0o640)
    site.done("inventory", "backup", "dry-run", "migrate", "restore")
    assert (site.root / ALPHA).stat().st_mode & 0o777 == 0o640


def test_backups_are_not_made_anew_once_the_migration_has_begun(site: Site) -> None:
    site.done("inventory", "backup", "dry-run", "migrate")
    before = site.record("manifest")
    for step in ("inventory", "backup"):
        assert "the migration has begun" in site.do(step).said
    assert site.record("manifest") == before


@pytest.mark.parametrize("work", [".", "data", "../work", "/nowhere/work"])
def test_the_work_lies_beside_the_databases_and_in_the_project(site: Site, work: str) -> None:
    answer = site.do("inventory", work=work)
    assert answer.code == 1
    assert not [*site.root.rglob("inventory.json")]


def test_one_file_may_be_all_the_databases_there_are(site: Site) -> None:
    for step in THROUGH:
        assert site.do(step, databases=ALPHA).code == 0
    assert site.do("check", "outcome", databases=ALPHA).body["go"] == 1
    assert site.sql(BETA, "PRAGMA user_version") == [(1,)]
