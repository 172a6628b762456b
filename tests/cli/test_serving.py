"""Starting a server: by a host, by a person, and what it says of itself when it does."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import PATIENCE, command, run_on_terminal, run_process
from tests.support import Home, bare_environment
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

HANDSHAKE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


@pytest.mark.parametrize(
    "flags", [[], ["serve"], ["--lock-timeout", "0.5"], ["serve", "--lock-timeout", "0.5"]], ids=str
)
def test_a_server_is_what_a_host_gets_with_the_word_or_without(home: Home, flags: list[str]) -> None:
    ran = run_process(home, *flags, given=json.dumps(HANDSHAKE) + "\n")
    assert ran.code == 0
    assert ran.json["result"]["serverInfo"]["name"] == "pos-workflow"


@pytest.mark.requirement("format:root-is-told")
def test_it_logs_its_project_how_it_was_found_and_where_the_sessions_are(home: Home) -> None:
    (home.project / "src").mkdir()
    ran = run_process(None, "--user-dir", str(home.user), "--log-json", cwd=home.project / "src")
    assert ran.code == 0
    assert ran.out == ""
    announced, ended = map(json.loads, ran.err.splitlines())
    assert announced["project"] == str(home.project)
    assert announced["project_found_by"] == "found by .praxis-os"
    assert announced["state_dir"] == str(home.state)
    assert ended["event"] == "stopped"


def test_without_a_project_it_serves_and_says_what_is_missing(tmp_path: Path) -> None:
    user = tmp_path / "user"
    with Wire(None, command=[*command(None), "--user-dir", str(user)], cwd="/") as wire:
        assert wire.call(action="list_workflows")["count"] >= 3
        refused = wire.call(action="list_sessions")
        assert refused["error_type"] == "ConfigurationError"
        assert "--project" in refused["remediation"]
        wire.close_input()
        assert wire.wait() == 0
    assert b"no project root is known" in wire.log


@pytest.mark.parametrize(
    "flags",
    [
        ["--project", "/nowhere/at/all"],
        ["--project", "/nowhere/at/all", "--lock-timeout", "0.5"],
        ["--lock-timeout", "0"],
        ["--lock-timeout", "0.0"],
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_logged_and_ends_it_with_one(flags: list[str]) -> None:
    ran = run_process(None, *flags)
    assert ran.code == 1
    assert ran.out == ""
    assert "cannot start" in ran.err
    assert "remediation=" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("stop", ["end of input", signal.SIGTERM, signal.SIGINT], ids=str)
def test_every_way_to_stop_it_ends_it_with_zero(home: Home, stop: str | signal.Signals) -> None:
    with Wire(home) as wire:
        wire.call(action="list_workflows")
        if isinstance(stop, signal.Signals):
            wire.process.send_signal(stop)
        else:
            wire.close_input()
        assert wire.wait() == 0
    assert b"Traceback" not in wire.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_a_signal_while_it_starts_ends_it_with_zero(home: Home, number: signal.Signals) -> None:
    # It announces itself before most of its imports: a signal then meets it in the middle of starting.
    process = subprocess.Popen(
        command(home), stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=bare_environment(), cwd="/"
    )
    with process:
        assert process.stderr is not None
        assert b"serving" in process.stderr.readline()
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("closed", [False, True], ids=["not read", "closed"])
def test_a_host_that_does_not_care_for_the_log_gets_its_answers(home: Home, *, closed: bool) -> None:
    process = subprocess.Popen(
        command(home, "--log-level", "debug"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=bare_environment(),
        cwd="/",
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps(HANDSHAKE).encode() + b"\n")
        process.stdin.flush()
        assert b"result" in process.stdout.readline()
        if closed:
            process.stderr.close()
        params = {"name": "pos_workflow", "arguments": {"action": "list_sessions"}}
        # More log lines than any pipe holds.
        for number in range(2, 1000):
            request = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            assert b'"isError":true' not in process.stdout.readline()
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def imported(home: Home, *arguments: str) -> set[bytes]:
    """The modules that the program imports with these arguments."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command(home)[1:], *arguments],
        input=b"",
        capture_output=True,
        timeout=PATIENCE,
        check=True,
        env=bare_environment(),
        cwd="/",
    )
    return {line.rpartition(b"|")[2].strip() for line in done.stderr.splitlines()}


def test_what_only_the_command_line_needs_is_not_imported_on_the_way_to_a_server(home: Home) -> None:
    modules = imported(home)
    assert b"mcp_server.cli.serving" in modules
    assert not {b"cyclopts", b"mcp_server.cli.application", b"mcp_server.cli.output"} & modules


def test_a_command_imports_neither_the_sdk_nor_what_others_need(home: Home) -> None:
    modules = imported(home, "sessions")
    assert b"mcp_server.engine" in modules
    assert not {b"mcp", b"mcp_server.server", b"mcp_server.report", b"mcp_server.cli.doctor"} & modules


def test_serve_serves_on_a_terminal_too(home: Home) -> None:
    ran = run_on_terminal(home, "serve", typed="\x04", asked=re.compile(b"event=serving"))
    assert ran.code == 0
    assert "event=stopped" in ran.out
