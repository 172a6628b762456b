"""The workflows of GitHub Actions: what they use is pinned, they do no more than they must, what they name is there."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import mcp_server
from tests.packaging.support import ROOT, Uv, succeeded

FILES: Final = sorted((ROOT / ".github/workflows").iterdir())
PINNED: Final = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
WRITING: Final = {
    "release.yml index": {"id-token": "write"},
    "release.yml page": {"contents": "write"},
    "release.yml registry": {"contents": "read", "id-token": "write"},
}
"""The jobs that may do more than read, which is for releases."""

pytestmark = pytest.mark.integration


def workflow(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FILES:
        for name, job in workflow(path)["jobs"].items():
            yield f"{path.name} {name}", job


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_workflow_uses_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert used
    for one in used:
        assert (ROOT / one).is_file() if one.startswith("./") else PINNED.fullmatch(one), one


def test_only_releases_may_write() -> None:
    for path in FILES:
        assert workflow(path)["permissions"] == {}
    for name, job in jobs():
        assert job["permissions"] == WRITING.get(name, {"contents": "read"}), name


def test_every_job_ends_in_time_and_keeps_no_credentials() -> None:
    for name, job in jobs():
        assert "uses" in job or 0 < job["timeout-minutes"] <= 60, name
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}, name


def test_the_scripts_that_are_run_exist() -> None:
    run = [script for path in FILES for script in re.findall(r"(?<=\./)scripts/\w+", path.read_text(encoding="utf-8"))]
    assert {"scripts/test", "scripts/package", "scripts/changelog"} == set(run)
    for script in run:
        assert (ROOT / script).is_file()


def test_the_suite_runs_on_every_interpreter_and_system_that_the_package_names() -> None:
    matrix = workflow(ROOT / ".github/workflows/test.yml")["jobs"]["suite"]["strategy"]["matrix"]
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))
    assert matrix["python"] == named
    assert {system.partition("-")[0] for system in matrix["system"]} == {
        {"MacOS": "macos", "POSIX :: Linux": "ubuntu"}[one.removeprefix("Operating System :: ")]
        for one in classifiers
        if one.startswith("Operating System")
    }


def test_the_page_of_a_release_says_what_the_changelog_says() -> None:
    said = succeeded(changelog(mcp_server.__version__))
    assert said.strip()
    assert f"{said.strip()}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert not re.search(r"^## ", said, re.MULTILINE)


def test_a_version_that_the_changelog_does_not_have_is_refused() -> None:
    asked = changelog("0.0.0")
    assert asked.returncode == 1
    assert asked.stderr == "CHANGELOG.md has nothing about version 0.0.0.\n"


def changelog(version: str) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "scripts/changelog", version]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "linter",
    [
        ("check-jsonschema==0.39.0", "check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
        ("zizmor==1.32.0", "zizmor", "--offline", "--quiet", "--min-severity", "medium"),
    ],
    ids=lambda linter: linter[1],
)
def test_a_linter_finds_nothing(uv: Uv, linter: tuple[str, ...]) -> None:
    package, *command = linter
    succeeded(uv.run("tool", "run", "--from", package, *command, *FILES))
