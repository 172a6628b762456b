"""The prompts that hosts show to people, in both eras of the protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, types
from mcp.shared.exceptions import MCPError

from mcp_server.actions.list_workflows import SHOWN
from mcp_server.app import build_engine
from mcp_server.definitions import pinned
from mcp_server.server import build_server
from mcp_server.server.prompts import OPTIONS_SHOWN, SESSIONS_SHOWN
from mcp_server.settings import load
from tests.docs.pages import read
from tests.support import PASSING, Body, Home, arrange, define_small_workflows

pytestmark = pytest.mark.integration

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])
OPTIONS: Body = {
    "how": {"choice": ["quickly", "slowly"], "default": "slowly"},
    "where": {"path": True, "description": "the folder of the work"},
    "target_file": {"path": True, "required": False},
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    home.define("choosy", [{"number": 1}], options=OPTIONS, aliases=["picky"])
    return home


def connect(home: Home, mode: str = "auto") -> Client:
    return Client(build_server(home.engine()), mode=mode)


async def listed(client: Client) -> dict[str, types.Prompt]:
    """All prompts, page by page; no page is over what hosts read."""
    page = await client.list_prompts()
    found = list(page.prompts)
    while page.next_cursor is not None:
        assert len(page.model_dump_json().encode()) < 80_000
        page = await client.list_prompts(cursor=page.next_cursor)
        found += page.prompts
    assert len({prompt.name for prompt in found}) == len(found)
    return {prompt.name: prompt for prompt in found}


async def text_of(client: Client, name: str, **arguments: str) -> str:
    result = await client.get_prompt(name, arguments)
    (message,) = result.messages
    assert message.role == "user"
    assert message.content.type == "text"
    return message.content.text


def calls_in(text: str) -> list[Body]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


async def called(client: Client, call: Body) -> Body:
    body = (await client.call_tool("pos_workflow", call)).structured_content
    assert body is not None
    return body


@pytest.mark.requirement("prompts")
@ERAS
async def test_every_workflow_that_can_be_started_has_a_prompt_and_one_goes_on(home: Home, mode: str) -> None:
    home.write({".praxis-os/workflows/broken/metadata.json": "{"})
    async with connect(home, mode) as client:
        prompts = await listed(client)
        workflows = (await called(client, {"action": "list_workflows"}))["workflows"]
    names = [one["workflow_type"] for one in workflows]
    assert {"steps", "bug_fix_v1", "test_generation_v3"} < set(names)
    assert list(prompts) == ["continue", *(f"start_{name}" for name in names)]
    bug_fix = prompts["start_bug_fix_v1"]
    assert bug_fix.title == "Start: Bug fix"
    assert "The server runs the tests itself" in (bug_fix.description or "")


async def test_the_target_comes_first_and_is_required_and_then_come_the_options(home: Home) -> None:
    async with connect(home) as client:
        arguments = (await listed(client))["start_choosy"].arguments or []
    assert [(one.name, one.required) for one in arguments] == [
        ("target_file", True),
        ("where", False),
        ("how", False),
    ]
    assert arguments[2].description == "one of quickly, slowly; default slowly"


async def test_the_option_that_names_a_plan_is_an_argument(home: Home) -> None:
    async with connect(home) as client:
        arguments = (await listed(client))["start_spec_execution_v1"].arguments or []
        text = await text_of(client, "start_spec_execution_v1", target_file=".", spec_path="specs/csv")
    assert [one.name for one in arguments] == ["target_file", "spec_path"]
    assert calls_in(text)[0]["options"] == {"spec_path": "specs/csv"}


@pytest.mark.requirement("prompts")
@ERAS
async def test_the_message_has_the_call_that_begins_the_work(home: Home, mode: str) -> None:
    async with connect(home, mode) as client:
        text = await text_of(client, "start_choosy", target_file="./src//a.py", how="quickly", where="work")
        (call,) = calls_in(text)
        started = await called(client, call)
    assert (started["status"], started["target_file"]) == ("success", "src/a.py")
    assert call["options"] == {"how": "quickly", "where": "work"}
    assert "the gates decide" in text
    assert "Add the options" not in text


async def test_what_the_workflow_needs_and_was_not_given_is_asked_of_the_assistant(home: Home) -> None:
    async with connect(home) as client:
        text = await text_of(client, "start_choosy", target_file="a.py", where="", how="")
    assert "- where: the folder of the work (a path relative to the project root; required)" in text
    assert "- how" not in text
    assert calls_in(text) == [{"action": "start", "workflow_type": "choosy", "target_file": "a.py"}]


async def test_an_alias_finds_the_prompt_too(home: Home) -> None:
    async with connect(home) as client:
        assert calls_in(await text_of(client, "start_picky", target_file="a.py", where="x"))[0]["workflow_type"] == (
            "choosy"
        )


@ERAS
@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("start_steps", {}, "target_file: is required"),
        ("start_steps", {"target_file": ""}, "target_file: is required"),
        ("start_steps", {"target_file": "../other"}, "directory traversal"),
        ("start_steps", {"target_file": "a.py", "colour": "red"}, "colour: is no argument of this prompt"),
        ("start_stepz", {"target_file": "a.py"}, "there is no workflow 'stepz'"),
        ("start_../steps", {"target_file": "a.py"}, "there is no workflow '../steps'"),
        ("begin", {}, "There is no prompt 'begin'"),
        ("start_" + "x" * 1_000_000, {}, "There is no prompt"),
        ("continue", {"session_id": "../a"}, "session_id: has to be 1 to 200 of a-z"),
        ("continue", {"session_id": "nobody"}, "There is no session nobody"),
        ("continue", {"target_file": "a.py"}, "target_file: is no argument of this prompt"),
    ],
)
async def test_what_a_prompt_cannot_take_is_named(
    home: Home, mode: str, name: str, arguments: dict[str, str], said: str
) -> None:
    async with connect(home, mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)
        assert (caught.value.code, said in caught.value.message) == (types.INVALID_PARAMS, True), caught.value.message
        assert len(caught.value.message) < 5_000
        assert "start_steps" in await listed(client)


async def test_a_prompt_of_a_definition_that_is_broken_says_what_to_mend(home: Home) -> None:
    home.write({".praxis-os/workflows/broken/metadata.json": "{"})
    async with connect(home) as client:
        with pytest.raises(MCPError, match=r"the workflow 'broken' is invalid.*Mend the definition") as caught:
            await client.get_prompt("start_broken", {"target_file": "a.py"})
    assert (caught.value.code, caught.value.data["error_type"]) == (types.INTERNAL_ERROR, "ConfigurationError")


@ERAS
async def test_without_an_open_session_there_is_nothing_to_go_on_with(home: Home, mode: str) -> None:
    arrange(home.asking(), "completed")
    async with connect(home, mode) as client:
        text = await text_of(client, "continue")
    assert "No workflow session is open" in text
    assert calls_in(text) == [{"action": "list_workflows"}]


@ERAS
async def test_the_one_open_session_is_gone_on_with(home: Home, mode: str) -> None:
    ask = home.asking()
    arrange(ask, "completed", "done.py")
    session = arrange(ask, "paused")
    async with connect(home, mode) as client:
        text = await text_of(client, "continue")
        (call,) = calls_in(text)
        state = await called(client, call)
    assert state["session_id"] == session
    assert state["summary"] in text
    assert "waiting" in text


async def test_of_several_open_sessions_the_one_that_changed_last_comes_first(home: Home) -> None:
    ask = home.asking()
    sessions = [arrange(ask, "open", f"{number}.py") for number in range(SESSIONS_SHOWN + 2)]
    ask(action="complete_phase", session_id=sessions[0], phase=2, evidence=PASSING)
    async with connect(home) as client:
        text = await text_of(client, "continue")
    shown = [line.split(":")[0].removeprefix("- ") for line in text.splitlines() if line.startswith("- steps")]
    assert shown == [sessions[0], *reversed(sessions[-SESSIONS_SHOWN + 1 :])]
    assert "- and 2 more" in text
    assert calls_in(text) == [{"action": "get_state", "session_id": sessions[0]}]


async def test_a_session_that_is_named_is_gone_on_with_whatever_else_is_open(home: Home) -> None:
    ask = home.asking()
    session = arrange(ask, "failed", "first.py")
    arrange(ask, "open", "second.py")
    async with connect(home) as client:
        text = await text_of(client, "continue", session_id=session)
    assert calls_in(text) == [{"action": "get_state", "session_id": session}]
    assert "second.py" not in text


async def test_a_session_that_cannot_be_read_hides_no_other(home: Home) -> None:
    ask = home.asking()
    sound = arrange(ask, "open")
    broken: str = ask(action="start", workflow_type="guarded", target_file="a.py")["session_id"]
    digest = ask(action="get_session", session_id=broken)["session"]["definition"]["digest"]
    (home.state / "blobs" / digest[:2] / digest).unlink()
    # What was read before is remembered in the process; here nothing was.
    pinned._workflows.clear()  # pyright: ignore[reportPrivateUsage]
    async with connect(home) as client:
        text = await text_of(client, "continue")
    assert f"- {broken}: cannot be read now: " in text
    assert f"- {sound}: The steps workflow" in text


async def test_without_a_project_going_on_says_what_to_set_and_starting_is_offered(tmp_path: Path) -> None:
    engine = build_engine(load({"user_dir": tmp_path}, cwd=Path("/")))
    async with Client(build_server(engine)) as client:
        assert "start_bug_fix_v1" in await listed(client)
        with pytest.raises(MCPError, match=r"No project root is known.*--project PATH") as caught:
            await client.get_prompt("continue", {})
    assert caught.value.data["error_type"] == "ConfigurationError"


async def test_very_many_definitions_come_in_pages_and_large_texts_are_cut(home: Home) -> None:
    options = {f"option_{number}": {"path": True, "description": "d" * 2_000} for number in range(OPTIONS_SHOWN + 5)}
    for number in range(120):
        home.define(f"many_{number}", [{"number": 1}], description="w" * 3_000)
    home.define("heavy", [{"number": 1}], options=options)
    async with connect(home) as client:
        prompts = await listed(client)
        assert len([name for name in prompts if name.startswith("start_many_")]) == 120
        assert 0 < len(prompts["start_many_0"].description or "") < SHOWN
        assert len(prompts["start_heavy"].arguments or []) == OPTIONS_SHOWN + 1
        with pytest.raises(MCPError, match="next_cursor") as caught:
            await client.list_prompts(cursor="made-up")
    assert caught.value.code == types.INVALID_PARAMS


async def test_the_reference_lists_the_prompts_of_the_workflows_that_ship(tmp_path: Path) -> None:
    page = read("docs/reference/prompts-and-resources.md")
    async with connect(Home.make(tmp_path)) as client:
        for name, prompt in (await listed(client)).items():
            told = ", ".join(f"`{one.name}`" for one in prompt.arguments or [])
            assert f"\n| `{name}` | {prompt.title} | {told} |\n" in page


@ERAS
async def test_prompts_and_resources_are_announced_and_the_tool_stays_the_one_tool(home: Home, mode: str) -> None:
    async with connect(home, mode) as client:
        capabilities: Any = client.server_capabilities
        assert None not in (capabilities.prompts, capabilities.resources, capabilities.completions, capabilities.tools)
        assert [tool.name for tool in (await client.list_tools()).tools] == ["pos_workflow"]
