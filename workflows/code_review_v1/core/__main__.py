"""Judges the form of a code review: python core STEP PATCH FOLDER PASS…

    python core patch PATCH FOLDER             the patch can be read, and the project's files are what it says
    python core passes PATCH FOLDER PASS…      FOLDER/PASS.json looks at every changed file, and its findings hold
    python core verdict PATCH FOLDER PASS…     the same, and FOLDER/verdict.json follows from the findings

The answer is JSON. Exit code 0: it holds; 1: not, and "problems" says why. Paths are relative to the working directory,
which is the project's root. Nothing of what is reviewed is run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from patch import Change, read_patch

PROBLEMS_SHOWN = 20
SEVERITIES = ("blocker", "major", "minor", "nit")
BLOCKING = ("blocker", "major")
VERDICTS = ("approve", "comment", "request_changes")
TEXTS = {"problem": 20, "evidence": 20, "suggestion": 5}
SHORTEST_NOTE = 20
SHORTEST_SUMMARY = 80

Changes = dict[str, Change]


def patch(changes: Changes) -> list[str]:
    """What of the patch is not what the project's files say."""
    problems: list[str] = []
    for path, change in changes.items():
        if change.is_gone:
            problems += [f"{path}: is there, and the patch removes it"] if Path(path).exists() else []
            continue
        lines = _lines(path)
        if lines is None:
            problems.append(f"{path}: the patch has it, and the project has not")
            continue
        for start, wanted in change.hunks:
            if lines[max(0, start - 1) :][: len(wanted)] != wanted:
                problems.append(f"{path}:{start}: is not what it is after the patch")
    return problems


def look(name: str, said: Any, changes: Changes) -> list[str]:
    """What is wrong with one pass: a file that nobody looked at, a finding that does not hold."""
    files, findings = (said.get("files"), said.get("findings")) if isinstance(said, dict) else (None, None)
    if not isinstance(files, dict) or not isinstance(findings, list):
        return [f"{name}.json: needs files, an object of path and note, and findings, a list"]
    problems = [
        f"{name}.json: files has no note on {path}, or one of fewer than {SHORTEST_NOTE} characters"
        for path in changes
        if not _is_text(files.get(path), SHORTEST_NOTE)
    ]
    problems += [f"{name}.json: {path} is not changed by the patch" for path in files if path not in changes]
    places = set[tuple[str, ...]]()
    for number, finding in enumerate(findings, 1):
        wrong = _wrong_with(finding)
        problems += [f"{name}.json: finding {number}: {wrong}"] if wrong else []
        place = () if wrong else (finding["file"], str(finding["line"]), finding["problem"])
        problems += [f"{name}.json: finding {number} is there twice"] if place and place in places else []
        places.add(place)
    return problems


def _wrong_with(finding: Any) -> str | None:
    if not isinstance(finding, dict):
        return "is no object"
    short = [
        f"{key} needs {length} characters" for key, length in TEXTS.items() if not _is_text(finding.get(key), length)
    ]
    if short:
        return short[0]
    if finding.get("severity") not in SEVERITIES:
        return f"severity is one of {', '.join(SEVERITIES)}"
    path, line, quote = finding.get("file"), finding.get("line"), finding.get("quote")
    if not _is_text(path, 1) or Path(path).is_absolute() or ".." in Path(path).parts:
        return "file is a path from the project's root"
    lines = _lines(path)
    if lines is None:
        return f"there is no file {path}"
    if isinstance(line, bool) or not isinstance(line, int) or not 1 <= line <= len(lines):
        return f"{path} has {len(lines)} lines, and line is none of them"
    if not _is_text(quote, 1) or quote.strip() not in lines[line - 1]:
        return f"quote does not stand in line {line} of {path}"
    return None


def conclude(said: Any, blocking: int) -> list[str]:
    """What is wrong with the verdict."""
    verdict, summary = (said.get("verdict"), said.get("summary")) if isinstance(said, dict) else (None, None)
    problems = [] if verdict in VERDICTS else [f"verdict.json: verdict is one of {', '.join(VERDICTS)}"]
    if not _is_text(summary, SHORTEST_SUMMARY):
        problems.append(f"verdict.json: summary needs {SHORTEST_SUMMARY} characters")
    if verdict in VERDICTS and (verdict == "request_changes") != (blocking > 0):
        asked = f"{blocking} findings are {' or '.join(BLOCKING)}"
        problems.append(f"verdict.json: {asked}, and the verdict is {verdict}")
    return problems


def _is_text(value: Any, length: int) -> bool:
    return isinstance(value, str) and len(value.strip()) >= length


def _lines(path: str) -> list[str] | None:
    """The lines of a file of the project; None where there is none."""
    file = Path(path)
    if not file.is_file() or not file.resolve().is_relative_to(Path.cwd()):
        return None
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def judged(step: str, patch_file: Path, folder: Path, passes: list[str]) -> dict[str, Any]:
    """The answer to one question: its problems, and what was counted."""
    changes = read_patch(patch_file.read_bytes().decode("utf-8", "surrogateescape"))
    if step == "patch":
        return {"files": len(changes), "problems": patch(changes)}
    said = {name: _read(folder / f"{name}.json") for name in passes}
    problems = [problem for name, one in said.items() for problem in look(name, one, changes)]
    if problems:
        return {"problems": problems}
    severities = [finding["severity"] for one in said.values() for finding in one["findings"]]
    counts = {"findings": len(severities), "blocking": sum(severities.count(one) for one in BLOCKING)}
    if step == "verdict":
        problems = conclude(_read(folder / "verdict.json"), counts["blocking"])
    return {**counts, "problems": problems}


def main(arguments: list[str]) -> int:
    """Answer what ``arguments`` ask."""
    step, patch_file, folder, *passes = arguments
    try:
        answer = judged(step, Path(patch_file), Path(folder), passes)
    except OSError as error:
        answer = {"problems": [f"{error.filename}: {error.strerror}"]}
    except ValueError as error:
        answer = {"problems": [f"cannot be read: {error}"]}
    problems = answer["problems"]
    answer |= {"ok": not problems, "problems": problems[:PROBLEMS_SHOWN], "problems_in_all": len(problems)}
    print(json.dumps(answer, indent=1))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
