"""``init`` on real files of every host: in a project, in a home folder, with everything else in them."""

from __future__ import annotations

import json
import os
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from mcp_server.cli.hosts import jsonc
from tests.cli.hosts.shapes import LEFT_ALONE, WITH_SERVERS, WITHOUT_SERVERS
from tests.cli.support import Cli, run_process

pytestmark = pytest.mark.integration

SERVERS = {
    "claude-code": "mcpServers",
    "claude-desktop": "mcpServers",
    "cursor": "mcpServers",
    "vscode": "servers",
    "codex": "mcp_servers",
}
IN_PROJECT = {
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "codex": ".codex/config.toml",
}
AT_HOME = {
    "claude-code": ".claude.json",
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
    "codex": ".codex/config.toml",
}
PROGRAM = str(Path(sys.executable).absolute().parent / "pos-workflow")


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.bak-*"))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def entry(path: Path, host: str) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".toml":
        return tomllib.loads(text)[SERVERS[host]]["pos-workflow"]
    node = jsonc.parse(text)
    assert node is not None
    return node.value[SERVERS[host]]["pos-workflow"]


@pytest.fixture
def at_home(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The program where the user's home is a folder of the test."""
    monkeypatch.setenv("HOME", str(cli.home.user))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return cli


@pytest.mark.parametrize("host", IN_PROJECT)
def test_a_projects_file_is_made_with_the_installed_program_and_the_project(cli: Cli, host: str) -> None:
    ran = cli("init", host)
    assert ran.code == 0, ran.err
    written = entry(cli.home.project / IN_PROJECT[host], host)
    project = "${workspaceFolder}" if host == "vscode" else str(cli.home.project)
    more: dict[str, Any] = {"vscode": {"type": "stdio"}, "codex": {"startup_timeout_sec": 30}}.get(host, {})
    assert written == {"command": PROGRAM, "args": ["--project", project], **more}
    assert backups(cli.home.project / IN_PROJECT[host]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="where hosts keep their files differs by platform")
@pytest.mark.parametrize("host", AT_HOME)
def test_a_users_file_is_extended_with_the_project_and_given_back(at_home: Cli, host: str) -> None:
    home = at_home.home
    path = home.user / AT_HOME[host]
    for text in WITH_SERVERS[host]:
        put(path, text.encode())
        ran = at_home("init", host, "--scope", "user")
        assert ran.code == 0, ran.err
        assert f"this server now works on {home.project}" in ran.out
        assert entry(path, host)["args"] == ["--project", str(home.project)]
        assert at_home("init", host, "--scope", "user", "--remove").code == 0
        assert path.read_bytes() == text.encode()
    assert [one for one in tree(home.project) if not one.startswith(".praxis-os")] == []


@pytest.mark.parametrize("host", IN_PROJECT)
def test_a_file_that_was_made_for_the_server_goes_with_it(cli: Cli, host: str) -> None:
    before = sorted(cli.home.project.iterdir())
    cli("init", host)
    path = cli.home.project / IN_PROJECT[host]
    made = path.read_bytes()
    dry = cli("init", host, "--remove", "--dry-run")
    assert "pos-workflow" in dry.out
    assert path.read_bytes() == made
    ran = cli("init", host, "--remove")
    assert (ran.code, "is gone" in ran.out) == (0, True)
    assert sorted(cli.home.project.iterdir()) == before


@pytest.mark.skipif(sys.platform != "linux", reason="where hosts keep their files differs by platform")
@pytest.mark.parametrize("host", AT_HOME)
def test_at_home_too_and_the_home_itself_stays(at_home: Cli, host: str) -> None:
    home = at_home.home.user
    before = sorted(home.iterdir())
    at_home("init", host, "--scope", "user")
    assert (home / AT_HOME[host]).is_file()
    assert at_home("init", host, "--scope", "user", "--remove").code == 0
    assert not (home / AT_HOME[host]).parent.exists() or (home / AT_HOME[host]).parent == home
    assert [path for path in sorted(home.iterdir()) if path.name != ".config"] == before


@pytest.mark.parametrize("host", IN_PROJECT)
def test_a_file_that_holds_more_by_now_stays_and_so_does_what_lies_beside_it(cli: Cli, host: str) -> None:
    path = cli.home.project / IN_PROJECT[host]
    cli("init", host)
    path.write_text(path.read_text() + "\n")
    cli("init", host, "--remove")
    assert path.exists()
    path.unlink()
    for backup in backups(path):
        backup.unlink()
    cli("init", host)
    beside = put(path.parent / "settings", b"mine")
    cli("init", host, "--remove")
    assert not path.exists()
    assert beside.read_bytes() == b"mine"


def test_a_file_that_was_made_elsewhere_and_is_linked_stays(cli: Cli, tmp_path: Path) -> None:
    cli("init", "claude-code")
    link = cli.home.project / ".mcp.json"
    target = link.rename(tmp_path / "mcp.json")
    link.symlink_to(target)
    assert cli("init", "claude-code", "--remove").code == 0
    assert link.is_symlink()
    assert json.loads(target.read_text()) == {"mcpServers": {}}


@pytest.mark.acceptance
@pytest.mark.parametrize("host", IN_PROJECT)
async def test_what_is_written_starts_the_server(cli: Cli, host: str) -> None:
    cli("init", host)
    written = entry(cli.home.project / IN_PROJECT[host], host)
    arguments = [one.replace("${workspaceFolder}", str(cli.home.project)) for one in written["args"]]
    async with Client(StdioServerParameters(command=written["command"], args=arguments, cwd="/")) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["pos_workflow"]


@pytest.mark.parametrize("bom", [b"", "\ufeff".encode()], ids=["plain", "bom"])
@pytest.mark.parametrize("host", IN_PROJECT)
def test_a_file_in_the_hosts_shape_is_extended_and_given_back(cli: Cli, host: str, bom: bytes) -> None:
    path = cli.home.project / IN_PROJECT[host]
    for text in (*WITH_SERVERS[host], *WITHOUT_SERVERS[host]):
        for old in (bom + text.encode(), bom + text.replace("\n", "\r\n").encode()):
            put(path, old)
            assert cli("init", host).code == 0
            (backup,) = backups(path)
            assert backup.read_bytes() == old
            new = path.read_bytes()
            assert new != old
            assert new.startswith(bom)
            assert "nothing to do" in cli("init", host).out
            assert path.read_bytes() == new
            assert cli("init", host, "--remove").code == 0
            assert path.read_bytes() == old
            assert "nothing to do" in cli("init", host, "--remove").out
            for one in backups(path):
                one.unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="where hosts keep their files differs by platform")
