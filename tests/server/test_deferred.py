"""The handshake is answered before what is served is loaded, and nobody notices but the clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.from_thread
import pytest
from mcp import Client, types

from mcp_server.engine import Engine
from mcp_server.server import build_server
from mcp_server.server.deferred import METHODS, Deferred
from tests.support import Body, Home, bare_environment, server_command
from tests.wire import PATIENCE, PROTOCOL

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.make(tmp_path)


class Assembling:
    """Makes the engine of a project, and counts how often it was asked to."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.times = 0
        self.begun = anyio.Event()

    def __call__(self) -> Engine:
        self.times += 1
        anyio.from_thread.run_sync(self.begun.set)
        return self._home.engine()


@pytest.mark.integration
def test_the_handshake_promises_what_the_loaded_server_has(home: Home) -> None:
    behind, front = build_server(home.engine()), Deferred(home.engine).server
    assert front.get_capabilities() == behind.get_capabilities()
    assert front.instructions == behind.instructions
    assert front.server_info == behind.server_info
    for method, params in METHODS.items():
        entry = behind.get_request_handler(method)
        assert entry is not None
        assert entry.params_type is params


@pytest.mark.integration
@ERAS
async def test_first_calls_that_come_at_once_load_it_once(home: Home, mode: str) -> None:
    assembling = Assembling(home)
    counts: list[int] = []

    async def look(client: Client) -> None:
        result = await client.call_tool("pos_workflow", {"action": "list_sessions"})
        assert result.structured_content is not None
        counts.append(result.structured_content["count"])

    async with Client(Deferred(assembling).server, mode=mode) as client, anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(look, client)
    assert counts == [0] * 10
    assert assembling.times == 1


@pytest.mark.integration
async def test_it_loads_once_the_client_has_been_greeted_and_does_not_wait_for_a_call(home: Home) -> None:
    assembling = Assembling(home)
    async with Client(Deferred(assembling).server, mode="legacy"):
        with anyio.fail_after(PATIENCE):
            await assembling.begun.wait()


@pytest.mark.integration
async def test_what_cannot_be_loaded_fails_the_call_and_not_the_server(home: Home) -> None:
    broken = [True]

    def assemble() -> Engine:
        if broken:
            broken.clear()
            raise RuntimeError("no such thing")
        return home.engine()

    async with Client(Deferred(assemble).server, mode="auto", raise_exceptions=False) as client:
        with pytest.raises(Exception, match="nternal"):
            await client.list_tools()
        assert [tool.name for tool in (await client.list_tools()).tools] == ["pos_workflow"]


@pytest.mark.acceptance
def test_a_client_is_greeted_without_what_only_calls_need(home: Home) -> None:
    assert not {"mcp_server.dispatch", "mcp_server.engine", "yaml", "markdown_it"} & imported(home)
    assert {"mcp_server.dispatch", "mcp_server.engine"} <= imported(home, {"id": 2, "method": "tools/list"})


def imported(home: Home, *more: Body) -> set[str]:
    """The modules that a server has imported which was greeted, told more, and left."""
    params = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    sent = [{"id": 1, "method": "initialize", "params": params}, *more]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *server_command(home)[1:]],
        input="".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in sent).encode(),
        capture_output=True,
        timeout=PATIENCE,
        check=True,
        env=bare_environment(),
        cwd="/",
    )
    assert (
        types.InitializeResult.model_validate(json.loads(done.stdout.splitlines()[0])["result"]).server_info.name
        == "pos-workflow"
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
