"""The wheel in an environment of its own: it runs where there is neither the checkout nor a development tool."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import mcp_server
from tests.packaging.support import ROOT, Installed, Uv, succeeded

pytestmark = pytest.mark.acceptance


def test_the_program_runs_and_finds_all_in_order(installed: Installed, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert succeeded(installed.run(installed.program, "--version", home=home)) == f"{mcp_server.__version__}\n"
    diagnosis = succeeded(installed.run(installed.program, "doctor", "--project", str(tmp_path), home=home))
    assert "All is well." in diagnosis


def test_the_shipped_workflows_are_those_of_the_wheel(installed: Installed, tmp_path: Path) -> None:
    where = "import mcp_server.app; print(mcp_server.app.bundled_workflows())"
    printed = succeeded(installed.run(installed.python, "-c", where, home=tmp_path / "home"))
    assert Path(printed.strip()).is_relative_to(installed.folder)
    asked = installed.run(installed.program, "call", '{"action": "list_workflows"}', home=tmp_path / "home")
    listed = json.loads(succeeded(asked))
    shipped = {path.parent.name for path in (ROOT / "workflows").glob("*/metadata.json")}
    assert {one["workflow_type"] for one in listed["workflows"] if one["source"] == "bundled"} == shipped


def test_no_development_tool_comes_with_it(installed: Installed, uv: Uv) -> None:
    listed = json.loads(succeeded(uv.run("pip", "list", "--format", "json", "--python", installed.python)))
    names = {one["name"] for one in listed}
    assert "pos-workflow" in names
    assert names.isdisjoint({"build", "coverage", "hatchling", "hypothesis", "pyright", "pytest", "ruff", "uv"})


def test_the_demo_plays_from_the_wheel(installed: Installed, tmp_path: Path) -> None:
    shutil.copy2(ROOT / "scripts/demo.py", tmp_path)
    shutil.copytree(ROOT / "scripts/_demo", tmp_path / "_demo")
    played = installed.run(installed.python, tmp_path / "demo.py", home=tmp_path / "home")
    assert "Every step went as expected" in succeeded(played)
