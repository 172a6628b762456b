"""The resources and completions that hosts show to people, in both eras of the protocol."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, types
from mcp.shared.exceptions import MCPError

from mcp_server import report
from mcp_server.actions.paging import MAX_REPLY_BYTES
from mcp_server.app import build_engine
from mcp_server.server import build_server
from mcp_server.server.resources import SESSIONS_LISTED
from mcp_server.settings import load
from tests.logged import logged
from tests.support import PASSING, Body, Home, arrange, define_small_workflows, engine_with, field

pytestmark = pytest.mark.integration

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])
WORKFLOWS = "pos-workflow://workflows/"
SESSIONS = "pos-workflow://sessions/"
TEMPLATES = [f"{WORKFLOWS}{{type}}", f"{SESSIONS}{{id}}", f"{SESSIONS}{{id}}/report"]
NOT_FOUND = {"legacy": -32002, "auto": -32602}
"""The code of a resource that is not there, as each era has it."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    return home


def connect(home: Home, mode: str = "auto") -> Client:
    return Client(build_server(home.engine()), mode=mode)


async def listed(client: Client) -> dict[str, types.Resource]:
    page = await client.list_resources()
    found = list(page.resources)
    while page.next_cursor is not None:
        assert len(page.model_dump_json().encode()) < MAX_REPLY_BYTES
        page = await client.list_resources(cursor=page.next_cursor)
        found += page.resources
    assert len({one.uri for one in found}) == len(found)
    return {one.uri: one for one in found}


async def read(client: Client, uri: str) -> types.TextResourceContents:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, types.TextResourceContents)
    assert content.uri == uri
    assert len(json.dumps(content.text, ensure_ascii=False).encode()) <= MAX_REPLY_BYTES
    return content


@pytest.mark.requirement("resources")
@ERAS
async def test_workflows_and_open_sessions_are_listed_and_each_can_be_read(home: Home, mode: str) -> None:
    ask = home.asking()
    first, second = arrange(ask, "open", "a.py"), arrange(ask, "paused", "b.py")
    completed = arrange(ask, "completed", "c.py")
    async with connect(home, mode) as client:
        resources = await listed(client)
        texts = {uri: await read(client, uri) for uri in resources}
    workflows = [entry.workflow.workflow_type for entry in home.engine().list_workflows().entries]
    sessions = [f"{SESSIONS}{one}{part}" for one in (second, first) for part in ("", "/report")]
    assert list(resources) == [*(f"{WORKFLOWS}{name}" for name in workflows), *sessions]
    assert {uri: one.mime_type for uri, one in resources.items()} == {u: one.mime_type for u, one in texts.items()}
    assert completed not in str(resources)
    assert resources[f"{SESSIONS}{first}"].title == "steps on a.py (active, phase 2)"
    changed = resources[f"{SESSIONS}{first}/report"].annotations
    assert changed is not None
    assert datetime.fromisoformat(changed.last_modified or "").tzinfo is not None


@ERAS
async def test_the_templates_say_how_every_address_is_made(home: Home, mode: str) -> None:
    session = arrange(home.asking(), "completed")
    async with connect(home, mode) as client:
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == TEMPLATES
        for one in templates:
            uri = one.uri_template.replace("{type}", "steps").replace("{id}", session)
            assert (await read(client, uri)).mime_type == one.mime_type


@ERAS
async def test_a_session_is_what_get_session_gives(home: Home, mode: str) -> None:
    session = arrange(home.asking(), "refused")
    async with connect(home, mode) as client:
        content = await read(client, f"{SESSIONS}{session}")
        called = await client.call_tool("pos_workflow", {"action": "get_session", "session_id": session})
    assert content.mime_type == "application/json"
    assert json.loads(content.text) == called.structured_content


async def test_a_report_is_the_page_that_the_command_prints(home: Home) -> None:
    session = arrange(home.asking(), "open")
    engine = engine_with(home, stopped_clock)
    async with Client(build_server(engine)) as client:
        text = (await read(client, f"{SESSIONS}{session}/report")).text
    assert text == report.page(engine, session, "md")
    assert "# Session report" in text


