"""The program as a whole: help, mistakes in typing, interruptions, and where settings come from."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest

import mcp_server
from mcp_server.cli import call as call_command
from tests.cli.support import PATIENCE, Cli, command, run_on_terminal, run_process
from tests.support import Ask, Home, arrange, bare_environment

COMMANDS = (
    "serve", "workflows", "sessions", "session", "events", "errors", "validate", "verify", "seal", "reopen",
    "undelete", "trust", "untrust", "operator", "doctor", "import", "migrate",
    "call",
)  # fmt: skip


@pytest.mark.integration
def test_on_a_terminal_the_program_alone_shows_its_help(home: Home) -> None:
    ran = run_on_terminal(home)
    assert ran.code == 0
    assert "Usage" in ran.out
    for name in COMMANDS:
        assert name in ran.out


@pytest.mark.integration
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(cli: Cli, name: str) -> None:
    ran = cli(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: pos-workflow {name}")
    assert "--project" in ran.out


@pytest.mark.integration
def test_the_version_is_one_line_on_standard_output(cli: Cli) -> None:
    assert cli("--version").out == f"{mcp_server.__version__}\n"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["sesions"], '"sesions"'),
        (["sessions", "--nope"], "--nope"),
        (["sessions", "--status", "asleep"], '"asleep"'),
        (["session"], "SESSION_ID"),
        (["sessions", "more"], "more"),
        (["reopen", "some_session"], "--reason"),
        (["sessions", "--lock-timeout", "soon"], "--lock-timeout"),
        (["seal", "some_session"], "seal --accept ID"),
        (["seal", "--accept"], "seal --accept ID"),
        (["seal", "--accept", "some_session", "--all"], "seal --accept ID"),
        (["doctor", "--report", "x.md"], "--selftest"),
        (["doctor", "--selftest", "--json"], "--json"),
        (["call", "{"], "JSON"),
    ],
    ids=str,
)
def test_a_wrong_command_line_is_told_in_one_line_and_ends_with_two(cli: Cli, arguments: list[str], named: str) -> None:
    ran = cli(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert named in ran.err
    assert len(ran.err.splitlines()) == 2
    assert "Traceback" not in ran.err


@pytest.mark.integration
def test_settings_go_before_a_command_and_after_it(home: Home, ask: Ask) -> None:
    session = arrange(ask, "open")
    flags = ["--project", str(home.project), "--user-dir", str(home.user)]
    before = run_process(None, *flags, "sessions", "--json")
    after = run_process(None, "sessions", *flags, "--json")
    assert before.json == after.json
    assert before.json["sessions"][0]["session_id"] == session


@pytest.mark.integration
def test_no_project_is_told_with_what_to_do(home: Home) -> None:
    for arguments in (["sessions"], ["verify"]):
        ran = run_process(None, *arguments, "--user-dir", str(home.user), cwd="/")
        assert ran.code == 1
        assert "No project root is known" in ran.err
        assert "--project" in ran.err


@pytest.mark.integration
def test_a_setting_that_cannot_be_is_told_before_any_command_runs(home: Home) -> None:
    ran = run_process(home, "sessions", POS_WORKFLOW_LOCK_TIMEOUT="-1")
    assert ran.code == 1
    assert "lock_timeout (from environment)" in ran.err


@pytest.mark.integration
def test_a_command_logs_warnings_only_unless_it_is_asked_for_more(cli: Cli) -> None:
    call = """{"action": "list_workflows"}"""
    assert cli("call", call).err == ""
    assert "action=list_workflows" in cli("call", call, "--log-level", "info").err


@pytest.mark.integration
def test_a_traceback_is_shown_to_those_alone_who_ask_for_it(cli: Cli) -> None:
    assert "Traceback" not in cli("session", "no_such_session").err
    shown = cli("session", "no_such_session", "--log-level", "debug")
    assert shown.code == 1
    assert "Traceback" in shown.err


@pytest.mark.integration
def test_a_defect_is_a_sentence_and_not_a_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(call_command, "print_json", broken)
    ran = cli("call", "{}")
    assert ran.code == 1
    assert "error: ZeroDivisionError" in ran.err
    assert "--log-level debug" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.acceptance
def test_ctrl_c_ends_a_command_with_130_and_no_traceback(home: Home) -> None:
    process = subprocess.Popen(
        command(home, "call", "-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=bare_environment(),
        cwd="/",
    )
    with process:
        _wait_until_reading(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


def _wait_until_reading(process: subprocess.Popen[bytes]) -> None:
    """Until it has read half of an argument and waits for the rest, which is after all its imports."""
    assert process.stdin is not None
    process.stdin.write(b"{")
    process.stdin.flush()
    unread = array.array("i", [1])
    deadline = time.monotonic() + PATIENCE
    while unread[0]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        fcntl.ioctl(process.stdin.fileno(), termios.FIONREAD, unread)


@pytest.mark.acceptance
def test_a_reader_that_goes_early_costs_no_traceback(home: Home, ask: Ask) -> None:
    session = arrange(ask, "failed")
    ours, theirs = os.pipe()
    os.close(ours)
    for arguments in (["events", session], ["sessions"], ["sessions", "--json"]):
        done = subprocess.run(
            command(home, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
            env=bare_environment(),
            cwd="/",
        )
        assert done.returncode == 141
        assert done.stderr == b""
    os.close(theirs)


@pytest.mark.acceptance
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("arguments", [["sessions"], ["sessions", "--json"]], ids=str)
def test_an_answer_that_cannot_be_written_is_an_error(home: Home, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(home, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
            env=bare_environment(),
            cwd="/",
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.acceptance
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("name", ["sessions", "serve"])
def test_a_standard_stream_that_is_closed_does_no_harm(home: Home, ask: Ask, name: str, closed: str) -> None:
    arrange(ask, "open")
    before = home.tree()
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command(home, name)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        env=bare_environment(),
        cwd="/",
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stdout + done.stderr
    assert home.tree() == before


@pytest.mark.integration
def test_nothing_that_is_piped_is_coloured_wrapped_or_cut(home: Home, ask: Ask) -> None:
    session = arrange(ask, "refused", target="a/" + "very/long/" * 30 + "path.py")
    ran = run_process(home, "sessions", COLUMNS="40", TERM="xterm-256color")
    line = next(line for line in ran.out.splitlines() if line.startswith(session))
    assert "path.py" in line
    assert "\x1b" not in ran.out


@pytest.mark.integration
def test_text_from_others_cannot_steer_the_terminal(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    ask(action="pause", session_id=session, checkpoint_note="harmless\x1b[2J\x9b2J\u202e note")
    for arguments in (["session", session], ["events", session]):
        shown = cli(*arguments).out
        assert not {"\x1b", "\x9b", "\u202e"} & set(shown)
        assert r"harmless\x1b[2J\x9b2J\u202e note" in shown
