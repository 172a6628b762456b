"""The assistant's own work in the project: it writes files, runs the tests and measures. Nothing here is made up."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from _demo import shop
from _demo.stage import SurpriseError

TARGET: Final = "shop.py"
TEST_FILE: Final = "tests/test_shop.py"
SUITE: Final = ("unittest",)
NEW_TESTS: Final = ("unittest", "tests.test_shop")
SEARCH: Final = ("grep", "-nE", r"open\(|socket|http|subprocess|environ|now\(|time\.|random|thread", TARGET)
TEST_SECONDS: Final = 60


@dataclass(frozen=True)
class Run:
    """One run of the test runner, as it was printed."""

    command: str
    exit_code: int
    output: str

    @property
    def summary(self) -> str:
        """The last lines: how many ran, and what came of it."""
        start = self.output.find("\nRan ")
        if start < 0:
            raise SurpriseError(f"{self.command} ran no tests: {self.output}")
        return self.output[start:].strip()

    @property
    def line(self) -> str:
        """The summary in one line, without the time."""
        return re.sub(r" in [0-9.]+s\s+", ": ", self.summary)

    @property
    def collected(self) -> int:
        """Tests that the runner ran."""
        return int(re.findall(r"^Ran (\d+) tests?", self.summary, re.MULTILINE)[0])

    @property
    def failed(self) -> int:
        """Tests that failed or errored."""
        return sum(self._count(word) for word in ("failures", "errors", "unexpected successes"))

    @property
    def skipped(self) -> int:
        """Tests that were skipped or failed as expected."""
        return self._count("skipped") + self._count("expected failures")

    @property
    def passed(self) -> int:
        """The rest."""
        return self.collected - self.failed - self.skipped

    @property
    def red_tests(self) -> list[str]:
        """The names of the tests that failed or errored."""
        return re.findall(r"^(?:FAIL|ERROR): (\w+)", self.output, re.MULTILINE)

    def _count(self, word: str) -> int:
        found = re.search(rf"(?:\(|, ){word}=(\d+)", self.summary)
        return int(found[1]) if found else 0


class Bench:
    """The project's folder and what can be done in it."""

    def __init__(self, project: Path) -> None:
        self.project = project

    def lay_out(self) -> None:
        """Write the project as the person has it: the module and one small test."""
        (self.project / "tests").mkdir(parents=True)
        (self.project / TARGET).write_text(shop.MODULE)
        (self.project / "tests/__init__.py").touch()
        (self.project / "tests/test_smoke.py").write_text(shop.SMOKE_TEST)

    def run(self, *arguments: str) -> Run:
        """Run a module of the standard library, for instance ``unittest``, in the project."""
        # Without cached modules: one would hide a change of the same length within the same second.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=TEST_SECONDS,
        )
        return Run(" ".join(["python", "-m", *arguments]), done.returncode, "\n" + done.stdout)

    coverage_command = "python -m trace --count --missing --summary --coverdir $TMP --ignore-dir $LIB --module unittest"

    def coverage(self) -> int:
        """Percent of the target's lines that the suite runs, by the standard library's ``trace``."""
        with tempfile.TemporaryDirectory(dir=self.project.parent) as folder:
            options = ("--count", "--missing", "--summary", "--coverdir", folder, "--ignore-dir", sys.base_prefix)
            run = self.run("trace", *options, "--module", *SUITE)
        percent = re.findall(r"^\s*\d+\s+(\d+)%\s+shop\s", run.output, re.MULTILINE)
        if not percent:
            raise SurpriseError(f"python -m trace printed no percentage for {TARGET}: {run.output}")
        return int(percent[0])

    def structure(self) -> dict[str, Any]:
        """What the target holds, read from its syntax tree."""
        tree = ast.parse((self.project / TARGET).read_text())
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        return {
            "functions": [f"{one.name}({ast.unparse(one.args)})" for one in functions],
            "classes": [node.name for node in tree.body if isinstance(node, ast.ClassDef)],
            "raises": sum(isinstance(node, ast.Raise) for node in ast.walk(tree)),
            "imports": [name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names],
        }

    def tests_in_file(self) -> list[str]:
        """The tests that the new file holds now."""
        tree = ast.parse((self.project / TEST_FILE).read_text())
        names = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        return [name for name in names if name.startswith("test_")]

    def classes_in_file(self) -> list[str]:
        """The test classes of the new file."""
        tree = ast.parse((self.project / TEST_FILE).read_text())
        return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]

    def write_tests(self, text: str) -> None:
        """Write the new test file."""
        (self.project / TEST_FILE).write_text(text)

    def edit_tests(self, before: str, inserted: str) -> None:
        """Insert text into the new test file."""
        self.write_tests((self.project / TEST_FILE).read_text().replace(before, inserted + before, 1))

    def append_tests(self, text: str) -> None:
        """Add to the end of the new test file."""
        self.write_tests((self.project / TEST_FILE).read_text() + text)

    def digest(self) -> str:
        """SHA-256 of the code under test."""
        return hashlib.sha256((self.project / TARGET).read_bytes()).hexdigest()

    def search(self) -> tuple[str, list[str]]:
        """Look for whatever leaves the module's own memory: the command, and the lines that it found."""
        done = subprocess.run(SEARCH, cwd=self.project, capture_output=True, text=True, check=False)
        return f"{SEARCH[0]} {SEARCH[1]} '{SEARCH[2]}' {SEARCH[3]}", done.stdout.splitlines()

    def file_count(self) -> int:
        """How many files the project has, the server's own folder left out."""
        return sum(path.is_file() and ".praxis-os" not in path.parts for path in self.project.rglob("*"))

    def break_and_run(self, old: str, new: str) -> dict[str, Any]:
        """Break the code under test in one place, run the new tests, restore it."""
        path = self.project / TARGET
        whole = path.read_text()
        line = whole[: whole.index(old)].count("\n") + 1
        try:
            path.write_text(whole.replace(old, new, 1))
            run = self.run(*NEW_TESTS)
        finally:
            path.write_text(whole)
        return {
            "change": f"{TARGET}:{line} {old} becomes {new}",
            "exit_code": run.exit_code,
            "failing_test": run.red_tests[0] if run.red_tests else "",
            "printed": run.summary,
        }
