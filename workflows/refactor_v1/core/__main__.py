"""Records what a refactoring has to keep, and tells what became of it.

    python core take TARGET RECORD SCOPE…   write the record: public names, every file's digest, what may change
    python core fresh TARGET RECORD         the record says what is there, and nothing has changed since
    python core surface TARGET RECORD       every public name is there, with its signature
    python core scope TARGET RECORD         something of the scope changed, and nothing else did

The answer is JSON. Exit code 0: done, or it holds; 1: not, and "problems" says why. Paths are relative to the working
directory, which is the project's root. Files that git ignores, hidden ones and the record itself do not count.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

from surface import public_names

PROBLEMS_SHOWN = 20
PASSED_OVER = ("__pycache__", "node_modules")
LISTED_BY_GIT = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]


class Problem(Exception):  # noqa: N818 - what does not hold, and no defect of this program
    """All that does not hold, one text each."""


def present(record: Path) -> dict[str, str]:
    """The SHA-256 of each file of the project, by its path."""
    try:
        done = subprocess.run(LISTED_BY_GIT, capture_output=True, check=False)
        listed = done.stdout.decode(errors="surrogateescape").split("\0") if done.returncode == 0 else None
    except OSError:
        listed = None
    paths = map(Path, filter(None, listed)) if listed is not None else Path().rglob("*")
    return {
        path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(paths)
        if not any(part.startswith(".") or part in PASSED_OVER for part in path.parts)
        and path.is_file()
        and path != record
    }


def take(target: Path, record: Path, scope: list[str]) -> dict[str, Any]:
    """Write the record."""
    said = {
        "scope": sorted({PurePosixPath(one).as_posix() for one in scope}),
        "surface": dict(sorted(public_names(target).items())),
        "files": present(record),
    }
    _check_scope(said["scope"])
    record.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return {"scope": said["scope"], "names": len(said["surface"]), "files": len(said["files"])}


def fresh(target: Path, record: Path) -> dict[str, Any]:
    """The record says truly what there is to keep."""
    said = _read(record)
    _check_scope(said["scope"])
    names, files = public_names(target), present(record)
    problems = [f"{one}: the record and the project differ" for one in _differing(said["surface"], names)]
    problems += [f"{one}: is not what it was when the record was taken" for one in _differing(said["files"], files)]
    _hold(problems)
    return {"names": len(names), "files": len(files), "scope": said["scope"]}


def surface(target: Path, record: Path) -> dict[str, Any]:
    """What others use is there, and is called as before. New names are counted, and are no problem."""
    before = _read(record)["surface"]
    now = public_names(target, before)
    problems = [f"{name}: is gone" for name in before if name not in now]
    problems += [
        f"{one}: was {before[one]}, is {now[one]}" for one in before if now.get(one, before[one]) != before[one]
    ]
    _hold(problems)
    return {"names": len(before), "added": len(now.keys() - before.keys())}


def scope(_: Path, record: Path) -> dict[str, Any]:
    """What was to change did, and what was not to did not."""
    said = _read(record)
    allowed = [PurePosixPath(one) for one in said["scope"]]
    changed = _differing(said["files"], present(record))
    _hold(
        [f"{one}: is outside the scope" for one in changed if not any(map(PurePosixPath(one).is_relative_to, allowed))]
    )
    if not changed:
        raise Problem("nothing has changed since the record was taken")
    return {"changed": len(changed), "files": changed[:PROBLEMS_SHOWN]}


def _check_scope(paths: list[str]) -> None:
    wrong = [one for one in paths if one in (".", "/") or ".." in PurePosixPath(one).parts]
    if wrong or not paths:
        raise Problem("the scope has to name files or folders of the project, less than all of it")


def _differing(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return sorted(one for one in before.keys() | now.keys() if before.get(one) != now.get(one))


def _read(record: Path) -> dict[str, Any]:
    said = json.loads(record.read_text(encoding="utf-8"))
    kinds = {"scope": list, "surface": dict, "files": dict}
    if not isinstance(said, dict) or not all(isinstance(said.get(name), kind) for name, kind in kinds.items()):
        raise Problem(f"{record}: is no record; write it with take")
    return said


def _hold(problems: list[str]) -> None:
    if problems:
        raise Problem(*problems)


def main(arguments: list[str]) -> int:
    """Carry out one step of ``arguments``, and tell it."""
    answer: dict[str, Any] = {}
    problems: list[str] = []
    step, target, record, *paths = [*arguments[:1], *map(Path, arguments[1:3]), *arguments[3:]]
    try:
        answer = take(target, record, paths) if step == "take" else STEPS[step](target, record)
    except Problem as found:
        problems = [str(one) for one in found.args]
    except SyntaxError as error:
        problems = [f"{error.filename}:{error.lineno}: is no Python: {error.msg}"]
    except OSError as error:
        problems = [f"{error.filename}: {error.strerror}"]
    except (ValueError, TypeError) as error:
        problems = [f"cannot be read: {error}"]
    answer |= {"ok": not problems, "problems": problems[:PROBLEMS_SHOWN], "problems_in_all": len(problems)}
    print(json.dumps(answer, indent=1))
    return 1 if problems else 0


STEPS = {"fresh": fresh, "surface": surface, "scope": scope}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
