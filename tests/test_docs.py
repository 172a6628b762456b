"""What the documentation says is so: its commands run, its calls are answered, its links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from mcp import Client, StdioServerParameters

from mcp_server.actions import ACTIONS
from mcp_server.actions.reference import FACTS
from mcp_server.cli.application import app
from mcp_server.definitions.gate_files import read_gate
from mcp_server.definitions.plans.dynamic import read_plan
from mcp_server.domain.definition import PlanSource
from mcp_server.domain.expression_calls import FUNCTIONS, METHODS
from mcp_server.domain.validators import BUILT_IN
from mcp_server.settings import Settings
from mcp_server.storage.head import Head
from tests.docs import renew, running
from tests.docs.pages import ROOT, Block, anchors, blocks, is_generated, links, pages, read
from tests.support import Home, arrange, bare_environment, define_small_workflows

PAGES = pages()
WRITTEN = [page for page in PAGES if not is_generated(page)]
BLOCKS = [block for page in WRITTEN for block in blocks(page)]

EXECUTED = {"console", "python", "json", "yaml", "toml"}
LOOKED_AT = {"text", "mermaid"}
"""Languages that nothing can execute: pictures and parts of other files."""

GENERATED = [
    "README.md",
    "docs/explanation/threat-model.md",
    "docs/reference/actions.md",
    "docs/reference/clients.md",
    "docs/reference/errors.md",
    "docs/reference/states.md",
]
"""The pages that ``renew`` writes; of the README only the part of the demo, of those that have a table only that."""

NOT_RUN = {
    "README.md": ["./scripts/demo", "./scripts/test", "export PATH", "claude mcp add"],
    "CONTRIBUTING.md": ["./scripts/test", "./scripts/demo", "./scripts/bench"],
    "docs/tutorial.md": ["git clone"],
    "docs/explanation/performance.md": ["./scripts/bench"],
    "docs/explanation/storage.md": ["python -m benchmarks.listing"],
    "docs/how-to/recover-a-session.md": ["pos-workflow reopen"],
    "docs/how-to/release.md": ["./scripts/package"],
    "docs/how-to/run-in-a-container.md": ["docker build", "docker run"],
}
"""Every block that says of itself that it is not run, by its first command: a new one has to be added here."""


@cache
def generated() -> dict[str, str]:
    return renew.generated()


@pytest.mark.acceptance
@pytest.mark.parametrize("page", [page for page in WRITTEN if blocks(page)])
def test_what_a_page_shows_happens(page: str, tmp_path: Path) -> None:
    problems = running.run(page, tmp_path)
    assert not problems, "\n\n".join(problems)


@pytest.mark.unit
@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_is_executed_or_says_why_not(block: Block) -> None:
    if block.directive == "file":
        return
    assert block.language in EXECUTED | LOOKED_AT
    if block.directive == "not run":
        assert block.language == "console"


@pytest.mark.unit
def test_the_blocks_that_are_not_run_are_known() -> None:
    found: dict[str, list[str]] = {}
    for block in BLOCKS:
        if block.directive == "not run":
            found.setdefault(block.page, []).append(block.text.removeprefix("$ ").splitlines()[0])
    assert found.keys() == NOT_RUN.keys()
    for page, commands in found.items():
        assert len(commands) == len(NOT_RUN[page])
        for command, known in zip(commands, NOT_RUN[page], strict=True):
            assert command.startswith(known)


@pytest.mark.unit
@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "json"], ids=str)
def test_json_parses(block: Block) -> None:
    json.loads(block.text)


YAML = [block for block in BLOCKS if block.language == "yaml"]
PLANS = [block for block in BLOCKS if block.argument.endswith(("/tasks.md", "/workflow-definition.yaml"))]


@pytest.mark.unit
@pytest.mark.parametrize("block", PLANS, ids=str)
def test_a_plan_is_read_without_a_doubt(block: Block) -> None:
    parser = "workflow_definition_parser" if block in YAML else "spec_tasks_parser"
    plan, problems = read_plan(PlanSource(option="spec_path", parser=parser), block.argument, block.text.encode())
    assert problems == ()
    assert plan is not None
    assert plan.phases


@pytest.mark.unit
@pytest.mark.parametrize("block", [block for block in YAML if block not in PLANS], ids=str)
def test_a_gate_goes_through_the_loader(block: Block) -> None:
    gate, report = read_gate(block.text, str(block))
    assert report.problems == []
    assert gate.fields


CONFIGURATIONS = [block for block in BLOCKS if "/path/to/project" in block.text and block.language in {"json", "toml"}]
HOOKS = [block for block in CONFIGURATIONS if '"hooks"' in block.text]
HOSTS = [block for block in CONFIGURATIONS if block not in HOOKS]


def installed(block: Block, project: Path) -> str:
    """A configuration with the paths that a reader has to fill in."""
    return block.text.replace("/path/to/pos-workflow/.venv/bin", str(running.BIN)).replace(
        "/path/to/project", str(project)
    )


@pytest.mark.acceptance
@pytest.mark.parametrize("block", HOOKS, ids=str)
def test_a_hosts_hooks_print_the_open_session(block: Block, tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    session = arrange(home.asking(), "open")
    for event, entries in json.loads(installed(block, home.project))["hooks"].items():
        (entry,) = entries[0].get("hooks", entries)
        done = subprocess.run(
            ["sh", "-c", entry["command"]],
            input=json.dumps({"hook_event_name": event}),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=bare_environment(POS_WORKFLOW_USER_DIR=str(home.user)),
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert session in done.stdout
        assert ("get_state" in done.stdout) == (event.lower() == "sessionstart" or "claude-code" in entry["command"])


@pytest.mark.acceptance
@pytest.mark.parametrize("block", HOSTS, ids=str)
async def test_a_hosts_configuration_starts_the_server(block: Block, tmp_path: Path) -> None:
    text = installed(block, tmp_path)
    configured: dict[str, Any] = json.loads(text) if block.language == "json" else tomllib.loads(text)
    (servers,) = configured.values()
    assert list(servers) == ["pos-workflow"]
    entry = servers["pos-workflow"]
    assert entry.pop("type", "stdio") == "stdio"
    assert entry.keys() - {"startup_timeout_sec"} == {"command", "args"}
    await _lists_the_tool(entry["command"], entry["args"], tmp_path)


@pytest.mark.acceptance
async def test_this_checkouts_own_configuration_starts_the_server(tmp_path: Path) -> None:
    entry = json.loads(read(".mcp.json"))["mcpServers"]["pos-workflow"]
    assert entry["command"] == ".venv/bin/pos-workflow"
    assert entry["args"][-2:] == ["--state-dir", "state"]
    await _lists_the_tool(str(running.BIN / "pos-workflow"), entry["args"], tmp_path)


async def _lists_the_tool(command: str, args: list[str], folder: Path) -> None:
    env = {"POS_WORKFLOW_USER_DIR": str(folder / "user")}
    async with Client(StdioServerParameters(command=command, args=args, env=env, cwd=folder)) as client:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == ["pos_workflow"]


@pytest.mark.acceptance
@pytest.mark.parametrize("page", GENERATED)
def test_a_generated_page_is_what_the_code_gives(page: str) -> None:
    assert read(page) == generated()[page], "python -m tests.docs.renew writes it anew"


@pytest.mark.unit
@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link in links(page):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.relative_to(ROOT).as_posix()), link


@pytest.mark.unit
@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_every_page_is_reached_from_the_readme(page: str) -> None:
    assert page in links("README.md")


@pytest.mark.unit
@pytest.mark.parametrize("page", WRITTEN)
def test_commands_flags_and_tests_that_are_named_exist(page: str) -> None:
    text = read(page)
    commands = {name for name in app if not name.startswith("-")}
    code = "\n".join(re.findall(r"`[^`]+`|^\$ .*", text, re.MULTILINE))
    assert set(re.findall(r"pos-workflow ([a-z]+)\b", code)) <= commands
    for variable in re.findall(r"POS_WORKFLOW_([A-Z_]+)", text):
        assert variable.lower() in Settings.model_fields
    for path, name in re.findall(r"(tests/[\w/]+\.py)::(\w+)", text):
        functions = {node.name for node in ast.walk(ast.parse(read(path))) if isinstance(node, ast.FunctionDef)}
        assert name in functions


@pytest.mark.unit
def test_the_readme_lists_what_there_is() -> None:
    text = read("README.md")
    assert [action.name for action in ACTIONS if f"`{action.name}`" not in text] == []
    for folder in sorted((ROOT / "workflows").iterdir()):
        if folder.is_dir():
            metadata = json.loads((folder / "metadata.json").read_text())
            count = sum(phase["phase_number"] != "1-N" for phase in metadata["phases"])
            phases = f"{count} and the plan's" if metadata.get("dynamic_phases") else count
            assert f"| [`{folder.name}`](workflows/{folder.name}/README.md) | {phases} |" in text


@pytest.mark.unit
@pytest.mark.parametrize(("error_type", "fact"), [(kind, fact) for kind, facts in FACTS.items() for fact in facts])
def test_the_page_of_errors_has_every_fact_under_its_error(error_type: str, fact: str) -> None:
    section = read("docs/reference/errors.md").partition(f"\n## {error_type}\n")[2].partition("\n## ")[0]
    assert f"\n| `{fact}` | {FACTS[error_type][fact]} |\n" in section


@pytest.mark.unit
@pytest.mark.parametrize("name", sorted(BUILT_IN | FUNCTIONS | METHODS))
def test_the_definition_format_names_every_validator_function_and_method(name: str) -> None:
    assert f"`{name}`" in read("docs/reference/definition-format.md")


@pytest.mark.unit
def test_the_shown_head_is_one() -> None:
    shown = json.loads(blocks("docs/reference/state-file.md")[0].text)
    assert set(shown) == set(Head.model_fields)
    schema = json.loads(read("state/schema/session-v1.json"))
    jsonschema.validate(shown, schema)


@pytest.mark.unit
@pytest.mark.parametrize("page", PAGES)
def test_pages_are_plain(page: str) -> None:
    text = read(page)
    assert text.startswith(("# ", "<!-- Generated: "))
    assert not re.search("[\U0001f000-\U0001faff\u2600-\u27bf]", text)
    assert not re.search(r"/(home|root|work|Users)/", text)
