"""The MCP Inspector's command line: a process for each call, so that a workflow lives in nothing but the store."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from mcp_server.actions.schema import tool_definition
from tests.clients.driving import drive
from tests.clients.relays import HERE, INSPECTOR
from tests.node import node
from tests.support import Body, Home, bare_environment, of_result, server_command

pytestmark = pytest.mark.acceptance

PATIENCE = 60.0
"""Seconds until a test gives up on one run of it."""
TOOL_IS_ERROR = 5
"""Its exit code for a reply that is an error."""


@dataclass(frozen=True)
class Inspector:
    """Its command line, in one era of the protocol."""

    home: Home
    era: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = str(HERE / "node_modules" / ".bin" / "mcp-inspector")
        flags = ["--cli", "--protocol-era", self.era, "--format", "json", *arguments, "--"]
        return subprocess.run(
            [node(HERE), program, *flags, *server_command(self.home)],
            env=bare_environment(HOME=str(self.home.project.parent)),
            cwd="/",
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )

    def result(self, *arguments: str) -> Body:
        done = self.run(*arguments)
        assert done.stdout, done.stderr[-2000:]
        result: Body = json.loads(done.stdout)["result"]
        assert done.returncode == (TOOL_IS_ERROR if result.get("isError") else 0), done.stderr[-2000:]
        return result

    def call(self, **arguments: Any) -> Body:
        return of_result(self.result(*self.calling(**arguments)), self.home)

    def calling(self, **arguments: Any) -> list[str]:
        return ["--method", "tools/call", "--tool-name", "pos_workflow", "--tool-args-json", json.dumps(arguments)]


@pytest.fixture(params=INSPECTOR)
def inspector(request: pytest.FixtureRequest, home: Home) -> Inspector:
    return Inspector(home, request.param)


@pytest.mark.requirement("both-eras")
@pytest.mark.requirement("next-actions-lead-to-the-end")
def test_a_workflow_is_driven_to_its_end_by_one_process_after_another(inspector: Inspector) -> None:
    negotiated = inspector.result("--method", "initialize")["protocolVersion"]
    assert negotiated == INSPECTOR[inspector.era]
    state = drive(inspector.call)
    assert (state["session_status"], state["completed_phases"]) == ("completed", [1, 2])


@pytest.mark.requirement("one-tool")
@pytest.mark.requirement("flat-schema")
def test_the_definition_is_listed_as_it_is_and_portable_in_every_part(inspector: Inspector) -> None:
    done = inspector.run("--method", "tools/list", "--strict")
    (tool,) = json.loads(done.stdout)["result"]["tools"]
    assert {name: tool[name] for name in tool_definition()} == tool_definition()
    # What it finds it says there, beside the server's log.
    assert [line for line in done.stderr.splitlines() if not line.startswith("timestamp=")] == []
    assert done.returncode == 0


@pytest.mark.requirement("calls-run-concurrently")
def test_calls_of_its_load_test_are_answered_ten_at_a_time(inspector: Inspector) -> None:
    start = inspector.calling(action="start", workflow_type="steps", target_file="a.py")
    result = inspector.result("--load", "--load-requests", "30", "--load-concurrency", "10", *start)
    assert (result["ok"], result["errors"], result["toolErrors"]) == (30, 0, 0), result
    assert inspector.home.asking()(action="list_sessions")["total"] == 30


@pytest.mark.requirement("prompts")
@pytest.mark.requirement("resources")
def test_what_a_person_is_shown_is_listed_and_read(inspector: Inspector) -> None:
    (offered,) = [
        one for one in inspector.result("--method", "prompts/list")["prompts"] if one["name"] == "start_steps"
    ]
    assert offered["arguments"][0]["required"] is True
    begun = inspector.result(
        "--method", "prompts/get", "--prompt-name", "start_steps", "--prompt-args", "target_file=a.py"
    )
    (call,) = [line for line in begun["messages"][0]["content"]["text"].splitlines() if line.startswith("{")]
    session = inspector.call(**json.loads(call))["session_id"]
    uris = [one["uri"] for one in inspector.result("--method", "resources/list")["resources"]]
    report = f"pos-workflow://sessions/{session}/report"
    assert report in uris
    (content,) = inspector.result("--method", "resources/read", "--uri", report)["contents"]
    assert content["text"].startswith("# Session report")
    templates = inspector.result("--method", "resources/templates/list")["resourceTemplates"]
    assert [one["name"] for one in templates] == ["workflow", "session", "session_report"]
