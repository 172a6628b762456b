"""What a newcomer runs first: the scripts, and the demo that tells what the product is for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"
SHELL = sorted(path for path in SCRIPTS.iterdir() if path.is_file() and not path.suffix)
COMMANDS = [path for path in SHELL if not path.name.startswith("_")]
TRANSCRIPT = ROOT / "docs/demo-transcript.txt"
STORY = (
    "test_generation_v3 (8 phases)",
    "person to run `pos-workflow trust test_generation_v3`: until then",
    "StateError: Phase 7 is still closed",
    "types y: test_generation_v3: trusted in this project.",
    "REFUSED, attempt 1, 2 left: missing code_structure, test_candidates",
    "PASSED phase 1",
    "REFUSED, attempt 1, 4 left",
    "test_files: has to be the path of an existing file",
    "retry_phase 4",
    "Ran 5 tests: FAILED (failures=1)",
    '"Ran 5 tests: OK" (one of them is red)',
    "REFUSED, attempt 2, 3 left: looks itself -> NO-GO: tests_pass: the exit code was 1",
    "tests: 4 passed, 1 failed, 0 skipped",
    "GO: tests_pass",
    "PASSED phase 4",
    "replayed",
    "paused in phase 5",
    "KILLED",
    "1 session on shop.py: paused in phase 5 of 8",
    "resumed in phase 5",
    "PASSED phase 5",
    "still green, nobody noticed",
    "REFUSED",
    "rolled back from 7 to 5",
    "PASSED phase 5",
    "5 of 5 caught",
    "PASSED phase 7",
    "GO: tests_pass, coverage",
    "PASSED phase 8. Workflow COMPLETED.",
    "Prove the tests can fail   2  attested",
    "verified: tests_passed 14, coverage_measured 100 %; all else attested",
    "CorruptStateError: tampered",
    "all is well",
    "Every step went as expected",
)
"""What the demo has to tell, in this order."""


@dataclass(frozen=True)
class Played:
    """A demo that has been played to its end."""

    result: subprocess.CompletedProcess[str]
    transcript: str
    left_behind: list[str]


def run(command: Sequence[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Play it with a home and a place for temporary files that nobody else uses."""
    for name in ("home", "tmp", "here"):
        (folder / name).mkdir()
    command = [sys.executable, SCRIPTS / "demo.py", *arguments]
    return run(command, folder / "here", HOME=str(folder / "home"), TMPDIR=str(folder / "tmp"))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("demo")
    transcript = folder / "transcript.txt"
    result = demo(folder, "--transcript", str(transcript))
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    left = [str(path) for name in ("home", "tmp", "here") for path in (folder / name).rglob("*")]
    return Played(result, transcript.read_text(), left)


def headlines(text: str) -> list[str]:
    """The chapters and the verdicts."""
    return [
        line.strip()
        for line in text.splitlines()
        if re.match(r"\d  |pos-workflow: ", line) or re.search("REFUSED|PASSED|KILLED|rolled back|resumed in", line)
    ]


def test_the_demo_tells_its_story_in_order(played: Played) -> None:
    rest = played.result.stdout
    for line in STORY:
        _, found, rest = rest.partition(line)
        assert found, f"{line!r} is missing, or comes too early"


def test_the_demo_reads_well_when_it_is_piped(played: Played) -> None:
    lines = played.result.stdout.splitlines()
    assert 60 <= len(lines) <= 180
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in played.result.stdout
    assert played.result.stderr == ""


def test_the_demo_leaves_nothing_behind(played: Played) -> None:
    assert played.left_behind == []


def test_the_committed_transcript_is_what_the_demo_prints(played: Played) -> None:
    assert headlines(TRANSCRIPT.read_text()) == headlines(played.transcript)


def test_the_transcript_names_no_machine_and_no_moment(played: Played) -> None:
    assert "pos-workflow-demo-" not in played.transcript
    assert str(ROOT) not in played.transcript
    assert re.search(r"\d{8}_\d{6}|process \d", played.transcript) is None


def test_a_gate_that_does_not_hold_stops_the_demo(tmp_path: Path) -> None:
    workflows = tmp_path / "workflows"
    shutil.copytree(ROOT / "workflows", workflows)
    gate = workflows / "test_generation_v3/phases/1/gate-definition.yaml"
    gate.write_text(gate.read_text().replace("required: true", "required: false"))
    result = demo(tmp_path, "--workflows-dir", str(workflows))
    assert result.returncode == 1
    assert 'The demo stopped: 2  Saying "done" opens nothing: expected complete_phase to answer' in result.stderr
    assert "Every step went as expected" not in result.stdout
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_kept_demo_says_where_it_is(tmp_path: Path) -> None:
    broken = tmp_path / "no-workflows"
    broken.mkdir()
    (broken / "test_generation_v3").mkdir()
    (broken / "test_generation_v3/metadata.json").write_text("{")
    result = demo(tmp_path, "--keep", "--workflows-dir", str(broken))
    assert result.returncode == 1
    kept = re.search(r"^Kept: (\S+)", result.stdout, re.MULTILINE)
    assert kept is not None
    assert (Path(kept[1]) / "shop.py").is_file()


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_a_shell_script_parses(script: Path) -> None:
    assert run(["bash", "-n", script], ROOT).stderr == ""


@pytest.mark.parametrize(
    "script", [path for path in SHELL if not path.name.startswith("_")], ids=lambda path: path.name
)
def test_a_script_that_people_run_is_executable(script: Path) -> None:
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert os.access(script, os.X_OK)


def test_an_old_python_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("_venv", "demo"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("python", "python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        (old / name).write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.10.9" && exit\nexit 1\n')
        (old / name).chmod(0o755)
    result = run([tmp_path / "scripts/demo"], tmp_path, PATH=f"{old}:/usr/bin:/bin", PYTHON="")
    assert result.returncode != 0
    assert "pos-workflow needs Python 3.11 or newer" in result.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("named", "made"), [("", ".venv"), ("3.11", ".venv"), ("3.12", ".venv-3.12"), ("3.10", None)], ids=str
)
def test_an_interpreter_of_another_version_gets_an_environment_of_its_own(
    named: str, made: str | None, tmp_path: Path
) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "_venv", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for place, version in ((".venv/bin/python", "3.11"), ("3.10", "3.10"), ("3.11", "3.11"), ("3.12", "3.12")):
        write_interpreter(tmp_path / place, version)
    python = str(tmp_path / named) if named else ""
    result = run(["bash", "-c", "set -e; . scripts/_venv; command -v python"], tmp_path, PYTHON=python)
    if made is None:
        assert "pos-workflow needs Python 3.11 or newer" in result.stderr
    else:
        assert result.stdout.strip() == f"{tmp_path}/{made}/bin/python", result.stderr


def write_interpreter(path: Path, version: str) -> None:
    """A program that says it is Python of that version, makes environments of its kind, and installs nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    newer = "true" if version >= "3.11" else "false"
    script = f"""#!/bin/sh
case "$1 $2" in
  "-c import sys; sys.exit("*) exec {newer} ;;
  "-c import sys; print("*) echo {version} ;;
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
esac
"""
    path.write_text(script)
    path.chmod(0o755)


@pytest.mark.slow
def test_the_demo_runs_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    assert run(["git", "clone", "--quiet", ROOT, clone], tmp_path).returncode == 0
    result = run([clone / "scripts/demo"], tmp_path, VIRTUAL_ENV="", HOME=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "Every step went as expected" in result.stdout
    assert run(["git", "status", "--porcelain"], clone).stdout == ""
