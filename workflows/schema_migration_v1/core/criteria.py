"""The criteria of the gates: each looks at the databases itself, and believes no record that it has not compared.

Each gives what it counted, and raises Problems when it does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from databases import Problem, facts_of, file_hash, require_idle
from expectation import read_expected, shortfalls
from job import Job
from work import listed, scripts, standing, verification

Counts = dict[str, int]


class Problems(Exception):  # noqa: N818 - what does not hold, and no defect of this program
    """All that does not hold, one text each."""


def _hold(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise Problems(*found)


def _same_databases(job: Job, record: Mapping[str, object], name: str) -> list[str]:
    present = job.present()
    gone = [f"{database}: is in {name}.json and not there" for database in record if database not in present]
    return gone + [f"{database}: is not in {name}.json" for database in present if database not in record]


def inventory(job: Job) -> Counts:
    """Every database is sound, nobody writes to it, and the inventory says what it holds."""
    record = job.read("inventory")
    problems = _same_databases(job, record, "inventory")
    for database in job.present():
        try:
            require_idle(Path(database))
            if database in record and listed(facts_of(Path(database))) != record[database]:
                problems.append(f"{database}: the inventory says something else than what is there")
        except Problem as problem:
            problems.append(str(problem))
    _hold(problems)
    return {"databases": len(record)}


def backups(job: Job) -> Counts:
    """There is a sound backup of every database at its path, as the manifest and the inventory say."""
    known, manifest = job.read("inventory"), job.read("manifest")
    problems = [f"{database}: has no backup" for database in known if database not in manifest]
    problems += [
        f"{database}: is in manifest.json and not in the inventory" for database in manifest.keys() - known.keys()
    ]
    for database in known.keys() & manifest.keys():
        kept, path = manifest[database], job.backup(database)
        try:
            if kept.get("file") != path.as_posix():
                problems.append(f"{database}: its backup is not at {path.as_posix()}")
            if (file_hash(path), path.stat().st_size) != (kept.get("sha256"), kept.get("bytes")):
                problems.append(f"{path.as_posix()}: is not the file that the manifest names")
            facts = facts_of(path, still=True)
            if not facts.rows == known[database].get("rows") == kept.get("rows"):
                problems.append(f"{path.as_posix()}: has other row counts than the inventory or the manifest")
            if facts.content != known[database].get("content"):
                problems.append(f"{path.as_posix()}: does not hold what the database held at the inventory")
        except Problem as problem:
            problems.append(str(problem))
    _hold(sorted(problems))
    return {"backups": len(manifest)}


def untouched(job: Job) -> Counts:
    """Every database holds what it held at the inventory."""
    record = job.read("inventory")
    problems = _same_databases(job, record, "inventory")
    for database, known in record.items():
        found = standing(Path(database), known.get("content", ""))["outcome"]
        if found != "unchanged":
            problems.append(f"{database}: is {found} since the inventory")
    _hold(problems)
    return {"untouched": len(record)}


def dry_run(job: Job) -> Counts:
    """The present migration brought a copy of every database to what is expected."""
    said, manifest = job.read_whole("dry-run"), job.read("manifest")
    record = said["databases"]
    if any(said.get(name) != value for name, value in scripts(job).items()):
        raise Problem("the migration or the expectation is not the one that the dry run was made with: make it again")
    expected = read_expected(job.expected)
    problems = [f"{database}: was not migrated in the dry run" for database in manifest if database not in record]
    for database in manifest.keys() & record.keys():
        problems += shortfalls(job.copy(database), job.backup(database), expected, still=True)
    _hold(sorted(problems))
    return {"copies": len(manifest)}


def accounted(job: Job) -> Counts:
    """Of every database it is said truly whether it was migrated, or is as it was."""
    known, record = job.read("inventory"), job.read("migration")
    problems = [f"{database}: migration.json does not name it" for database in known if database not in record]
    for database in known.keys() & record.keys():
        said, found = record[database], standing(Path(database), known[database].get("content", ""))
        truly = {"unchanged": {"unchanged"}, "changed": {"migrated", "changed"}, "unreadable": {"unreadable"}}
        if said.get("content") != found["content"] or said.get("outcome") not in truly[found["outcome"]]:
            problems.append(f"{database}: is {found['outcome']}, and migration.json says it was {said.get('outcome')}")
    _hold(sorted(problems))
    return {"migrated": sum(1 for one in record.values() if one["outcome"] == "migrated")}


def verified(job: Job) -> Counts:
    """The verification says of every database what the server finds too."""
    record = job.read("verification")
    found = verification(job)
    wrong = [database for database in found if record.get(database) != {"problems": found[database]}]
    _hold(
        f"{database}: verification.json does not say what is found: {found[database] or 'all is well'}"
        for database in wrong
    )
    return {"as_expected": sum(1 for problems in found.values() if not problems)}


def decision(job: Job) -> Counts:
    """GO where every database is as expected and unchanged since it was decided; NO-GO is always possible."""
    go = _decided(job)
    if go:
        _hold([*_moved(job), *(problem for problems in verification(job).values() for problem in problems)])
    return {"go": int(go)}


def outcome(job: Job) -> Counts:
    """After GO every database is as decided; after NO-GO every one is its backup, byte for byte."""
    if _decided(job):
        return {"restored": 0, **decision(job)}
    manifest = job.read("manifest")
    problems = _same_databases(job, manifest, "manifest")
    for database, kept in manifest.items():
        path = Path(database)
        wal = path.with_name(f"{path.name}-wal")
        try:
            if file_hash(path) != kept.get("sha256") or (wal.exists() and wal.stat().st_size):
                problems.append(f"{database}: is not what its backup is")
            facts_of(path)
        except Problem as problem:
            problems.append(str(problem))
    _hold(problems)
    return {"restored": len(manifest), "go": 0}


def _decided(job: Job) -> bool:
    said = job.read_whole("decision").get("decision")
    if said not in ("GO", "NO-GO"):
        raise Problem("decision.json says neither GO nor NO-GO")
    return said == "GO"


def _moved(job: Job) -> list[str]:
    decided = job.read("decision")
    return [
        f"{database}: has changed since it was decided"
        for database, known in job.read("inventory").items()
        if standing(Path(database), known.get("content", "")) != decided.get(database)
    ]


CRITERIA: Mapping[str, Callable[[Job], Counts]] = {
    one.__name__.replace("_", "-"): one
    for one in (inventory, backups, untouched, dry_run, accounted, verified, decision, outcome)
}
