"""A program that a gate wants run comes to its end, whatever it tries, and nothing of it lives on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from mcp_server.checks.supervisor import Cancellation, Command, Result, run

pytestmark = pytest.mark.integration

PROC = Path("/proc/self/environ").exists()
SETSID = pytest.mark.skipif(shutil.which("setsid") is None, reason="needs the program setsid")
looks_at_processes = pytest.mark.skipif(not PROC, reason="finds processes by their environment, through /proc")

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        open("daemon", "x").close()
        time.sleep(600)
    os._exit(0)
while not os.path.exists("daemon"):
    time.sleep(0.005)
"""


def living(mark: str) -> list[int]:
    """The processes with this word in their environment."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.005)


@dataclass
class Bench:
    """A folder, and programs that run in it under a mark."""

    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def command(self, *argv: str, seconds: float = 30, grace: float = 0.2, linger: float = 0.2) -> Command:
        return Command(
            argv=argv,
            cwd=self.folder,
            environment={"PATH": "/usr/bin:/bin", "MARK": self.mark},
            timeout_seconds=seconds,
            grace_seconds=grace,
            linger_seconds=linger,
        )

    def sh(self, script: str, *, seconds: float = 30, grace: float = 0.2) -> Result:
        return run(self.command("/bin/sh", "-c", script, seconds=seconds, grace=grace))

    def python(self, code: str, *, seconds: float = 30, grace: float = 0.2) -> Result:
        return run(self.command(sys.executable, "-I", "-S", "-c", code, seconds=seconds, grace=grace))

    def survivors(self) -> list[int]:
        return living(self.mark) if PROC else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_program_ends_with_its_code_and_both_outputs_apart(bench: Bench) -> None:
    result = bench.sh("echo out; echo err >&2; exit 3")
    assert (result.outcome, result.exit_code, result.signal, result.reason) == ("exited", 3, None, None)
    assert (result.stdout.text, result.stderr.text) == ("out\n", "err\n")
    assert result.stdout.sha256 == hashlib.sha256(b"out\n").hexdigest()
    assert (result.stderr.size, result.stderr.lines, result.stderr.truncated) == (4, 1, False)
    assert result.duration_seconds > 0
    assert result.left_running is False


def test_it_runs_in_its_folder_with_the_environment_given_and_no_other(bench: Bench) -> None:
    code = "import os, json; print(json.dumps([os.getcwd(), dict(os.environ)]))"
    folder, environment = json.loads(bench.python(code).stdout.text)
    assert folder == str(bench.folder.resolve())
    assert environment.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"
    assert environment == {"PATH": "/usr/bin:/bin", "MARK": bench.mark}


def test_no_shell_reads_its_arguments(bench: Bench) -> None:
    assert run(bench.command("/bin/echo", "$HOME;*", "a b")).stdout.text == "$HOME;* a b\n"


def test_bytes_that_are_no_text_reach_it_as_they_are(bench: Bench) -> None:
    assert run(bench.command("/bin/echo", os.fsdecode(b"\xff\xe9"))).stdout.tail == b"\xff\xe9\n"


def test_standard_input_is_empty(bench: Bench) -> None:
    assert bench.sh("cat; echo end").stdout.text == "end\n"


@looks_at_processes
def test_it_inherits_no_file_and_no_ignored_signal(bench: Bench) -> None:
    code = "import os; print(sorted(os.listdir('/proc/self/fd'))); print(open('/proc/self/status').read())"
    files, *status = run(bench.command(sys.executable, "-I", "-S", "-c", code)).stdout.text.splitlines()
    assert files == "['0', '1', '2', '3']"  # the third is the listing's own
    mask = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn"))
    # The valid ones: what the C library keeps for itself no program can set.
    ignored = {one for one in signal.valid_signals() if mask >> one - 1 & 1}
    assert ignored <= {signal.SIGPIPE, signal.SIGXFSZ}  # Python ignores these two for itself


def test_a_writer_whose_reader_is_gone_ends_quietly(bench: Bench) -> None:
    result = bench.sh("yes | head -n 1")
    assert (result.exit_code, result.stdout.text, result.stderr.text) == (0, "y\n", "")


def test_death_by_a_signal_is_no_exit(bench: Bench) -> None:
    result = bench.sh("kill -SEGV $$")
    assert (result.outcome, result.exit_code, result.signal) == ("signalled", None, "SIGSEGV")


@pytest.mark.parametrize(
    "script",
    [
        "sleep 600",
        "trap '' TERM INT HUP; while :; do sleep 0.05; done",
        "kill -STOP $$",
        "sleep 600 & sleep 600 & wait",
        pytest.param("setsid sleep 600", marks=SETSID),
        pytest.param("setsid sh -c 'trap \"\" TERM; sleep 600 & sleep 600' & sleep 600", marks=SETSID),
        "exec >&- 2>&-; sleep 600",
    ],
)
def test_over_time_the_program_and_all_that_it_started_are_ended(bench: Bench, script: str) -> None:
    result = bench.sh(script, seconds=0.2)
    assert (result.outcome, result.exit_code, result.signal) == ("timed_out", None, None)
    assert result.left_running is False
    assert bench.survivors() == []


def test_over_time_it_is_first_asked_and_its_last_words_are_kept(bench: Bench) -> None:
    script = "trap 'echo last; exit 0' TERM; echo first; while :; do sleep 0.02; done"
    result = bench.sh(script, seconds=0.3, grace=20)
    assert (result.outcome, result.stdout.text) == ("timed_out", "first\nlast\n")


def test_a_program_that_changes_its_group_is_ended_too(bench: Bench) -> None:
    code = "import os, time\nif os.fork() == 0: os.setpgid(0, 0)\ntime.sleep(600)"
    assert bench.python(code, seconds=0.3).outcome == "timed_out"
    assert bench.survivors() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to whoever adopts them")
def test_a_daemon_that_it_leaves_is_ended(bench: Bench) -> None:
    result = bench.python(DAEMON)
    assert (result.outcome, result.exit_code, result.left_running) == ("exited", 0, False)
    assert bench.survivors() == []


FLEEING = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end = time.time() + 20
for _ in range(3):
    if os.fork() == 0:
        while time.time() < end:
            os.setsid()
            time.sleep(0.02)
            if os.fork():
                os._exit(0)
        os._exit(0)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to whoever adopts them")
def test_children_that_flee_from_session_to_session_are_caught(bench: Bench) -> None:
    result = bench.python(FLEEING, seconds=0.4, grace=0.1)
    assert (result.outcome, result.left_running) == ("timed_out", False)
    assert bench.survivors() == []


def test_a_child_that_holds_the_output_open_is_waited_for_only_so_long(bench: Bench) -> None:
    result = bench.sh("sleep 600 & echo done")
    assert (result.outcome, result.exit_code, result.stdout.text) == ("exited", 0, "done\n")
    assert bench.survivors() == []


def test_a_child_that_outlives_the_program_for_a_moment_is_heard(bench: Bench) -> None:
    command = bench.command("/bin/sh", "-c", "(sleep 0.1; echo late) & echo soon", linger=20)
    assert run(command).stdout.text == "soon\nlate\n"


def test_output_closed_early_is_no_end(bench: Bench) -> None:
    result = bench.sh("exec >&- 2>&-; sleep 0.2; exit 5")
    assert (result.outcome, result.exit_code) == ("exited", 5)


def test_a_flood_is_measured_whole_and_kept_from_its_end(bench: Bench) -> None:
    flood = b"".join(b"%07d\n" % number for number in range(300_000))
    result = bench.python("import sys\nfor number in range(300_000): sys.stdout.write('%07d\\n' % number)")
    assert result.stdout.sha256 == hashlib.sha256(flood).hexdigest()
    assert (result.stdout.size, result.stdout.lines) == (len(flood), 300_000)
    assert result.stdout.tail == flood[-65536:]
    assert result.stdout.truncated is True


def test_a_flood_without_end_is_cut_off_by_the_time(bench: Bench) -> None:
    result = run(bench.command("/usr/bin/yes", seconds=0.3))
    assert result.outcome == "timed_out"
    assert len(result.stdout.tail) == 65536
    assert result.stdout.size > 65536


def test_a_hundred_thousand_lines_of_errors_block_nothing(bench: Bench) -> None:
    result = bench.sh("yes problem | head -n 100000 >&2; echo ok")
    assert (result.exit_code, result.stdout.text, result.stderr.lines) == (0, "ok\n", 100_000)


def test_a_program_may_remove_its_own_folder(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    result = Bench(folder, bench.mark).sh("rm -r ../gone; echo removed")
    assert (result.outcome, result.stdout.text) == ("exited", "removed\n")


def make(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_program_that_is_not_there_is_missing(bench: Bench, tmp_path: Path) -> None:
    lost = make(tmp_path / "lost", "#!/nowhere/python\n")
    for program in ("/nowhere/program", str(tmp_path / "none"), lost, f"{lost}/below"):
        result = run(bench.command(program))
        assert (result.outcome, result.exit_code) == ("missing_program", None), program
        assert str(tmp_path) not in (result.reason or "")


def test_what_is_no_program_is_not_started(bench: Bench, tmp_path: Path) -> None:
    for program, reason in {
        str(tmp_path): "no file that may be executed",
        make(tmp_path / "plain", "#!/bin/sh\n", 0o644): "no file that may be executed",
        make(tmp_path / "text", "hello\n"): "neither a program nor a script",
        "/bin/a\0b": "null character",
    }.items():
        result = run(bench.command(program))
        assert result.outcome == "not_started"
        assert reason in (result.reason or "")


def test_arguments_beyond_the_systems_measure_are_not_started(bench: Bench) -> None:
    result = run(bench.command("/bin/echo", *["x" * 100_000] * 100))
    assert (result.outcome, result.reason) == ("not_started", "Its arguments are too long for the system.")


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_working_directory_that_is_none_is_not_started(bench: Bench, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    result = Bench(tmp_path / name, bench.mark).sh("true")
    assert result.outcome == "not_started"
    assert "working directory" in (result.reason or "")


def test_text_that_no_file_name_can_hold_is_not_started(bench: Bench) -> None:
    assert run(bench.command("/bin/echo", "\ud800")).outcome == "not_started"


@looks_at_processes
def test_a_program_that_ends_its_supervisor_passes_for_nothing_and_dies(bench: Bench) -> None:
    result = bench.sh("sleep 600 & kill -9 $PPID; sleep 600")
    assert (result.outcome, result.exit_code) == ("lost", None)
    deadline = time.monotonic() + 30
    while bench.survivors() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.survivors() == []


def test_one_cancellation_ends_all_that_run_under_it(bench: Bench) -> None:
    cancellation = Cancellation()
    commands = [bench.command("/bin/sh", "-c", f"echo begun; touch {name}; sleep 600") for name in "abc"]
    with ThreadPoolExecutor() as threads:
        running = [threads.submit(run, command, cancellation) for command in commands]
        for name in "abc":
            wait_for(bench.folder / name)
        cancellation.cancel()
        cancellation.cancel()
        results = [one.result(30) for one in running]
    assert [(result.outcome, result.exit_code, result.stdout.text) for result in results] == [
        ("cancelled", None, "begun\n")
    ] * 3
    assert bench.survivors() == []


def test_what_is_cancelled_beforehand_never_runs(bench: Bench) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    assert run(bench.command("/usr/bin/touch", "made"), cancellation).outcome == "cancelled"
    assert not (bench.folder / "made").exists()


def test_a_cancellation_at_any_moment_leaves_nothing(bench: Bench) -> None:
    for step in range(12):
        cancellation = Cancellation()
        timer = threading.Timer(step * 0.005, cancellation.cancel)
        timer.start()
        assert run(bench.command("/bin/sleep", "600"), cancellation).outcome == "cancelled"
        timer.join()
    assert bench.survivors() == []


def test_a_program_that_halts_its_supervisor_can_be_cancelled(bench: Bench) -> None:
    cancellation = Cancellation()
    command = bench.command("/bin/sh", "-c", "kill -STOP $PPID; touch begun; sleep 600")
    with ThreadPoolExecutor() as threads:
        running = threads.submit(run, command, cancellation)
        wait_for(bench.folder / "begun")
        cancellation.cancel()
        assert running.result(30).outcome == "cancelled"
    assert bench.survivors() == []


def test_many_runs_side_by_side_keep_apart_and_leave_no_file_open(bench: Bench) -> None:
    def open_files() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    before = open_files()
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(bench.sh, (f"echo {number}; exit {number}" for number in range(24))))
    assert [(result.exit_code, result.stdout.text) for result in results] == [(n, f"{n}\n") for n in range(24)]
    assert open_files() == before


async def test_a_run_in_a_thread_and_processes_of_the_event_loop_do_not_disturb_each_other(bench: Bench) -> None:
    results: list[Result] = []

    async def one() -> None:
        results.append(await anyio.to_thread.run_sync(bench.sh, "sleep 0.05; exit 7"))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)
        for _ in range(4):
            assert (await anyio.run_process(["/bin/sh", "-c", "exit 6"], check=False)).returncode == 6
    assert [result.exit_code for result in results] == [7] * 4


HOST = """
import sys
from pathlib import Path
from mcp_server.checks.supervisor import Command, run
mark, folder, script = sys.argv[1:]
environment = {"PATH": "/usr/bin:/bin", "MARK": mark}
run(Command(("/bin/sh", "-c", script), Path(folder), environment, timeout_seconds=600, grace_seconds=0.1))
"""


@looks_at_processes
@pytest.mark.parametrize(
    "script",
    [
        "touch begun; sleep 600",
        "trap '' TERM HUP; sleep 600 & setsid sleep 600 & touch begun; while :; do sleep 0.05; done",
        "touch begun; yes",
    ],
)
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_server_dies_its_programs_die(bench: Bench, script: str, death: signal.Signals) -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST, bench.mark, str(bench.folder), script])
    try:
        wait_for(bench.folder / "begun")
        assert bench.survivors() != []
        host.send_signal(death)
    finally:
        host.kill()
        host.wait()
    deadline = time.monotonic() + 30
    while bench.survivors() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.survivors() == []
