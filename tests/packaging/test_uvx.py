"""``uvx --from . pos-workflow``: the server of a clone, without installing anything."""

from __future__ import annotations

from pathlib import Path

import pytest

import mcp_server
from tests.packaging.support import Uv, copy_of_the_checkout, succeeded

pytestmark = pytest.mark.acceptance


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return copy_of_the_checkout(tmp_path / "a clone of mine")


def test_it_serves_from_the_clone_and_from_elsewhere(uv: Uv, clone: Path, tmp_path: Path) -> None:
    for source, cwd in ((Path(), clone), (clone, tmp_path)):
        run = ("tool", "run", "--from", source, "pos-workflow")
        assert succeeded(uv.run(*run, "--version", cwd=cwd)) == f"{mcp_server.__version__}\n"
        with uv.serving(*run, "--project", tmp_path, cwd=cwd) as wire:
            assert wire.call(action="list_workflows")["count"] > 0


def test_what_is_edited_in_the_clone_is_what_is_served(uv: Uv, clone: Path) -> None:
    run = ("tool", "run", "--from", clone, "pos-workflow")
    assert succeeded(uv.run(*run, "--version")) == f"{mcp_server.__version__}\n"
    edit(clone / "mcp_server/__init__.py", mcp_server.__version__, "0.0.1")
    assert succeeded(uv.run(*run, "--version")) == "0.0.1\n"
    edit(clone / "workflows/bug_fix_v1/metadata.json", '"name": "', '"name": "Edited: ')
    assert "Edited: " in succeeded(uv.run(*run, "workflows"))


def test_no_host_is_told_of_a_program_that_lies_in_the_cache(uv: Uv, clone: Path, tmp_path: Path) -> None:
    init = ("tool", "run", "--from", clone, "pos-workflow", "init", "claude-code", "--project", tmp_path)
    refused = uv.run(*init)
    assert refused.returncode == 1
    assert "uv tool install /path/to/pos-workflow" in refused.stderr
    assert ".venv/bin/pos-workflow" in refused.stderr
    file = tmp_path / ".mcp.json"
    assert not file.exists()
    file.write_text('{"mcpServers": {"pos-workflow": {"command": "pos-workflow"}}}')
    succeeded(uv.run(*init, "--remove"))
    assert "pos-workflow" not in file.read_text()


def test_a_check_does_not_get_the_environment_that_uv_made_for_the_server(uv: Uv, clone: Path, tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib, mcp_server.checks.environment as made;"
        "own = os.path.dirname(sys.executable);"
        "checks = made.check_environment(pathlib.Path(sys.argv[1]), os.environ)['PATH'];"
        "print(own in os.environ['PATH'].split(':'), own in checks.split(':'))"
    )
    asked = uv.run("tool", "run", "--from", clone, "python", "-c", script, tmp_path)
    assert succeeded(asked) == "True False\n"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
