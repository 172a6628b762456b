"""Runs a project's tests and counts them, whatever the runner: ``run_tests.py PATH COMMAND…``.

What the runner prints is passed on. The last line tells what came of it (``tests: 2 passed, 1 failed, 0 skipped``), and
so does the exit code: 0 every test passed, 1 tests failed, 2 anything else. A test that cannot be loaded, a run without
a test and a summary that contradicts the runner's exit code are no result.

``PATH`` narrows the run to a file or a folder; ``.`` is the whole suite. Python's standard library is all it needs.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import deque
from pathlib import PurePath

LINES_KEPT = 100_000
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Counts:
    """What a run came to. ``broken`` counts what could not be run, which is neither passed nor failed."""

    def __init__(self, passed: int = 0, failed: int = 0, skipped: int = 0, broken: int = 0) -> None:
        self.passed, self.failed, self.skipped, self.broken = passed, failed, skipped, broken

    def __str__(self) -> str:
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return f"{counts}, {self.broken} could not be run" if self.broken else counts

    def verdict(self, exit_code: int) -> int:
        """The exit code that says it to whoever asked."""
        if self.broken or self.passed + self.failed == 0 or (exit_code == 0) != (self.failed == 0):
            return 2
        return 1 if self.failed else 0


def narrowed(command: list[str], path: str) -> list[str]:
    """The command for the tests of ``path`` alone, as far as its runner knows such a thing."""
    given = PurePath(path)
    if given == PurePath():
        return command
    if "unittest" in command:
        return [*command, path] if given.suffix == ".py" else [*command, "discover", "-s", path]
    if "npm" in command:
        return [*command, "--", path]
    if "go" in command:
        folder = given.parent if given.suffix == ".go" else given
        return [f"./{folder}" if argument == "./..." else argument for argument in command]
    if "cargo" in command:
        return [*command, "--test", given.stem] if given.suffix == ".rs" and given.parent.name == "tests" else command
    return [*command, path]


def counted(command: list[str], output: str) -> Counts:
    """What the runner says that it ran."""
    for name, count in (("pytest", _pytest), ("unittest", _unittest), ("cargo", _cargo), ("go", _go)):
        if name in command:
            return count(output)
    return _javascript(output)


def _pytest(output: str) -> Counts:
    summaries = re.findall(r"^=*\s*((?:\d+ \w+(?:, )?)+) in [\d.]+s", output, re.MULTILINE)
    of = {
        word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (\w+)", summaries[-1] if summaries else "")
    }
    skipped = of.get("skipped", 0) + of.get("xfailed", 0)
    return Counts(of.get("passed", 0) + of.get("xpassed", 0), of.get("failed", 0), skipped, of.get("error", 0))


def _unittest(output: str) -> Counts:
    found = re.findall(r"^Ran (\d+) tests? in .*\s+(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?\s*$", output, re.MULTILINE)
    if not found:
        return Counts()
    ran, said = int(found[-1][0]), found[-1][1]
    of = {name: int(number) for name, number in re.findall(r"([a-z ]+)=(\d+)", said.replace(", ", ","))}
    unloaded = len(re.findall(r"^ERROR: .*unittest\.loader\._FailedTest", output, re.MULTILINE))
    failed = of.get("failures", 0) + of.get("errors", 0) + of.get("unexpected successes", 0) - unloaded
    skipped = of.get("skipped", 0) + of.get("expected failures", 0)
    return Counts(max(0, ran - failed - skipped - unloaded), failed, skipped, unloaded)


def _cargo(output: str) -> Counts:
    found = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", output, re.MULTILINE)
    passed, failed, skipped = (sum(int(one[place]) for one in found) for place in range(3))
    return Counts(
        passed, failed, skipped, len(re.findall(r"^error(?:\[E\d+\])?: could not compile", output, re.MULTILINE))
    )


def _go(output: str) -> Counts:
    passed, failed, skipped = (
        len(re.findall(rf"^--- {word}: ", output, re.MULTILINE)) for word in ("PASS", "FAIL", "SKIP")
    )
    return Counts(
        passed, failed, skipped, len(re.findall(r"^FAIL\s.*\[(?:build|setup) failed\]", output, re.MULTILINE))
    )


def _javascript(output: str) -> Counts:
    """Jest, Vitest, Mocha, or what speaks TAP as Node's own runner does."""
    lines = re.findall(r"^\s*Tests:?\s+(.*\d+.*)$", output, re.MULTILINE)
    pairs = re.findall(r"(\d+) (passed|failed|skipped|todo)", lines[-1]) if lines else []
    words = {"pass": "passed", "passing": "passed", "fail": "failed", "failing": "failed", "pending": "skipped"}
    if not pairs:
        pairs = re.findall(r"^\s*(\d+) (passing|failing|pending)\b", output, re.MULTILINE)
        tap = re.findall(r"^(?:#|\u2139) (pass|fail|skipped|todo) (\d+)$", output, re.MULTILINE)
        pairs = [(number, words.get(word, word)) for number, word in pairs]
        pairs += [(number, words.get(word, word)) for word, number in tap]
    of = {word: int(number) for number, word in pairs}
    broken = len(re.findall(r"Test suite failed to run|^\s*FAIL .*\[ .* \]$", output, re.MULTILINE))
    return Counts(of.get("passed", 0), of.get("failed", 0), of.get("skipped", 0) + of.get("todo", 0), broken)


def run(command: list[str]) -> tuple[int, str]:
    """Run it and pass its output on: the exit code, and the output without colours."""
    # The interpreter that runs this one was found in the project's .venv, if there is one.
    command = [sys.executable, *command[1:]] if command[0] == "python" else command
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        print(f"{command[0]} cannot be run: {error.strerror}")
        return 127, ""
    lines: deque[str] = deque(maxlen=LINES_KEPT)
    with process, process.stdout as output:  # pyright: ignore[reportOptionalContextManager]
        for line in output:
            print(line, end="", flush=True)
            lines.append(COLOURS.sub("", line))
    return process.returncode, "".join(lines)


def main() -> int:
    """Run the tests of ``sys.argv``, and say what came of it."""
    path, *command = sys.argv[1:]
    exit_code, output = run(narrowed(command, path))
    counts = counted(command, output)
    print(f"\ntests: {counts}", flush=True)
    return counts.verdict(exit_code)


if __name__ == "__main__":
    sys.exit(main())
