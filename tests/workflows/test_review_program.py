"""The program of code_review_v1: it reads what git writes, and takes no finding without its line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shipped_evidence import WORKFLOWS

pytestmark = pytest.mark.integration

PROGRAM = WORKFLOWS / "code_review_v1" / "core"
NOTE = "read whole, with its callers"
FINDING: dict[str, Any] = {
    "file": "a.py",
    "line": 2,
    "quote": "limit = 10",
    "severity": "minor",
    "problem": "The limit is one less than promised",
    "evidence": "the documentation says eleven",
    "suggestion": "make it 11",
}
SUMMARY = "It does what was asked; the limit is one less than the documentation says (a.py:2), which no test holds."


def git(project: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=True).stdout


def ask(project: Path, step: str, *passes: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), step, "./review/change.patch", "./review", *passes],
        cwd=project, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    return answer


def patched(project: Path, text: str) -> dict[str, Any]:
    (project / "review").mkdir(exist_ok=True)
    (project / "review/change.patch").write_text(text)
    return ask(project, "patch")


def say(project: Path, name: str, said: Any) -> None:
    (project / f"review/{name}.json").write_text(said if isinstance(said, str) else json.dumps(said))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit of everything that can become of a file, and the working tree after it."""
    git(tmp_path, "init", "-q")
    (tmp_path / "kept.txt").write_text("".join(f"line {number}\n" for number in range(40)))
    (tmp_path / "moved.txt").write_text("moved\n" * 9)
    (tmp_path / "gone.txt").write_text("-- gone\n++ gone\n")
    (tmp_path / "picture").write_bytes(b"\0\1")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "-qm", "before")
    (tmp_path / "kept.txt").write_text("first\n" + "".join(f"line {number}\n" for number in range(39)))
    (tmp_path / "moved.txt").rename(tmp_path / "größer als.txt")
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "picture").write_bytes(b"\0\2")
    (tmp_path / "new.txt").write_text("--- a/x\n+++ b/x\nno newline at the end")
    (tmp_path / "empty.txt").touch()
    git(tmp_path, "add", "--all")
    return tmp_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a patch of one line."""
    (tmp_path / "a.py").write_text("def f():\n    limit = 10\n    return limit\n")
    patch = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n def f():\n-    limit = 9\n+    limit = 10\n     return limit\n"
    assert patched(tmp_path, patch) == {"files": 1, "problems": [], "ok": True, "problems_in_all": 0}
    return tmp_path


def test_everything_that_git_says_of_a_file_is_read(repository: Path) -> None:
    answer = patched(repository, git(repository, "diff", "--cached", "-M"))
    assert answer == {"files": 6, "problems": [], "ok": True, "problems_in_all": 0}
    say(repository, "correctness", {"files": {}, "findings": []})
    named = {
        problem.split(" on ")[1].partition(",")[0] for problem in ask(repository, "passes", "correctness")["problems"]
    }
    assert named == {"kept.txt", "größer als.txt", "gone.txt", "picture", "new.txt", "empty.txt"}


def test_files_that_are_not_what_the_patch_says_are_named(repository: Path) -> None:
    text = git(repository, "diff", "--cached", "-M")
    (repository / "gone.txt").touch()
    (repository / "picture").unlink()
    (repository / "kept.txt").write_text("other\n" * 40)
    assert sorted(patched(repository, text)["problems"]) == [
        "gone.txt: is there, and the patch removes it",
        "kept.txt:1: is not what it is after the patch",
        "kept.txt:38: is not what it is after the patch",
        "picture: the patch has it, and the project has not",
    ]


def test_a_patch_of_plain_diff_is_read(project: Path) -> None:
    patch = "--- a.py\t2026-01-01\n+++ a.py\t2026-01-02\n@@ -2 +2 @@\n-    limit = 9\n+    limit = 10\n"
    assert patched(project, patch)["ok"]
    assert not patched(project, patch.replace("= 10", "= 11"))["ok"]


def test_line_ends_of_windows_are_no_difference(project: Path) -> None:
    text = (project / "review/change.patch").read_text()
    (project / "a.py").write_bytes(b"def f():\r\n    limit = 10\r\n    return limit\r\n")
    assert patched(project, text)["ok"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it changes no file"),
        ("@@ -1 +1 @@\n+x\n", "it changes no file"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1,9 +1,9 @@\n def f():\n", "cut short"),
        ("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n+x\n", "is no path of the project"),
        ("--- /dev/null\n+++ b//etc/passwd\n@@ -1 +1 @@\n+x\n", "is no path of the project"),
    ],
)
def test_what_is_no_patch_is_none(project: Path, text: str, said: str) -> None:
    (problem,) = patched(project, text)["problems"]
    assert said in problem


def test_a_file_behind_a_link_out_of_the_project_is_not_read(project: Path, tmp_path_factory: pytest.TempPathFactory):
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text("limit = 10\n")
    (project / "link").symlink_to(outside)
    say(project, "correctness", {"files": {"a.py": NOTE}, "findings": [{**FINDING, "file": "link", "line": 1}]})
    assert ask(project, "passes", "correctness")["problems"] == ["correctness.json: finding 1: there is no file link"]


def test_a_pass_that_holds_is_counted(project: Path) -> None:
    say(
        project,
        "correctness",
        {"files": {"a.py": NOTE}, "findings": [FINDING, {**FINDING, "line": 2, "problem": "x" * 20}]},
    )
    say(project, "tests", {"files": {"a.py": NOTE}, "findings": []})
    answer = ask(project, "passes", "correctness", "tests")
    assert (answer["ok"], answer["findings"], answer["blocking"]) == (True, 2, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"line": 3}, "quote does not stand in line 3 of a.py"),
        ({"line": 0}, "a.py has 3 lines, and line is none of them"),
        ({"line": 4}, "a.py has 3 lines, and line is none of them"),
        ({"line": True}, "a.py has 3 lines, and line is none of them"),
        ({"line": "2"}, "a.py has 3 lines, and line is none of them"),
        ({"quote": " "}, "quote does not stand in line 2 of a.py"),
        ({"quote": None}, "quote does not stand in line 2 of a.py"),
        ({"file": "b.py"}, "there is no file b.py"),
        ({"file": "../a.py"}, "file is a path from the project's root"),
        ({"file": 7}, "file is a path from the project's root"),
        ({"severity": "high"}, "severity is one of blocker, major, minor, nit"),
        ({"severity": []}, "severity is one of blocker, major, minor, nit"),
        ({"problem": "bad"}, "problem needs 20 characters"),
        ({"evidence": " " * 30}, "evidence needs 20 characters"),
        ({"suggestion": ""}, "suggestion needs 5 characters"),
    ],
)
def test_a_finding_that_does_not_hold_is_named(project: Path, change: dict[str, Any], said: str) -> None:
    say(project, "correctness", {"files": {"a.py": NOTE}, "findings": [{**FINDING, **change}]})
    assert ask(project, "passes", "correctness")["problems"] == [f"correctness.json: finding 1: {said}"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"files": {"a.py": NOTE}, "findings": [FINDING, FINDING]}, "correctness.json: finding 2 is there twice"),
        ({"files": {"a.py": NOTE}, "findings": ["all fine"]}, "correctness.json: finding 1: is no object"),
        ({"files": {"a.py": NOTE, "b.py": NOTE}, "findings": []}, "correctness.json: b.py is not changed by the patch"),
        ({"files": {"a.py": "ok"}, "findings": []}, "correctness.json: files has no note on a.py"),
        ({"files": {}, "findings": []}, "correctness.json: files has no note on a.py"),
        ({"files": [], "findings": []}, "correctness.json: needs files"),
        ([], "correctness.json: needs files"),
        ("{", "cannot be read"),
    ],
)
def test_a_pass_that_does_not_hold_is_named(project: Path, said: Any, problem: str) -> None:
    say(project, "correctness", said)
    (found,) = ask(project, "passes", "correctness")["problems"]
    assert found.startswith(problem)


@pytest.mark.parametrize("verdict", ["approve", "comment", "request_changes", "lgtm", None, []])
@pytest.mark.parametrize("severity", ["blocker", "major", "minor", "nit"])
def test_the_verdict_follows_from_the_findings(project: Path, severity: str, verdict: Any) -> None:
    say(project, "correctness", {"files": {"a.py": NOTE}, "findings": [{**FINDING, "severity": severity}]})
    say(project, "verdict", {"verdict": verdict, "summary": SUMMARY})
    wanted = ["request_changes"] if severity in ("blocker", "major") else ["approve", "comment"]
    assert ask(project, "verdict", "correctness")["ok"] == (verdict in wanted)


@pytest.mark.parametrize("said", ["", "[]", '{"verdict": "comment"}', '{"verdict": "comment", "summary": "fine"}'])
def test_a_verdict_without_a_reason_is_none(project: Path, said: str) -> None:
    say(project, "correctness", {"files": {"a.py": NOTE}, "findings": []})
    say(project, "verdict", said)
    assert not ask(project, "verdict", "correctness")["ok"]


def test_without_its_files_nothing_holds(project: Path) -> None:
    assert ask(project, "passes", "correctness")["problems"] == ["review/correctness.json: No such file or directory"]
    (project / "review/change.patch").unlink()
    assert ask(project, "patch")["problems"] == ["review/change.patch: No such file or directory"]