@pytest.mark.parametrize("text", ["", *WITHOUT_SERVERS["claude-desktop"]])
def test_claude_desktop_needs_no_scope(at_home: Cli, text: str) -> None:
    path = put(at_home.home.user / AT_HOME["claude-desktop"], text.encode())
    assert at_home("init", "claude-desktop").code == 0
    assert entry(path, "claude-desktop")["command"] == PROGRAM
    assert at_home("init", "claude-desktop", "--remove").code == 0
    assert path.read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("host", "data"),
    [
        *((host, text.encode()) for host in IN_PROJECT for text in LEFT_ALONE[host]),
        *(("claude-code", text.encode()) for text in LEFT_ALONE["claude-desktop"]),
        ("cursor", b'{"a": "\xff"}'),
        ("codex", b"a = '\xff'"),
    ],
)
def test_a_broken_or_unknown_file_is_left_alone_and_explained(cli: Cli, host: str, data: bytes) -> None:
    path = put(cli.home.project / IN_PROJECT[host], data)
    before = tree(cli.home.project)
    ran = cli("init", host)
    assert ran.code == 1
    assert ran.out == ""
    assert "left alone" in ran.err
    assert "Traceback" not in ran.err
    assert tree(cli.home.project) == before
    assert path.read_bytes() == data


@pytest.mark.parametrize("host", IN_PROJECT)
def test_what_to_add_by_hand_is_printed_and_what_to_take_out_is_named(cli: Cli, host: str) -> None:
    path = put(cli.home.project / IN_PROJECT[host], b"{")
    remedy, _, entry_as_text = cli("init", host).err.partition("add this by hand:\n")
    assert "Mend that and repeat the command" in remedy
    path.write_text(entry_as_text)
    assert "nothing to do" in cli("init", host).out
    path.write_text("{")
    refused = cli("init", host, "--remove").err
    assert "take 'pos-workflow' out by hand" in refused
    assert PROGRAM not in refused


