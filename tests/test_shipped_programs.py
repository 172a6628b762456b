"""The programs that ship inside definitions: they count what a runner did, and take nothing else for a result."""

from __future__ import annotations

import filecmp
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.shipped_evidence import WORKFLOWS

pytestmark = pytest.mark.integration

COUNTING = WORKFLOWS / "bug_fix_v1" / "core" / "run_tests.py"
COVERAGE = WORKFLOWS / "test_generation_v3" / "core" / "measure_coverage.py"
UNITTEST = ("python", "-m", "unittest")
PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")

PASSES = "import unittest\n\nclass A(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 1)\n"
FAILS = PASSES.replace("(1, 1)", "(1, 2)")
RAISES = PASSES.replace("self.assertEqual(1, 1)", "raise KeyError('x')")
SKIPS = PASSES.replace("    def", "    @unittest.skip('later')\n    def")
EXPECTED = PASSES.replace("    def", "    @unittest.expectedFailure\n    def").replace("(1, 1)", "(1, 2)")
LEAVES = "import os\nos._exit(0)\n"
LIES = PASSES.replace("(1, 1)", "(1, 1); print('tests: 9 passed, 0 failed, 0 skipped')")

# A program that prints this and exits so, whatever it is asked.
RUNNERS: list[tuple[str, int, str, str, int]] = [
    ("cargo", 0, "test result: ok. 3 passed; 0 failed; 1 ignored\n\ntest result: ok. 2 passed; 0 failed; 0 ignored",
     "5 passed, 0 failed, 1 skipped", 0),
    ("cargo", 101, "test result: FAILED. 2 passed; 1 failed; 0 ignored", "2 passed, 1 failed, 0 skipped", 1),
    ("cargo", 101, "error: could not compile `x` due to 1 previous error", "0 passed, 0 failed, 0 skipped, 1 could", 2),
    ("go", 0, "=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/b (0.00s)\nok  \tx\t0.004s",
     "1 passed, 0 failed, 0 skipped", 0),
    ("go", 1, "--- FAIL: TestA (0.00s)\n--- SKIP: TestB (0.00s)\nFAIL\tx\t0.004s", "0 passed, 1 failed, 1 skipped", 1),
    ("go", 1, "FAIL\tx [build failed]", "0 passed, 0 failed, 0 skipped, 1 could", 2),
    ("npm", 0, "Test Suites: 1 passed, 1 total\nTests:       3 passed, 3 total", "3 passed, 0 failed, 0 skipped", 0),
    ("npm", 1, "Tests:       1 failed, 1 skipped, 2 passed, 4 total", "2 passed, 1 failed, 1 skipped", 1),
    ("npm", 1, "● Test suite failed to run\nTests:       0 total", "0 passed, 0 failed, 0 skipped, 1 could", 2),
    ("npm", 0, " Test Files  1 passed (1)\n      Tests  3 passed (3)", "3 passed, 0 failed, 0 skipped", 0),
    ("npm", 1, "      \x1b[2mTests\x1b[22m  1 failed | 2 passed (3)", "2 passed, 1 failed, 0 skipped", 1),
    ("npm", 1, "  2 passing (12ms)\n  1 pending\n  1 failing", "2 passed, 1 failed, 1 skipped", 1),
    ("npm", 0, "# tests 3\n# pass 3\n# fail 0\n# skipped 0", "3 passed, 0 failed, 0 skipped", 0),
    ("npm", 1, "ℹ pass 2\nℹ fail 1", "2 passed, 1 failed, 0 skipped", 1),  # noqa: RUF001 - what Node prints
    ("npm", 0, "done", "0 passed, 0 failed, 0 skipped", 2),
    ("npm", 1, "Tests:       3 passed, 3 total", "3 passed, 0 failed, 0 skipped", 2),
    ("npm", 0, "Tests:       1 failed, 2 passed, 3 total", "2 passed, 1 failed, 0 skipped", 2),
]  # fmt: skip