@pytest.mark.requirement("the-opening-value-is-never-told")
async def test_a_workflow_is_told_with_all_that_its_gates_ask_for_and_without_what_opens_them(home: Home) -> None:
    gate = {
        "max_attempts": 2,
        "evidence_schema": {
            "sesame": field("string", validator="equals", validator_params={"value": "abracadabra"}),
            "count": field("integer", validator="equals", validator_params={"value": 4711}),
            "note": {"type": "string", "required": False, "description": "what | else\n# there is"},
            "percent": {"type": "number", "from_check": "unit"},
        },
        "checks": [{"id": "unit", "description": "The tests pass", "run": ["make", "t"], "pass": {"exit_code": 97}}],
        "protected_paths": ["tests/**"],
        "approval": {"required": True, "prompt": "Is it good?"},
    }
    options = {"how": {"choice": ["pytest", "unittest"], "default": "pytest"}}
    tasks = {"task-1-look.md": "# Look\n\nThe text of the task.\n"}
    skipped = {"number": 3, "skippable": True, "skip_condition": "options.get('how') == 'unittest'"}
    home.define("rich", [{"number": 1, "gate": gate, "tasks": tasks}, {"number": 2}, skipped], options=options)
    async with connect(home) as client:
        content = await read(client, f"{WORKFLOWS}rich")
    assert content.mime_type == "text/markdown"
    for shown in (
        "# The rich workflow\n",
        "`rich` 1.0.0 (project), 3 phases.",
        "What rich is for.",
        "- `how`: one of pytest, unittest; default pytest",
        "## Phase 1: Phase 1\n\n- Task 1: Look",
        "- evidence `sesame`, string\n",
        "- evidence `count`, integer\n",
        "- evidence `note`, string, optional: what \\| else \\# there is\n",
        "- `unit`, checked by the server: The tests pass\n",
        "- these files as they were: `tests/**`",
        "- a person's approval: Is it good?",
        "## Phase 2: Phase 2\n\nThe gate asks for:",
        "Skipped where `options.get('how') == 'unittest'`.",
    ):
        assert shown in content.text
    for hidden in ("abracadabra", "4711", "97", "make", "percent", "The text of the task", "Do it"):
        assert hidden not in content.text


async def test_a_plan_and_a_gate_that_stays_blocked_are_told(home: Home) -> None:
    gate = {"evidence_schema": {"done": field()}, "quorum": 2}
    home.define("later", [{"number": 1, "gate": gate}])
    async with connect(home) as client:
        plan = (await read(client, f"{WORKFLOWS}spec_execution_v1")).text
        assert "2 phases and the plan's" in plan
        assert "- `spec_path`: the path of the plan" in plan
        assert "so it stays blocked: quorum" in (await read(client, f"{WORKFLOWS}later")).text


async def test_an_alias_finds_its_workflow(home: Home) -> None:
    async with connect(home) as client:
        assert "`steps` 1.0.0" in (await read(client, f"{WORKFLOWS}stairs")).text


