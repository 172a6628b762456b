"""A gate's checks are carried out on real files with real programs, and whatever goes wrong is no pass."""

from __future__ import annotations

import hashlib
import os
import py_compile
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mcp_server.checks.programs import CORES, MAX_MATCHES
from mcp_server.checks.runner import ProjectChecker
from mcp_server.domain.checking import PROTECTED_PATHS, Checking, CheckPlan
from mcp_server.domain.checks import Check, Conditions, Retry, ValueInJson
from mcp_server.domain.results import CheckResult

pytestmark = pytest.mark.integration

PASSES = Conditions(exit_code=0)


def program(identity: str, code: str, *arguments: str, expect: Conditions = PASSES, **more: Any) -> Check:
    """A check that runs Python code."""
    own = code.replace("{", "{{").replace("}", "}}")
    return Check(id=identity, kind="run", run=("python", "-c", own, *arguments), conditions=expect, **more)


def file(path: str, **expect: Any) -> Check:
    return Check(id="file", kind="file", file=path, conditions=Conditions(**expect))


@dataclass
class Bench:
    """A project, and what its checks came to."""

    project: Path
    temporary: Path
    heard: list[CheckResult] = field(default_factory=list[CheckResult])

    @property
    def checker(self) -> ProjectChecker:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.project), "TMPDIR": str(self.temporary)}
        return ProjectChecker(self.project, environment, excluded=(self.project / "state",))

    def run(self, *checks: Check, **plan: Any) -> Checking:
        checker = self.checker
        return checker.run(CheckPlan(checks=checks, **plan), checker.cancellation(), self.heard.append)

    def result(self, check: Check, **plan: Any) -> CheckResult:
        return self.run(check, **plan).results[0]

    def protected(self, globs: tuple[str, ...], *checks: Check, baseline: Mapping[str, str] | None) -> CheckResult:
        return self.run(*checks, protected_paths=globs, baseline=baseline).results[-1]

    def write(self, path: str, text: str = "") -> Path:
        target = self.project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    for name in ("project", "temporary"):
        (tmp_path / name).mkdir()
    programs = tmp_path / "project" / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    return Bench(tmp_path / "project", tmp_path / "temporary")


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.005)


