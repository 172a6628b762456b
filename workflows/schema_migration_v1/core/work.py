"""What is done in a migration, step by step. Each step writes down what it did, by database."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from databases import Facts, Problem, connected, facts_of, file_hash, find, reading, require_idle
from expectation import read_expected, shortfalls
from job import Job, Record
from transaction import migrate


def inventory(job: Job) -> None:
    """List the databases and what they hold. Raises Problem when one is damaged, or somebody writes to it."""
    _require_a_beginning(job)
    found: dict[str, Record] = {}
    for database in job.present():
        require_idle(Path(database))
        found[database] = listed(facts_of(Path(database)))
    job.write("inventory", found, left_alone=find(job.databases, job.work)[1])


def listed(facts: Facts) -> Record:
    """What the inventory says of a database."""
    return {name: value for name, value in asdict(facts).items() if name != "columns"}


def _require_a_beginning(job: Job) -> None:
    if job.has("migration"):
        raise Problem(
            "the migration has begun, so its inventory and its backups stay: take another folder for the work"
        )


def backup(job: Job) -> None:
    """Copy each database, what is in its WAL included. Raises Problem when one is not what the inventory says."""
    _require_a_beginning(job)
    made: dict[str, Record] = {}
    for database, known in job.read("inventory").items():
        require_idle(Path(database))
        target = job.backup(database)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        with closing(reading(Path(database))) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
        facts = facts_of(target, still=True)
        if facts.content != known["content"]:
            raise Problem(f"{database}: has changed since the inventory")
        sync(target)
        made[database] = {
            "file": target.as_posix(),
            "bytes": target.stat().st_size,
            "sha256": file_hash(target),
            "rows": facts.rows,
        }
    job.write("manifest", made)


def dry_run(job: Job) -> list[str]:
    """Migrate a copy of each backup; what the copies lack to be as expected."""
    expected = read_expected(job.expected)
    shutil.rmtree(job.work / "dry-run", ignore_errors=True)
    problems: list[str] = []
    done: dict[str, Record] = {}
    for database in job.read("manifest"):
        copy = job.copy(database)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(job.backup(database), copy)
        try:
            migrate(copy, job.migration)
        except Problem as problem:
            problems.append(f"{copy.as_posix()}: {problem}")
            continue
        lacks = shortfalls(copy, job.backup(database), expected, still=True)
        problems += lacks
        done[database] = {"as_expected": not lacks, "sha256": file_hash(copy)}
    job.write("dry-run", done, **scripts(job))
    return problems


def scripts(job: Job) -> Record:
    """Which migration and which expectation a dry run was about."""
    return {"migration_sha256": file_hash(job.migration), "expected_sha256": file_hash(job.expected)}


def migrate_all(job: Job) -> list[str]:
    """Migrate the databases one by one until one fails; how each one stands then.

    Called again it goes on: what is as it was before is migrated, what has been migrated is left.
    """
    inventory_of = job.read("inventory")
    outcomes = job.read("migration") if job.has("migration") else {}
    problems: list[str] = []
    for database, known in inventory_of.items():
        before = standing(Path(database), known["content"])
        if before["outcome"] == "unchanged" and not problems:
            try:
                require_idle(Path(database))
                migrate(Path(database), job.migration)
            except Problem as problem:
                problems.append(f"{database}: {str(problem).removeprefix(f'{database}: ')}")
            now = standing(Path(database), known["content"])
            if problems:
                now["problem"] = problems[-1]
            elif now["outcome"] == "changed":
                now["outcome"] = "migrated"
        else:
            earlier = outcomes.get(database)
            now = earlier if earlier and earlier["content"] == before["content"] else before
            if now["outcome"] in ("changed", "unreadable"):
                problems.append(f"{database}: is {now['outcome']}, and this migration did not do it")
        outcomes[database] = now
        # After each one: whoever stops here leaves a record of what has been migrated.
        job.write("migration", {**{other: _pending(one) for other, one in inventory_of.items()}, **outcomes})
    return problems


def _pending(known: Record) -> Record:
    return {"outcome": "unchanged", "content": known["content"]}


def standing(database: Path, before: str) -> Record:
    """Whether a database is as it was, by its content."""
    try:
        content = facts_of(database).content
    except Problem:
        return {"outcome": "unreadable", "content": None}
    return {"outcome": "unchanged" if content == before else "changed", "content": content}


def verify(job: Job) -> list[str]:
    """Write down what each database lacks to be as expected."""
    found = verification(job)
    job.write("verification", {database: {"problems": problems} for database, problems in found.items()})
    return [problem for problems in found.values() for problem in problems]


def verification(job: Job) -> dict[str, list[str]]:
    """What each database lacks, as the databases are now."""
    expected, left = read_expected(job.expected), job.read("migration")
    return {
        database: shortfalls(
            Path(database), job.backup(database), expected, content=left.get(database, {}).get("content") or ""
        )
        for database in job.read("manifest")
    }


def decide(job: Job, no_go: str | None) -> list[str]:
    """Write down GO where every database is as expected, else NO-GO; ``no_go`` is a reason to stop all the same."""
    problems = [problem for found in verification(job).values() for problem in found]
    reasons = [*problems, *([no_go] if no_go else [])]
    inventory_of = job.read("inventory")
    decided = {database: standing(Path(database), known["content"]) for database, known in inventory_of.items()}
    job.write("decision", decided, decision="NO-GO" if reasons else "GO", reasons=reasons)
    return reasons


def restore(job: Job) -> None:
    """Put every database back as its backup has it. Raises Problem when somebody uses one; called again it goes on."""
    for database, kept in job.read("manifest").items():
        path, copy = Path(database), job.backup(database)
        path.parent.mkdir(parents=True, exist_ok=True)
        if file_hash(copy) != kept["sha256"]:
            raise Problem(f"{copy.as_posix()}: is not what it was when it was made, so nothing is restored from it")
        _require_unused(path)
        aside = path.with_name(f"{path.name}.restored")
        shutil.copyfile(copy, aside)
        shutil.copymode(path if path.exists() else copy, aside)
        sync(aside)
        # Before the file: a WAL or journal of the old database would be played into the new one.
        for ending in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        aside.replace(path)
        sync(path.parent)


def _require_unused(path: Path) -> None:
    """Raise Problem when a program has a sound database open; a damaged one cannot tell."""
    try:
        with closing(connected(path, "mode=rw")) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise Problem(f"{path.as_posix()}: a program has it open ({error}); stop it, then restore again") from None
    except sqlite3.DatabaseError:
        return


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk, where the system lets one wait."""
    if os.name == "nt":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
