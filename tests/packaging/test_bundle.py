"""The bundle for desktop hosts: what ``scripts/package`` packs, unpacked and started as its manifest says."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

import mcp_server
from tests.node import do_without
from tests.packaging.support import PATIENCE, ROOT, Distributions, Uv, succeeded, without_an_environment

pytestmark = pytest.mark.acceptance

MCPB = "@anthropic-ai/mcpb@2.1.2"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that is published."""
    if shutil.which("npx") is None:
        do_without("the bundle is packed by a program of npm, and there is no npx")
    asked = run("npx", "--yes", MCPB, "--version")
    if asked.returncode:
        do_without(f"npm cannot bring {MCPB}: {asked.stderr.strip()[-300:]}")
    folder = tmp_path_factory.mktemp("packed")
    succeeded(run(str(ROOT / "scripts/package"), str(folder)))
    return folder


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = without_an_environment()
    return subprocess.run(
        command, cwd="/", env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def unpacked(packed: Path, folder: Path) -> dict[str, Any]:
    (bundle,) = packed.glob("*.mcpb")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def filled_in(arguments: list[str], folder: Path, project: Path) -> list[str]:
    """The arguments of the manifest with what the host knows and what its user has chosen."""
    known = {"${__dirname}": str(folder), "${user_config.project}": str(project)}
    for name, value in known.items():
        arguments = [argument.replace(name, value) for argument in arguments]
    assert not any("${" in argument for argument in arguments)
    return arguments


def test_the_script_packs_what_is_published_and_nothing_else(packed: Path, distributions: Distributions) -> None:
    version = mcp_server.__version__
    assert sorted(path.name for path in packed.iterdir()) == [
        f"pos-workflow-{version}.mcpb",
        distributions.wheel.name,
        distributions.sdist.name,
    ]


def test_the_bundle_holds_the_wheel_and_what_starts_it(
    packed: Path, distributions: Distributions, tmp_path: Path
) -> None:
    unpacked(packed, tmp_path)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert names == ["manifest.json", distributions.wheel.name, "pyproject.toml", "server.py"]
    assert (tmp_path / distributions.wheel.name).read_bytes() == distributions.wheel.read_bytes()


def test_the_bundle_serves_the_project_that_its_user_has_chosen(packed: Path, uv: Uv, tmp_path: Path) -> None:
    folder, project = tmp_path / "the host's extensions", tmp_path / "my project"
    project.mkdir()
    manifest = unpacked(packed, folder)
    server = manifest["server"]
    assert (server["type"], server["mcp_config"]["command"]) == ("uv", "uv")
    assert (folder / server["entry_point"]).is_file()
    arguments = filled_in(server["mcp_config"]["args"], folder, project)
    # The first start makes the environment, which may take longer than a client of the tests waits.
    assert succeeded(uv.run(*arguments, "--version")) == f"{manifest['version']}\n"
    with uv.serving(*arguments) as wire:
        tools = wire.request("tools/list")["tools"]
        assert [tool["name"] for tool in tools] == [tool["name"] for tool in manifest["tools"]]
        assert "session_id" in wire.call(action="start", workflow_type="small_change_v1", target_file=".")
    assert list((project / ".praxis-os/state/workflows").iterdir())