NARROWED = [
    (("npm", "test"), "./a.test.js", "npm test -- ./a.test.js"),
    (("npm", "test"), "./.", "npm test"),
    (("go", "test", "-v", "./..."), "./pkg/a_test.go", "go test -v ./pkg"),
    (("go", "test", "-v", "./..."), "./pkg", "go test -v ./pkg"),
    (("go", "test", "-v", "./..."), ".", "go test -v ./..."),
    (("cargo", "test"), "./tests/limits.rs", "cargo test --test limits"),
    (("cargo", "test"), "./src/lib.rs", "cargo test"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    return tmp_path


def run(
    program: Path, project: Path, *arguments: str, path: str | None = None, python: str = sys.executable
) -> tuple[int, str]:
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": path or "/usr/bin:/bin"}
    done = subprocess.run(
        [python, str(program), *arguments],
        cwd=project, capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def last(output: str) -> str:
    return output.rstrip().splitlines()[-1]


def test_every_definition_ships_the_same_program() -> None:
    copies = list(WORKFLOWS.glob("*/core/run_tests.py"))
    assert len(copies) >= 2
    assert all(filecmp.cmp(COUNTING, copy, shallow=False) for copy in copies)


@pytest.mark.parametrize("command", [UNITTEST, PYTEST], ids=["unittest", "pytest"])
@pytest.mark.parametrize(
    ("text", "counts", "code"),
    [
        (PASSES, "1 passed, 0 failed, 0 skipped", 0),
        (FAILS, "0 passed, 1 failed, 0 skipped", 1),
        (RAISES, "0 passed, 1 failed, 0 skipped", 1),
        (SKIPS, "0 passed, 0 failed, 1 skipped", 2),
        (EXPECTED, "0 passed, 0 failed, 1 skipped", 2),
        ("import nothing_of_this_name\n" + PASSES, "0 passed, 0 failed, 0 skipped", 2),
        ("def broken(:\n", "0 passed, 0 failed, 0 skipped", 2),
        (LEAVES, "0 passed, 0 failed, 0 skipped", 2),
        ("", "0 passed, 0 failed, 0 skipped", 2),
        (LIES, "1 passed, 0 failed, 0 skipped", 0),
    ],
    ids=["passes", "fails", "raises", "skips", "expected", "import", "syntax", "leaves", "empty", "lies"],
)
def test_a_run_is_what_its_tests_came_to(project: Path, command: tuple[str, ...], text: str, counts: str, code: int):
    (project / "tests" / "test_a.py").write_text(text)
    exit_code, output = run(COUNTING, project, "./tests/test_a.py", *command)
    assert last(output).removesuffix(", 1 could not be run") == f"tests: {counts}"
    assert exit_code == code


@pytest.mark.parametrize("command", [UNITTEST, PYTEST], ids=["unittest", "pytest"])
@pytest.mark.parametrize("path", [".", "./.", "./tests"])
def test_a_folder_is_all_the_tests_in_it(project: Path, command: tuple[str, ...], path: str) -> None:
    (project / "tests" / "test_a.py").write_text(PASSES)
    (project / "tests" / "test_b.py").write_text(FAILS)
    assert last(run(COUNTING, project, path, *command)[1]) == "tests: 1 passed, 1 failed, 0 skipped"
    assert last(run(COUNTING, project, "./tests/test_a.py", *command)[1]) == "tests: 1 passed, 0 failed, 0 skipped"


def test_a_file_that_is_not_there_is_no_result(project: Path) -> None:
    assert run(COUNTING, project, "./tests/test_a.py", *UNITTEST)[0] == 2
    assert run(COUNTING, project, "./tests/test_a.py", *PYTEST)[0] == 2


@pytest.mark.parametrize(("runner", "exits", "prints", "counts", "code"), RUNNERS)
def test_the_summaries_of_other_runners_are_read(
    project: Path, runner: str, exits: int, prints: str, counts: str, code: int
) -> None:
    (project / "printed").write_text(prints)
    program = project / runner
    program.write_text(f"#!/bin/sh\ncat printed\nexit {exits}\n")
    program.chmod(0o755)
    exit_code, output = run(COUNTING, project, ".", runner, "test", path=f"{project}:/usr/bin:/bin")
    assert last(output).startswith(f"tests: {counts}")
    assert exit_code == code


@pytest.mark.parametrize(("command", "path", "asked"), NARROWED)
def test_a_path_narrows_the_run_as_the_runner_wants_it(
    project: Path, command: tuple[str, ...], path: str, asked: str
) -> None:
    program = project / command[0]
    program.write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
    program.chmod(0o755)
    _, output = run(COUNTING, project, path, *command, path=f"{project}:/usr/bin:/bin")
    assert output.splitlines()[0] == asked


def test_a_runner_that_is_not_there_is_no_result(project: Path) -> None:
    exit_code, output = run(COUNTING, project, ".", "no-such-runner")
    assert exit_code == 2
    assert output.startswith("no-such-runner cannot be run: No such file")


TARGET = "def tested():\n    return 1\n\n\ndef untested():\n    a = 1\n    return a\n"
TESTS = "import unittest\nimport code_\n\nclass A(unittest.TestCase):\n    def test_a(self): code_.tested()\n"
FAILING = TESTS + "    def test_b(self): self.fail()\n"
COVERAGE_OF_NOTHING = TESTS.replace("import code_\n", "").replace("code_.tested()", "pass")

# With coverage.py, which is there in this environment, and with the standard library alone.
WAYS = pytest.mark.parametrize("plain", [False, True], ids=["coverage.py", "trace"])


@pytest.fixture
def measure(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[int, str]]:
    """Measure in a project; a plain Python knows nothing but its standard library."""
    bare = tmp_path_factory.mktemp("venv")
    (project / "code_.py").write_text(TARGET)

    def run_it(*arguments: str, plain: bool) -> tuple[int, str]:
        if plain and not (bare / "bin").exists():
            venv.create(bare, symlinks=True)
        return run(COVERAGE, project, *arguments, python=str(bare / "bin" / "python") if plain else sys.executable)

    return run_it


@WAYS
@pytest.mark.parametrize("text", [TESTS, FAILING], ids=["green", "red"])
@pytest.mark.parametrize("path", [".", "./tests/test_a.py"])
def test_what_the_tests_run_of_the_target_is_measured(
    project: Path, measure: Callable[..., tuple[int, str]], text: str, path: str, plain: bool
) -> None:
    (project / "tests" / "test_a.py").write_text(text)
    for least, code in (("0", 0), ("50", 0), ("70", 1), ("100", 1)):
        exit_code, output = measure(least, "./code_.py", path, *UNITTEST, plain=plain)
        assert last(output) == "coverage: 60.0 percent of ./code_.py"
        assert exit_code == code
    assert {one.name for one in project.iterdir()} == {"code_.py", "tests"}


@WAYS
def test_a_folder_is_measured_as_a_whole(project: Path, measure: Callable[..., tuple[int, str]], plain: bool) -> None:
    package = project / "package"
    package.mkdir()
    for name in ("__init__", "a", "b"):
        (package / f"{name}.py").write_text(TARGET if name != "__init__" else "")
    text = TESTS.replace("import code_", "import package.a as code_, package.b")
    (project / "tests" / "test_a.py").write_text(text)
    assert last(measure("0", "./package", ".", *UNITTEST, plain=plain)[1]) == "coverage: 50.0 percent of ./package"


@WAYS
@pytest.mark.parametrize("text", [None, COVERAGE_OF_NOTHING], ids=["no tests", "tests of something else"])
def test_a_target_that_no_test_runs_is_not_covered(
    project: Path, measure: Callable[..., tuple[int, str]], text: str | None, plain: bool
) -> None:
    if text is not None:
        (project / "tests" / "test_a.py").write_text(text)
    exit_code, output = measure("1", "./code_.py", ".", *UNITTEST, plain=plain)
    assert (last(output), exit_code) == ("coverage: 0.0 percent of ./code_.py", 1)


@WAYS
@pytest.mark.parametrize("command", [("npm", "test"), ("python", "-m", "no_such_runner")], ids=["npm", "no runner"])
def test_what_cannot_be_measured_has_no_number(
    measure: Callable[..., tuple[int, str]], command: tuple[str, ...], plain: bool
) -> None:
    exit_code, output = measure("0", "./code_.py", ".", *command, plain=plain)
    assert exit_code == 2
    assert "percent" not in output


def test_where_nobody_asks_nothing_is_run(measure: Callable[..., tuple[int, str]]) -> None:
    exit_code, output = measure("none", "./code_.py", ".", "npm", "test", plain=False)
    assert (exit_code, output.split(":")[1]) == (0, " -1 percent")