@pytest.mark.requirement("resources")
@pytest.mark.requirement("nothing-leaks")
@ERAS
@pytest.mark.parametrize(
    "uri",
    [
        f"{WORKFLOWS}nobody",
        f"{SESSIONS}nobody",
        f"{SESSIONS}nobody/report",
        f"{SESSIONS}../workflows/steps",
        f"{WORKFLOWS}..",
        f"{WORKFLOWS}../steps",
        f"{WORKFLOWS}..%2f..%2fetc%2fpasswd",
        f"{WORKFLOWS}steps/../steps",
        f"{WORKFLOWS}steps/metadata.json",
        f"{WORKFLOWS}steps?x=1",
        f"{WORKFLOWS}steps#top",
        f"{WORKFLOWS}steps\n",
        f"{WORKFLOWS}/etc/passwd",
        f"{WORKFLOWS}",
        f"{SESSIONS}SESSION/report/..",
        f"{SESSIONS}SESSION/../SESSION",
        f"{SESSIONS}SESSION.json",
        f"{SESSIONS}SESSION\x00",
        "pos-workflow://",
        "POS-WORKFLOW://workflows/steps",
        "file:///etc/passwd",
        "../../etc/passwd",
        "",
        f"{WORKFLOWS}{'x' * 1_000_000}",
    ],
)
async def test_what_is_no_resource_is_not_found_and_nothing_is_touched(home: Home, mode: str, uri: str) -> None:
    session = arrange(home.asking(), "open")
    before = home.tree()
    async with connect(home, mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri.replace("SESSION", session))
        assert caught.value.code == NOT_FOUND[mode]
        assert caught.value.data["error_type"] == "NotFoundError"
        assert caught.value.data["uri"].startswith(uri.replace("SESSION", session)[:100])
        told = f"{caught.value.message}{caught.value.data}"
        assert len(told) < 10_000
        assert str(home.project) not in told
        assert str(home.user) not in told
        assert (await read(client, f"{WORKFLOWS}steps")).text
    assert home.tree() == before


async def test_a_near_name_is_told(home: Home) -> None:
    async with connect(home) as client:
        with pytest.raises(MCPError, match="there is no workflow 'stepz'") as caught:
            await client.read_resource(f"{WORKFLOWS}stepz")
    assert caught.value.data["did_you_mean"] == ["steps"]


@ERAS
@pytest.mark.parametrize("part", ["", "/report"])
async def test_of_a_session_that_cannot_be_trusted_nothing_but_that_is_told(home: Home, mode: str, part: str) -> None:
    session = arrange(home.asking(), "open")
    head = home.state / "workflows" / f"{session}.json"
    head.write_text(head.read_text().replace('"current_phase": 2', '"current_phase": 3'))
    before = home.tree()
    async with connect(home, mode) as client:
        with pytest.raises(MCPError, match="torn") as caught:
            await client.read_resource(f"{SESSIONS}{session}{part}")
        assert caught.value.code == types.INTERNAL_ERROR
        assert caught.value.data["error_type"] == "CorruptStateError"
        assert session not in str(await listed(client))
    assert home.tree() == before


async def test_without_a_project_there_are_workflows_and_a_session_says_what_to_set(tmp_path: Path) -> None:
    engine = build_engine(load({"user_dir": tmp_path}, cwd=Path("/")))
    async with Client(build_server(engine)) as client:
        assert all(uri.startswith(WORKFLOWS) for uri in await listed(client))
        assert (await read(client, f"{WORKFLOWS}bug_fix_v1")).text
        for part in ("", "/report"):
            with pytest.raises(MCPError, match=r"No project root is known.*--project PATH") as caught:
                await client.read_resource(f"{SESSIONS}anything{part}")
            assert caught.value.data["error_type"] == "ConfigurationError"


async def test_very_many_sessions_are_listed_in_pages_the_ones_that_changed_last(home: Home) -> None:
    ask = home.asking()
    targets = [f"{'deep/' * 100}{number}.py" for number in range(SESSIONS_LISTED + 1)]
    sessions = [ask(action="start", workflow_type="steps", target_file=one)["session_id"] for one in targets]
    async with connect(home) as client:
        first = await client.list_resources()
        assert first.next_cursor is not None
        resources = [uri for uri in await listed(client) if uri.startswith(SESSIONS)]
        assert len(resources) == 2 * SESSIONS_LISTED
        assert resources[::2] == [f"{SESSIONS}{one}" for one in reversed(sessions[1:])]
        with pytest.raises(MCPError, match="next_cursor") as caught:
            await client.list_resources(cursor="made-up")
    assert caught.value.code == types.INVALID_PARAMS


async def test_a_workflow_of_very_many_phases_is_shown_as_far_as_it_fits(home: Home) -> None:
    gate = {"evidence_schema": {f"name_{number}": field(description="x" * 2_000) for number in range(40)}}
    home.define("vast", [{"number": number, "gate": gate} for number in range(1, 13)])
    async with connect(home) as client:
        text = (await read(client, f"{WORKFLOWS}vast")).text
    assert "## Phase 4: " in text
    assert text.rstrip().splitlines()[-1].startswith("and ")