def test_an_entry_in_a_container_is_kept_explained_and_taken_out_when_asked(cli: Cli) -> None:
    old = b'{"mcpServers": {"pos-workflow": {"command": "docker", "args": ["run", "--rm", "pos-workflow"]}}}'
    path = put(cli.home.project / ".mcp.json", old)
    ran = cli("init", "claude-code")
    assert (ran.code, ran.out) == (1, "")
    assert "'pos-workflow' in it is started by 'docker'" in ran.err
    assert "take that entry out first, with --remove" in ran.err
    assert "add this by hand" not in ran.err
    assert path.read_bytes() == old
    assert cli("init", "claude-code", "--remove").code == 0
    assert json.loads(path.read_text()) == {"mcpServers": {}}
    assert [one.read_bytes() for one in backups(path)] == [old]


def test_a_dry_run_shows_the_difference_and_writes_nothing(cli: Cli) -> None:
    path = put(cli.home.project / ".vscode/mcp.json", WITH_SERVERS["vscode"][0].encode())
    before = tree(cli.home.project)
    shown = cli("init", "vscode", "--dry-run")
    assert shown.code == 0
    assert '+    "pos-workflow": {' in shown.out
    assert "nothing was written" in shown.out
    assert not [line for line in shown.out.splitlines() if line.startswith("-") and not line.startswith("---")]
    cli("init", "cursor", "--dry-run")
    assert tree(cli.home.project) == before
    cli("init", "vscode")
    assert '-    "pos-workflow": {' in cli("init", "vscode", "--remove", "--dry-run").out
    assert "pos-workflow" in path.read_text()


def test_without_a_name_it_goes_to_every_host_that_the_project_uses(cli: Cli) -> None:
    (cli.home.project / ".cursor").mkdir()
    (cli.home.project / ".codex").mkdir()
    done = cli("init", "--json").json
    assert [(one["host"], one["scope"], one["outcome"]) for one in done] == [
        ("cursor", "project", "written"),
        ("codex", "project", "written"),
    ]
    assert not (cli.home.project / ".mcp.json").exists()
    assert [one["outcome"] for one in cli("init", "--remove", "--json").json] == ["removed", "removed"]


def test_a_broken_file_does_not_hold_up_the_others(cli: Cli) -> None:
    put(cli.home.project / ".cursor/mcp.json", b"{")
    (cli.home.project / ".codex").mkdir()
    ran = cli("init")
    assert ran.code == 1
    assert "Cursor" in ran.err
    assert entry(cli.home.project / ".codex/config.toml", "codex")["command"] == PROGRAM


def test_without_a_name_at_home_it_goes_to_the_hosts_that_the_user_has(at_home: Cli) -> None:
    home = at_home.home
    (home.user / ".codex").mkdir()
    put(home.user / ".claude.json", b"{}")
    ran = at_home("init", "--scope", "user", "--json")
    assert [one["host"] for one in ran.json] == ["claude-code", "codex"]


def test_where_no_host_is_used_the_names_are_listed_and_those_that_the_user_has(at_home: Cli) -> None:
    ran = at_home("init")
    assert ran.code == 1
    for host in SERVERS:
        assert host in ran.err
    assert "home" not in ran.err
    (at_home.home.user / ".codex").mkdir()
    put(at_home.home.user / ".claude.json", b"{}")
    assert "In your home folder there are traces of claude-code, codex." in at_home("init").err


@pytest.mark.parametrize("arguments", [["claude-desktop", "--scope", "project"], ["emacs"], ["cursor", "--scope", "x"]])
def test_what_makes_no_sense_is_said(cli: Cli, arguments: list[str]) -> None:
    before = tree(cli.home.project)
    assert cli("init", *arguments).code == 2
    assert tree(cli.home.project) == before


