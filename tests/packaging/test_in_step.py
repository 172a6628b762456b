"""What names the version, the supported interpreters or the server's public name says the same everywhere."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

import mcp_server
from tests.packaging.support import ROOT

pytestmark = pytest.mark.unit


def of_json(path: str) -> dict[str, Any]:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def of_toml(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


def test_every_file_that_names_the_version_names_this_one() -> None:
    entry, bundle = of_json("server.json"), of_toml("mcpb/pyproject.toml")
    named = {
        "server.json": entry["version"],
        "server.json, its package": entry["packages"][0]["version"],
        "mcpb/manifest.json": of_json("mcpb/manifest.json")["version"],
        "mcpb/pyproject.toml": bundle["project"]["version"],
        "mcpb/pyproject.toml, its wheel": bundle["tool"]["uv"]["sources"]["pos-workflow"]["path"].split("-")[1],
    }
    assert named == dict.fromkeys(named, mcp_server.__version__)
    assert f"\n## [{mcp_server.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_what_is_supported_is_said_alike() -> None:
    project = of_toml("pyproject.toml")["project"]
    wanted = project["requires-python"]
    assert of_toml("mcpb/pyproject.toml")["project"]["requires-python"] == wanted
    assert of_json("mcpb/manifest.json")["compatibility"]["runtimes"] == {"python": wanted}
    systems = [one for one in project["classifiers"] if one.startswith("Operating System")]
    assert systems == ["Operating System :: MacOS", "Operating System :: POSIX :: Linux"]
    assert of_json("mcpb/manifest.json")["compatibility"]["platforms"] == ["darwin", "linux"]