def stopped_clock() -> datetime:
    return datetime(2050, 1, 31, 12, 0, tzinfo=UTC)


def broken_clock() -> datetime:
    raise RuntimeError("the clock at /secret/place has stopped")


@ERAS
async def test_a_defect_of_ours_is_told_by_its_id_and_its_traceback_is_in_the_log(home: Home, mode: str) -> None:
    session = arrange(home.asking(), "open")
    server = build_server(engine_with(home, broken_clock))
    with logged() as log:
        async with Client(server, mode=mode) as client:
            with pytest.raises(MCPError) as caught:
                await client.read_resource(f"{SESSIONS}{session}/report")
    assert caught.value.code == types.INTERNAL_ERROR
    assert caught.value.data["error_type"] == "RuntimeError"
    assert "clock" not in f"{caught.value.message}{caught.value.data}"
    (defect,) = [line for line in log if line["event"] == "defect"]
    assert defect["correlation_id"] == caught.value.data["error_id"]
    assert "the clock at /secret/place has stopped" in defect["exception"]


async def completed(client: Client, ref: str, argument: str, typed: str) -> types.Completion:
    about: Any = types.ResourceTemplateReference(uri=ref) if "://" in ref else types.PromptReference(name=ref)
    return (await client.complete(about, {"name": argument, "value": typed})).completion


@ERAS
async def test_names_and_sessions_are_completed_from_any_part_of_them(home: Home, mode: str) -> None:
    ask = home.asking()
    prices, orders = arrange(ask, "open", "prices.py"), arrange(ask, "open", "orders.py")
    arrange(ask, "completed", "done.py")
    async with connect(home, mode) as client:
        for template in TEMPLATES[1:]:
            assert (await completed(client, template, "id", "")).values == [orders, prices]
        assert (await completed(client, TEMPLATES[0], "type", "migration")).values == ["schema_migration_v1"]
        assert (await completed(client, "continue", "session_id", "prices")).values == [prices]
        runners = await completed(client, "start_bug_fix_v1", "test_runner", "t")
        assert (runners.values, runners.total, runners.has_more) == (["pytest", "unittest"], 2, False)
        assert (await completed(client, "start_bug_fix_v1", "target_file", "a")).values == []
        assert (await completed(client, TEMPLATES[0], "colour", "")).values == []


@ERAS
@pytest.mark.parametrize("ref", ["start_nobody", "nothing", f"{WORKFLOWS}steps", "file:///{path}"])
async def test_what_is_neither_a_prompt_nor_a_template_is_not_completed(home: Home, mode: str, ref: str) -> None:
    async with connect(home, mode) as client:
        with pytest.raises(MCPError) as caught:
            await completed(client, ref, "type", "")
    assert caught.value.code == types.INVALID_PARAMS


async def test_at_most_a_hundred_values_are_offered_and_how_many_there_are(home: Home) -> None:
    for number in range(101):
        home.define(f"many_{number}", [{"number": 1}])
    async with connect(home) as client:
        offered = await completed(client, TEMPLATES[0], "type", "many")
    assert (len(offered.values), offered.total, offered.has_more) == (100, 101, True)


async def test_without_a_project_no_session_is_offered(tmp_path: Path) -> None:
    engine = build_engine(load({"user_dir": tmp_path}, cwd=Path("/")))
    async with Client(build_server(engine)) as client:
        assert (await completed(client, "continue", "session_id", "")).values == []


async def test_a_session_moves_on_between_two_reads(home: Home) -> None:
    ask = home.asking()
    session = arrange(ask, "open")
    async with connect(home) as client:
        before: Body = json.loads((await read(client, f"{SESSIONS}{session}")).text)
        ask(action="complete_phase", session_id=session, phase=2, evidence=PASSING)
        after: Body = json.loads((await read(client, f"{SESSIONS}{session}")).text)
    assert (before["session"]["current_phase"], after["session"]["current_phase"]) == (2, 3)