def test_an_entry_that_differs_is_shown_replaced_and_backed_up(cli: Cli) -> None:
    old = b'{"mcpServers": {"pos-workflow": {"command": "/old/pos-workflow", "env": {"A": "b"}}}}'
    path = put(cli.home.project / ".mcp.json", old)
    ran = cli("init", "claude-code")
    assert ran.code == 0
    assert "/old/pos-workflow" in ran.out
    args = ["--project", str(cli.home.project)]
    assert entry(path, "claude-code") == {"command": PROGRAM, "env": {"A": "b"}, "args": args}
    assert [one.read_bytes() for one in backups(path)] == [old]


def test_what_was_changed_after_it_was_added_stays_when_it_is_removed(cli: Cli) -> None:
    path = put(cli.home.project / ".mcp.json", b'{\n  "mcpServers": {}\n}\n')
    cli("init", "claude-code")
    changed = path.read_text().replace('"mcpServers": {', '"mcpServers": {\n    "later": {"command": "x"},')
    path.write_text(changed)
    cli("init", "claude-code", "--remove")
    assert json.loads(path.read_text()) == {"mcpServers": {"later": {"command": "x"}}}


def test_a_link_stays_a_link_and_the_mode_stays(cli: Cli, tmp_path: Path) -> None:
    target = put(tmp_path / "dotfiles" / "mcp.json", b'{"mcpServers": {}}')
    target.chmod(0o600)
    link = cli.home.project / ".mcp.json"
    link.symlink_to(target)
    assert cli("init", "claude-code").code == 0
    assert link.is_symlink()
    assert entry(target, "claude-code")["command"] == PROGRAM
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [stat.S_IMODE(one.stat().st_mode) for one in backups(link)] == [0o600]
    assert sorted(path.name for path in target.parent.iterdir()) == ["mcp.json"]


def test_a_new_file_has_the_mode_that_the_user_wants(cli: Cli) -> None:
    mask = os.umask(0o027)
    try:
        cli("init", "cursor")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((cli.home.project / ".cursor/mcp.json").stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "broken link"])
def test_what_is_no_file_is_left_alone(cli: Cli, kind: str) -> None:
    path = cli.home.project / ".mcp.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path if kind == "loop" else path.with_name("nowhere.json"))
    ran = cli("init", "claude-code")
    assert ran.code == 1
    assert "left alone" in ran.err
    assert not path.with_name("nowhere.json").exists()


def test_a_folder_that_cannot_be_made_is_explained(cli: Cli) -> None:
    put(cli.home.project / ".cursor", b"a file")
    ran = cli("init", "cursor")
    assert ran.code == 1
    assert "left alone" in ran.err


def test_what_was_added_and_taken_out_again_leaves_one_backup_however_often(cli: Cli) -> None:
    old = WITH_SERVERS["claude-code"][0].encode()
    path = put(cli.home.project / ".mcp.json", old)
    for _ in range(3):
        assert ".mcp.json.bak-" in cli("init", "claude-code").out
        assert ".bak-" not in cli("init", "claude-code", "--remove").out
        assert path.read_bytes() == old
    assert [one.read_bytes() for one in backups(path)] == [old]


def test_what_somebody_added_to_the_entry_is_kept_when_it_is_removed(cli: Cli) -> None:
    path = put(cli.home.project / ".mcp.json", WITH_SERVERS["claude-code"][0].encode())
    cli("init", "claude-code")
    changed = path.read_text().replace('"command": "' + PROGRAM, '"env": {"A": "b"},\n"command": "' + PROGRAM)
    path.write_text(changed)
    cli("init", "claude-code", "--remove")
    assert changed.encode() in [one.read_bytes() for one in backups(path)]


def test_different_changes_in_one_second_have_backups_of_their_own(cli: Cli) -> None:
    path = cli.home.project / ".mcp.json"
    texts = [json.dumps({"number": number}).encode() for number in range(3)]
    for text in texts:
        put(path, text)
        cli("init", "claude-code")
    assert sorted(one.read_bytes() for one in backups(path)) == texts


def test_without_a_project_nothing_is_written(tmp_path: Path) -> None:
    ran = run_process(None, "init", "cursor", cwd=tmp_path, HOME=str(tmp_path))
    assert ran.code == 1
    assert "--project" in ran.err
    assert tree(tmp_path) == {}