def is_living(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_program_that_does_what_is_wanted_passes(bench: Bench) -> None:
    expect = Conditions(exit_code=3, stdout_matches="^done$")
    check = program("c", "print('done'); raise SystemExit(3)", expect=expect, description="What it is")
    result = bench.result(check)
    assert (result.status, result.problem, result.value, result.description) == ("passed", None, True, "What it is")
    (run,) = result.runs
    assert run.argv == check.run
    assert (run.status, run.exit_code, run.tries, run.match) == ("passed", 3, 1, None)
    assert (run.stdout, run.stdout_bytes) == ("done\n", 5)
    assert run.stdout_sha256 == hashlib.sha256(b"done\n").hexdigest()
    assert run.stderr_sha256 == hashlib.sha256(b"").hexdigest()
    assert result.duration_seconds > 0


def test_a_program_that_does_not_fails_and_says_why(bench: Bench) -> None:
    check = program("c", "import sys; print('no', file=sys.stderr); sys.exit(2)")
    result = bench.result(check)
    assert (result.status, result.problem, result.value) == ("failed", "the exit code was 2, wanted 0", False)
    assert (result.runs[0].status, result.runs[0].stderr) == ("failed", "no\n")


def test_what_a_program_prints_becomes_evidence(bench: Bench) -> None:
    expect = Conditions(stdout_json=ValueInJson(path="totals.percent", at_least=90))
    result = bench.result(program("c", 'print(\'{"totals": {"percent": 91.5}}\')', expect=expect))
    assert (result.status, result.value) == ("passed", 91.5)


def test_a_missing_program_blocks(bench: Bench) -> None:
    check = Check(id="c", kind="run", run=("no-such-program-anywhere",), conditions=PASSES)
    result = bench.result(check)
    assert result.status == "blocked"
    assert (result.problem or "").startswith("its program is missing: no-such-program-anywhere")
    script = Check(id="c", kind="run", run=("./gone.sh",), conditions=PASSES)
    result = bench.result(script)
    assert (result.status, result.runs[0].status) == ("blocked", "blocked")
    assert (result.problem or "").startswith("its program is missing: ./gone.sh")


def test_what_cannot_be_started_blocks(bench: Bench) -> None:
    bench.write("notes.txt", "no program")
    result = bench.result(Check(id="c", kind="run", run=("./notes.txt",), conditions=PASSES))
    assert result.status == "blocked"
    assert "it could not be started" in (result.problem or "")


def test_a_program_that_is_killed_fails(bench: Bench) -> None:
    result = bench.result(program("c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert (result.status, result.problem) == ("failed", "it was ended by SIGKILL, wanted the exit code 0")
    assert result.value is None


def test_a_program_that_ignores_being_ended_fails_all_the_same(bench: Bench) -> None:
    code = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
time.sleep(600)
"""
    result = bench.result(program("c", code, timeout_seconds=3))
    assert (result.status, result.problem) == ("failed", "it did not end within 3 seconds, wanted the exit code 0")
    assert not is_living(int(result.runs[0].stdout))


def test_a_program_that_leaves_children_leaves_none(bench: Bench) -> None:
    code = """
import os, time
children = []
for _ in range(8):
    children.append(os.fork())
    if children[-1] == 0:
        time.sleep(600)
        os._exit(0)
print(*children, flush=True)
"""
    result = bench.result(program("c", code))
    assert result.status == "passed"
    children = [int(pid) for pid in result.runs[0].stdout.split()]
    assert len(children) == 8
    assert not any(map(is_living, children))


def test_a_flood_is_judged_by_its_end_and_recorded_by_less(bench: Bench) -> None:
    code = "import sys\nfor _ in range(4000): sys.stdout.write('x' * 1023 + chr(10))\nprint('at the end')"
    expect = Conditions(exit_code=0, stdout_matches="at the end", stdout_min_lines=4001)
    result = bench.result(program("c", code, expect=expect))
    assert (result.status, result.problem) == ("passed", None)
    (run,) = result.runs
    assert run.stdout_bytes == 4000 * 1024 + 11
    assert len(run.stdout) <= 65536
    assert run.stdout.endswith("at the end\n")
    whole = program("c", code, expect=Conditions(stdout_not_matches="begin"))
    assert "only the end of the output was kept" in (bench.result(whole).problem or "")


def test_what_is_beyond_the_record_is_judged_still(bench: Bench) -> None:
    code = "print('at the beginning'); print('x' * 200_000)"
    result = bench.result(program("c", code, expect=Conditions(stdout_matches="beginning", stdout_not_matches="y")))
    assert result.status == "passed"
    assert "beginning" not in result.runs[0].stdout


def test_binary_output_is_recorded_as_text(bench: Bench) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(256)))"
    result = bench.result(program("c", code))
    assert result.status == "passed"
    result.runs[0].model_dump_json()
    assert "\x1b" not in result.runs[0].stdout


def test_a_program_may_remove_the_ground_it_stands_on(bench: Bench) -> None:
    result = bench.run(
        program("first", "import shutil, os; shutil.rmtree(os.getcwd())", serial=True),
        program("second", "print(1)", serial=True),
        whole=True,
    )
    first, second = result.results
    assert first.status == "passed"
    assert second.status == "blocked"
    (content,) = result.contents
    assert (content.files, content.partial) == (0, True)
    checker = bench.checker
    assert checker.contents(CheckPlan(whole=True)) != checker.contents(CheckPlan(whole=True))


def test_a_program_gets_little_of_the_outside(bench: Bench) -> None:
    environment = {"PATH": os.environ["PATH"], "SECRET_TOKEN": "hunter2", "PYTHONPATH": "/nowhere"}
    checker = ProjectChecker(bench.project, environment)
    check = program("c", "import os; print(dict(os.environ), os.getcwd())")
    result = checker.run(CheckPlan(checks=(check,)), checker.cancellation(), bench.heard.append).results[0]
    assert "hunter2" not in result.runs[0].stdout
    assert "/nowhere" not in result.runs[0].stdout
    assert f"}} {bench.project}\n" in result.runs[0].stdout


def test_a_planted_compiled_module_is_not_used(bench: Bench) -> None:
    module = bench.write("judge.py", "print('cheated')\n")
    py_compile.compile(str(module), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    bench.write("judge.py", "print('honest')\n")
    plain = subprocess.run([sys.executable, "-c", "import judge"], cwd=bench.project, capture_output=True, check=True)
    assert plain.stdout == b"cheated\n"
    result = bench.result(program("c", "import judge", expect=Conditions(stdout_matches="honest")))
    assert (result.status, result.runs[0].stdout) == ("passed", "honest\n")
    assert [path.name for path in (bench.project / "__pycache__").iterdir()] == [
        f"judge.{sys.implementation.cache_tag}.pyc"
    ]


def test_a_placeholder_is_one_argument(bench: Bench) -> None:
    code = "import sys; print(len(sys.argv), *sys.argv[1:])"
    plan = {"values": {"target_file": "./a b; touch x", "session_id": "s-1", "phase": "2"}}
    result = bench.result(program("c", code, "{target_file}", "{session_id}", "{phase}", "{project}"), **plan)
    assert result.runs[0].stdout == f"5 ./a b; touch x s-1 2 {bench.project}\n"


@pytest.mark.parametrize("name", ["options.test", "target_file"])
def test_a_missing_value_blocks(bench: Bench, name: str) -> None:
    (bench.project / "out").symlink_to(bench.temporary)
    result = bench.result(program("c", "print(1)", f"{{{name}}}"), values={"target_file": "./out/a.py"})
    assert result.status == "blocked"
    assert "leads out of the project" in (result.problem or "")
    assert result.runs == ()


def test_a_program_may_be_a_choice(bench: Bench) -> None:
    check = Check(id="c", kind="run", run=("{options.runner}", "print(7)"), conditions=Conditions(stdout_matches="7"))
    assert bench.result(check, fragments={"options.runner": ("python", "-c")}).status == "passed"


def test_the_definition_is_a_copy_that_is_gone_afterwards(bench: Bench, tmp_path: Path) -> None:
    code = """
import os, sys
place = sys.argv[1]
print(open(place + "/phases/1/check.py").read(), not place.startswith(os.getcwd()))
print(oct(os.stat(place).st_mode), oct(os.stat(place + "/phases/1/check.py").st_mode))
open("place", "w").write(place)
"""
    files = {"metadata.json": b"{}", "phases/1/check.py": b"pinned"}
    result = bench.result(program("c", code, "{definition}"), definition=lambda: files)
    assert result.status == "passed"
    assert result.runs[0].stdout == "pinned True\n0o40555 0o100444\n"
    assert result.runs[0].argv[-1] == "{definition}"
    assert not Path((bench.project / "place").read_text()).exists()


def test_what_a_program_does_to_its_copy_does_not_keep_it(bench: Bench) -> None:
    outside = bench.write("outside/kept.txt", "kept")
    outside.parent.chmod(0o755)
    code = """
import os, sys
place = sys.argv[1]
os.chmod(place, 0o700)
os.mkdir(place + "/more")
open(place + "/more/file", "w").close()
os.symlink(os.getcwd() + "/outside", place + "/link")
os.chmod(place + "/more", 0)
os.chmod(place, 0)
open("place", "w").write(place)
"""
    assert bench.result(program("c", code, "{definition}"), definition=lambda: {"a": b""}).status == "passed"
    assert not Path((bench.project / "place").read_text()).exists()
    assert outside.read_text() == "kept"
    assert outside.parent.stat().st_mode & 0o777 == 0o755


def test_a_definition_with_a_path_that_leads_out_blocks(bench: Bench) -> None:
    result = bench.result(program("c", "print(1)", "{definition}"), definition=lambda: {"../x": b""})
    assert (result.status, result.problem) == ("blocked", "it could not be carried out (ValueError)")


def test_an_unexpected_error_blocks(bench: Bench) -> None:
    def broken() -> Mapping[str, bytes]:
        raise ZeroDivisionError

    result = bench.run(program("c", "print(1)", "{definition}"), program("d", "print(1)"), definition=broken)
    assert [one.status for one in result.results] == ["blocked", "passed"]
    assert result.results[0].problem == "it could not be carried out (ZeroDivisionError)"


NAMES = ["-rf", "a b", "new\nline", "quote'\"", "tab\t$HOME", "ümlaut"]


def test_each_match_is_run_whatever_its_name(bench: Bench) -> None:
    for name in NAMES:
        bench.write(f"data/{name}", name)
    code = "import sys; sys.exit(len(sys.argv) != 2 or open(sys.argv[1]).read() != sys.argv[1].removeprefix('./data/'))"
    result = bench.result(program("c", code, "{match}", for_each="data/*"))
    assert (result.status, result.problem, result.value) == ("passed", None, True)
    assert [run.match for run in result.runs] == [f"data/{name}" for name in sorted(NAMES, key=os.fsencode)]
    assert all(run.argv[-1] == f"./{run.match}" for run in result.runs)


def test_a_name_that_is_no_text_is_recorded_as_text(bench: Bench) -> None:
    name = os.fsdecode(b"data/\xff")
    try:
        bench.write(name)
    except OSError:
        pytest.skip("this file system has only names that are text")
    result = bench.result(program("c", "import os, sys; os.stat(sys.argv[1])", "{match}", for_each="data/*"))
    assert result.status == "passed"
    assert result.runs[0].match == "data/\\xff"
    result.model_dump_json()
    baseline = bench.checker.baseline(["data/*"])
    assert bench.protected(("data/*",), baseline=baseline).status == "passed"


def test_one_match_that_fails_fails_the_check(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.write(f"data/{name}", name)
    code = "import sys; sys.exit(open(sys.argv[1]).read() == 'b')"
    result = bench.result(program("c", code, "{match}", for_each="data/*"))
    assert (result.status, result.problem) == ("failed", "data/b: the exit code was 1, wanted 0")
    assert [run.status for run in result.runs] == ["passed", "failed", "passed"]


def test_no_match_is_a_failed_check(bench: Bench) -> None:
    result = bench.result(program("c", "print(1)", "{match}", for_each="data/*/project.db"))
    assert (result.status, result.problem) == ("failed", "nothing matches data/*/project.db")


def test_too_many_matches_are_a_failed_check(bench: Bench) -> None:
    for number in range(MAX_MATCHES + 1):
        bench.write(f"data/{number}")
    result = bench.result(program("c", "print(1)", "{match}", for_each="data/*"))
    assert (result.status, result.problem) == ("failed", "201 match data/*, and it is run for 200 at most")
    assert result.runs == ()


def test_a_match_that_leads_out_of_the_project_blocks(bench: Bench) -> None:
    bench.write("data/a")
    (bench.project / "data/b").symlink_to("/etc/passwd")
    result = bench.result(program("c", "print(1)", "{match}", for_each="data/*"))
    assert (result.status, result.problem) == ("blocked", "data/b leads out of the project")


FLAKY = """
import pathlib, sys, time
count = len(list(pathlib.Path(".").glob("try-*")))
pathlib.Path(f"try-{count}").touch()
if count < 2: %s
"""


def test_a_flaky_program_is_run_again(bench: Bench) -> None:
    retry = Retry(attempts=3, backoff_seconds=0.01, on_exit_codes=(75,))
    result = bench.result(program("c", FLAKY % "sys.exit(75)", retry=retry))
    assert (result.status, result.runs[0].tries) == ("passed", 3)


def test_a_retry_is_bounded(bench: Bench) -> None:
    retry = Retry(attempts=2, backoff_seconds=0.01, on_exit_codes=(75,))
    result = bench.result(program("c", FLAKY % "sys.exit(75)", retry=retry))
    assert (result.status, result.problem, result.runs[0].tries) == ("failed", "the exit code was 75, wanted 0", 2)


def test_a_retry_is_for_its_reasons_alone(bench: Bench) -> None:
    retry = Retry(attempts=3, backoff_seconds=0.01, on_timeout=True, on_exit_codes=(75,))
    result = bench.result(program("c", FLAKY % "sys.exit(1)", retry=retry))
    assert (result.status, result.runs[0].tries) == ("failed", 1)


def test_a_timeout_may_be_a_reason(bench: Bench) -> None:
    retry = Retry(attempts=10, backoff_seconds=0.01, on_timeout=True)
    result = bench.result(program("c", FLAKY % "time.sleep(600)", retry=retry, timeout_seconds=2))
    assert result.status == "passed"
    assert result.runs[0].tries >= 3


def test_what_was_not_trusted_is_not_run_and_the_rest_is_judged(bench: Bench) -> None:
    bench.write("guide.md")
    run = program("c", "open('ran', 'w')")
    result = bench.run(run, file("guide.md", exists=True), untrusted="a person has to: pos-workflow trust x")
    assert [(one.id, one.status, one.problem) for one in result.results] == [
        ("c", "blocked", "a person has to: pos-workflow trust x"),
        ("file", "passed", None),
    ]
    assert not (bench.project / "ran").exists()


def test_files_and_globs_are_looked_at(bench: Bench) -> None:
    bench.write("docs/a.md", "## Usage\n")
    options = {"values": {"options.guide": "./docs/a.md"}}
    good = file("{options.guide}", exists=True, min_bytes=5, contains="## Usage")
    assert (bench.result(good, **options).status, bench.result(good, **options).value) == ("passed", True)
    result = bench.result(file("docs/b.md", exists=True))
    assert (result.status, result.problem) == ("failed", "docs/b.md: there is no such file in the project")
    assert result.value is False
    glob = Check(id="g", kind="glob", glob="docs/*.md", conditions=Conditions(count_at_least=1))
    assert (bench.result(glob).status, bench.result(glob).value) == ("passed", 1)
    more = glob.model_copy(update={"conditions": Conditions(count_at_least=2)})
    assert bench.result(more).problem == "docs/*.md: 1 match, wanted at least 2"


def test_what_lies_behind_a_link_to_a_folder_passes_no_glob(bench: Bench) -> None:
    bench.write("real/left.tmp")
    none_left = Check(id="g", kind="glob", glob="build/*.tmp", conditions=Conditions(count_at_most=0))
    each = program("c", "open('ran', 'w')").model_copy(update={"for_each": "build/*.tmp"})
    assert bench.result(none_left).status == "passed"
    (bench.project / "build").symlink_to("real")
    why = "cannot be told: build is a link to a folder, and patterns go through no link"
    result = bench.result(none_left)
    assert (result.status, result.problem) == ("failed", f"it {why}")
    result = bench.result(each)
    assert (result.status, result.problem) == ("failed", f"what matches build/*.tmp {why}")
    assert not (bench.project / "ran").exists()


@pytest.mark.parametrize("part", ["inputs", "outputs", "glob", "for_each"])
def test_a_pattern_that_leaves_the_project_blocks(bench: Bench, part: str) -> None:
    looks = Check(id="c", kind="glob", conditions=Conditions(count_at_most=9))
    check = looks if part == "glob" else program("c", "open('ran', 'w')")
    value: Any = "../*" if part in ("glob", "for_each") else ("../*",)
    result = bench.run(check.model_copy(update={part: value}))
    assert result.results[0].status == "blocked"
    assert result.results[0].problem == "'../*' is no pattern of paths inside the project"
    assert [one.inputs for one in result.contents] == [()]
    assert not (bench.project / "ran").exists()


def test_a_check_whose_inputs_cannot_be_told_rests_on_everything(bench: Bench) -> None:
    result = bench.run(program("c", "print(1)", inputs=("{options.gone}",)))
    assert result.results[0].status == "blocked"
    assert [one.inputs for one in result.contents] == [()]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the parent may be another")
def test_a_program_that_ends_its_supervisor_fails(bench: Bench) -> None:
    code = "import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)"
    result = bench.result(program("c", code))
    assert (result.status, result.runs[0].status) == ("failed", "failed")
    assert "how it ended is not known" in (result.problem or "")


def test_a_state_folder_is_never_looked_at(bench: Bench) -> None:
    bench.write("state/a.json")
    glob = Check(id="g", kind="glob", glob="state/*", conditions=Conditions(count_at_most=0))
    before = bench.run(glob, whole=True)
    assert before.results[0].status == "passed"
    bench.write("state/b.json")
    assert bench.run(glob, whole=True).contents == before.contents
    assert bench.checker.baseline(["state/**"]) == {}


def test_results_come_in_the_gates_order_and_cheap_ones_first(bench: Bench) -> None:
    bench.write("a.md")
    checks = (program("run", "print(1)"), file("a.md", exists=True))
    result = bench.run(*checks, protected_paths=("a.md",), baseline=bench.checker.baseline(["a.md"]))
    assert [one.id for one in result.results] == ["run", "file", PROTECTED_PATHS]
    assert [one.id for one in bench.heard] == ["file", "run", PROTECTED_PATHS]
    assert not result.cancelled
    assert result.duration_seconds > 0


MEETS = """
import pathlib, sys, time
own, other = sys.argv[1:]
pathlib.Path(own).touch()
deadline = time.monotonic() + 30
while not pathlib.Path(other).exists():
    if time.monotonic() > deadline: sys.exit(1)
    time.sleep(0.005)
"""


@pytest.mark.skipif(CORES < 2, reason="one core runs one program at a time")
def test_programs_run_side_by_side(bench: Bench) -> None:
    result = bench.run(program("a", MEETS, "a", "b"), program("b", MEETS, "b", "a"))
    assert [one.status for one in result.results] == ["passed", "passed"]


ALONE = """
import os, sys, time
with open("log", "a") as log: log.write(f"+{sys.argv[1]} ")
time.sleep(0.05)
with open("log", "a") as log: log.write(f"-{sys.argv[1]} ")
"""


def test_serial_programs_run_alone_and_in_order(bench: Bench) -> None:
    names = ("a", "b", "c", "d")
    bench.run(*(program(name, ALONE, name, serial=name != "c") for name in names))
    assert (bench.project / "log").read_text() == "+c -c +a -a +b -b +d -d "


def test_all_runs_of_the_server_share_the_cores(bench: Bench) -> None:
    code = """
import os, pathlib, sys, time
own = pathlib.Path("running") / sys.argv[1]
own.touch()
count = len(os.listdir("running"))
time.sleep(0.1)
own.unlink()
print(count)
"""
    (bench.project / "running").mkdir()
    found: list[Checking] = []

    def one(name: str) -> None:
        found.append(bench.run(*(program(f"{name}{n}", code, f"{name}{n}") for n in range(CORES + 1))))

    threads = [threading.Thread(target=one, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = [int(result.runs[0].stdout) for checking in found for result in checking.results]
    assert len(counts) == 2 * (CORES + 1)
    assert max(counts) <= CORES


def test_a_cancelled_run_ends_its_programs(bench: Bench) -> None:
    mark = f"up-{uuid.uuid4().hex}"
    code = f"import os, time; open('{mark}', 'w').write(str(os.getpid())); time.sleep(600)"
    checker = bench.checker
    cancellation = checker.cancellation()
    plan = CheckPlan(
        checks=(file("x", absent=True), program("a", code), program("s", "open('late', 'w')", serial=True))
    )
    found: list[Checking] = []
    thread = threading.Thread(target=lambda: found.append(checker.run(plan, cancellation, bench.heard.append)))
    thread.start()
    wait_for(bench.project / mark)
    cancellation.cancel()
    thread.join(60)
    assert not thread.is_alive()
    assert found[0].cancelled
    assert found[0].contents == ()
    assert [one.id for one in found[0].results] == ["file"]
    assert not (bench.project / "late").exists()
    pid = (bench.project / mark).read_text()
    assert not pid or not is_living(int(pid))


def test_a_cancelled_run_does_not_wait_to_try_again(bench: Bench) -> None:
    checker = bench.checker
    cancellation = checker.cancellation()
    retry = Retry(attempts=3, backoff_seconds=600, max_backoff_seconds=600, on_exit_codes=(75,))
    plan = CheckPlan(checks=(program("a", FLAKY % "sys.exit(75)", retry=retry),))
    found: list[Checking] = []
    thread = threading.Thread(target=lambda: found.append(checker.run(plan, cancellation, bench.heard.append)))
    thread.start()
    wait_for(bench.project / "try-0")
    cancellation.cancel()
    thread.join(60)
    assert not thread.is_alive()
    assert found[0].cancelled
    assert not (bench.project / "try-1").exists()


def test_a_run_that_is_cancelled_at_its_end_is_cancelled(bench: Bench) -> None:
    checker = bench.checker
    cancellation = checker.cancellation()
    plan = CheckPlan(checks=(file("x", absent=True),), whole=True)
    found = checker.run(plan, cancellation, lambda _: cancellation.cancel())
    assert (found.cancelled, [one.id for one in found.results], found.contents) == (True, ["file"], ())


def test_what_was_cancelled_before_is_not_begun(bench: Bench) -> None:
    checker = bench.checker
    cancellation = checker.cancellation()
    cancellation.cancel()
    found = checker.run(
        CheckPlan(checks=(program("a", "open('ran', 'w')"),), whole=True), cancellation, bench.heard.append
    )
    assert (found.cancelled, found.results, found.contents) == (True, (), ())
    assert not (bench.project / "ran").exists()


def test_protected_files_that_are_as_they_were_pass(bench: Bench) -> None:
    bench.write("tests/test_a.py", "assert True")
    baseline = bench.checker.baseline(["tests/**", "docs/guide.md"])
    bench.write("src/a.py")
    result = bench.protected(("tests/**",), baseline={**baseline, "docs/guide.md": "file:of another check"})
    assert (result.id, result.status, result.problem) == (PROTECTED_PATHS, "passed", None)


def test_changed_protected_files_are_named(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.write(f"tests/{name}.py", "assert True")
    baseline = bench.checker.baseline(["tests"])
    bench.write("tests/a.py", "assert 1 or True")
    (bench.project / "tests/b.py").unlink()
    bench.write("tests/c.py")
    result = bench.protected(("tests",), baseline=baseline)
    assert result.status == "failed"
    assert result.problem == "changed: tests/a.py; added: tests/c.py; removed: tests/b.py"


def test_of_many_changed_files_the_first_are_named(bench: Bench) -> None:
    for number in range(30):
        bench.write(f"tests/{number:02}.py")
    result = bench.protected(("tests/**",), baseline={})
    assert (result.problem or "").endswith("tests/09.py and 20 more")


def test_ignored_files_are_protected_too_but_for_what_python_caches(bench: Bench) -> None:
    bench.write(".gitignore", "*\n")
    bench.write("tests/a.py")
    baseline = bench.checker.baseline(["tests/**"])
    bench.write("tests/__pycache__/a.cpython-311.pyc", "cache")
    assert bench.protected(("tests/**",), baseline=baseline).status == "passed"
    for path in ("tests/a.pyc", "tests/__pycache__/conftest.py"):
        planted = bench.write(path)
        assert bench.protected(("tests/**",), baseline=baseline).problem == f"added: {path}"
        planted.unlink()


def test_a_check_cannot_weaken_protected_files_meanwhile(bench: Bench) -> None:
    bench.write("tests/a.py", "assert False")
    baseline = bench.checker.baseline(["tests/**"])
    weaken = program("c", "open('tests/a.py', 'w').write('assert True')")
    result = bench.protected(("tests/**",), weaken, baseline=baseline)
    assert (result.status, result.problem) == ("failed", "while the checks ran, changed: tests/a.py")


def test_a_check_cannot_put_protected_files_right_meanwhile(bench: Bench) -> None:
    bench.write("tests/a.py", "assert False")
    baseline = bench.checker.baseline(["tests/**"])
    bench.write("tests/a.py", "assert True")
    mend = program("c", "open('tests/a.py', 'w').write('assert False')")
    result = bench.protected(("tests/**",), mend, baseline=baseline)
    assert (result.status, result.problem) == (
        "failed",
        "changed: tests/a.py; while the checks ran, changed: tests/a.py",
    )


def test_protected_files_without_a_baseline_block(bench: Bench) -> None:
    bench.write("tests/a.py")
    result = bench.protected(("tests/**",), baseline=None)
    assert result.status == "blocked"
    assert "when the phase was entered" in (result.problem or "")


def test_protected_files_that_cannot_be_told_block(bench: Bench) -> None:
    result = bench.protected(("../**",), baseline={})
    assert result.status == "blocked"
    assert "cannot all be told" in (result.problem or "")
    with pytest.raises(OSError, match="no pattern of paths inside the project"):
        bench.checker.baseline(["../**"])


def test_a_file_is_unchanged_since_the_phase_began(bench: Bench) -> None:
    check = file("./docs/[a].md", unchanged_since_phase_start=True)
    bench.write("docs/[a].md", "as it was")
    baseline = bench.checker.baseline(["docs/*"])
    assert bench.result(check, baseline=baseline).status == "passed"
    bench.write("docs/[a].md", "otherwise")
    result = bench.result(check, baseline=baseline)
    assert (result.status, result.problem) == ("failed", "./docs/[a].md: it has changed since the phase was entered")
    (bench.project / "docs/[a].md").unlink()
    assert "it has been removed" in (bench.result(check, baseline=baseline).problem or "")


def test_a_file_of_which_nothing_was_recorded_is_not_unchanged(bench: Bench) -> None:
    bench.write("a.md")
    (bench.project / "link.md").symlink_to("a.md")
    baseline = bench.checker.baseline(["link.md"])
    new = bench.result(file("a.md", unchanged_since_phase_start=True), baseline=baseline)
    assert (new.status, new.problem) == ("failed", "a.md: it was no file of the project when the phase was entered")
    link = bench.result(file("link.md", unchanged_since_phase_start=True), baseline=baseline)
    assert link.status == "failed"
    assert "it was a link" in (link.problem or "")
    assert bench.result(file("a.md", unchanged_since_phase_start=True)).status == "blocked"


def test_what_a_verdict_rests_on_is_digested_once_for_each_inputs(bench: Bench) -> None:
    bench.write("src/a.py")
    bench.write("src/b.py")
    narrow = ("{target_file}",)
    checks = (
        program("a", "open('report.json', 'w').write('1')", outputs=("report.json",), inputs=narrow),
        program("b", "print(1)", inputs=narrow),
        program("c", "print(1)"),
    )
    plan = CheckPlan(checks=checks, values={"target_file": "./src/a.py"}, whole=True)
    checker = bench.checker
    found = checker.run(plan, checker.cancellation(), bench.heard.append).contents
    assert [one.inputs for one in found] == [("./src/a.py",), ()]
    assert found[0].files == 1
    assert not any(one.partial for one in found)
    assert checker.contents(plan) == found
    bench.write("report.json", "2")
    assert checker.contents(plan) == found
    bench.write("src/b.py", "changed")
    assert [one == two for one, two in zip(checker.contents(plan), found, strict=True)] == [True, False]
    bench.write("src/a.py", "changed")
    assert checker.contents(plan)[0] != found[0]


def test_the_whole_project_is_digested_where_it_is_asked_for(bench: Bench) -> None:
    assert bench.run().contents == ()
    (content,) = bench.run(whole=True).contents
    assert content.inputs == ()
    narrow = CheckPlan(checks=(program("a", "print(1)", inputs=("src/**",)),), whole=True)
    assert [one.inputs for one in bench.checker.contents(narrow)] == [("src/**",), ()]
