"""A check gets a short list of variables, and finds its programs in the project first."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from mcp_server.checks.environment import check_environment, find_command, find_program
from mcp_server.checks.supervisor import Command, run

pytestmark = pytest.mark.integration


def program(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


def test_only_what_is_on_the_list_is_kept(tmp_path: Path) -> None:
    harmless = {"HOME": "/home/me", "LANG": "de_DE.UTF-8", "LC_TIME": "C", "TZ": "UTC", "TMPDIR": "/tmp"}  # noqa: S108
    others = {
        "POS_WORKFLOW_USER_DIR": "/u",
        "GITHUB_TOKEN": "t",
        "LD_PRELOAD": "/x.so",
        "PYTHONPATH": "/p",
        "lc_x": "1",
    }
    assert check_environment(tmp_path, {**harmless, **others, "PATH": "/usr/bin"}) == {
        **harmless,
        "PATH": "/usr/bin",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_the_projects_own_programs_come_first(tmp_path: Path) -> None:
    program(tmp_path / ".venv/bin/pytest")
    environment = check_environment(tmp_path, {"PATH": "/usr/bin:/bin"})
    assert environment["PATH"] == f"{tmp_path}/.venv/bin:/usr/bin:/bin"
    assert environment["VIRTUAL_ENV"] == f"{tmp_path}/.venv"
    assert find_program("pytest", tmp_path, environment) == tmp_path / ".venv/bin/pytest"


def test_a_folder_that_depends_on_where_one_stands_is_not_on_the_path(tmp_path: Path) -> None:
    assert check_environment(tmp_path, {"PATH": ":/usr/bin:.:bin::/bin:"})["PATH"] == "/usr/bin:/bin"


def test_what_uv_put_on_the_path_for_the_server_is_not_there_for_a_check(tmp_path: Path) -> None:
    own = Path(sys.executable).parent
    path = f"{own}:/usr/bin:/bin"
    assert check_environment(tmp_path, {"PATH": path, "UV": "/usr/bin/uv"})["PATH"] == "/usr/bin:/bin"
    assert check_environment(tmp_path, {"PATH": path})["PATH"] == path


def test_without_a_path_the_systems_own_serves(tmp_path: Path) -> None:
    environment = check_environment(tmp_path, {})
    assert environment["PATH"] == os.defpath
    assert find_program("sh", tmp_path, environment).name == "sh"


def test_python_is_the_projects_else_one_on_the_path_else_the_servers(tmp_path: Path) -> None:
    nothing, other = tmp_path / "nothing", tmp_path / "other"
    nothing.mkdir()
    environment = check_environment(tmp_path, {"PATH": str(nothing)})
    assert find_program("python", tmp_path, environment) == Path(sys.executable)
    python3 = program(other / "python3")
    environment = check_environment(tmp_path, {"PATH": str(other)})
    assert find_program("python", tmp_path, environment) == python3
    own = program(tmp_path / ".venv/bin/python")
    environment = check_environment(tmp_path, {"PATH": str(other)})
    assert find_program("python", tmp_path, environment) == own


def test_the_python_of_a_venv_is_not_resolved_to_the_one_that_made_it(tmp_path: Path) -> None:
    link = tmp_path / ".venv/bin/python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    assert find_program("python", tmp_path, check_environment(tmp_path, {})) == link


def test_a_path_is_one_of_the_project(tmp_path: Path) -> None:
    script = program(tmp_path / "scripts/check", says="here")
    environment = check_environment(tmp_path, {})
    for name in ("scripts/check", "./scripts/check"):
        found = find_program(name, tmp_path, environment)
        assert found == script
        assert run(Command((str(found),), tmp_path, environment, timeout_seconds=30)).stdout.text == "here\n"


@pytest.mark.parametrize("name", ["/bin/sh", "../sh", "a/../../sh", "", ".", "./", "..", "nowhere-at-all"])
def test_nothing_else_is_a_program(tmp_path: Path, name: str) -> None:
    with pytest.raises(LookupError):
        find_program(name, tmp_path, check_environment(tmp_path, {"PATH": "/usr/bin:/bin"}))


def test_a_script_beside_the_project_is_not_found_by_its_bare_name(tmp_path: Path) -> None:
    program(tmp_path / "tool")
    with pytest.raises(LookupError):
        find_program("tool", tmp_path, check_environment(tmp_path, {"PATH": "."}))


def test_this_program_is_the_servers_own_whatever_the_project_has(tmp_path: Path) -> None:
    for planted in (".venv/bin/pos-workflow", "pos-workflow"):
        program(tmp_path / planted, says="planted")
    (tmp_path / "mcp_server.py").write_text("print('planted')")
    environment = check_environment(tmp_path, {"PATH": "/usr/bin:/bin"})
    command = (*find_command("pos-workflow", tmp_path, environment), "--version")
    assert run(Command(command, tmp_path, environment, timeout_seconds=60)).stdout.text.strip() == version(
        "pos-workflow"
    )


def test_any_other_command_begins_with_its_program(tmp_path: Path) -> None:
    environment = check_environment(tmp_path, {})
    assert find_command("sh", tmp_path, environment) == (str(find_program("sh", tmp_path, environment)),)
    with pytest.raises(LookupError):
        find_command("nowhere-at-all", tmp_path, environment)
