"""What a rule sees of the world ends at the project's edge and at half a second."""

from __future__ import annotations

from pathlib import Path

import pytest
import regex

from mcp_server.checks.probes import ProjectProbes
from mcp_server.domain.definition import Field, Gate
from mcp_server.domain.gates import judge

pytestmark = pytest.mark.integration


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "a.md").write_text("x")
    (tmp_path / "outside.md").write_text("x")
    (root / "out.md").symlink_to(tmp_path / "outside.md")
    (root / "up").symlink_to(tmp_path)
    (root / "in.md").symlink_to("docs/a.md")
    (root / "loop").symlink_to("loop")
    return root


@pytest.mark.parametrize("path", ["docs/a.md", "./docs/a.md", "in.md"])
def test_a_file_of_the_project_is_seen(project: Path, path: str) -> None:
    assert ProjectProbes(project).file_exists(path) is True


@pytest.mark.parametrize(
    "path",
    [
        "gone.md",
        "docs",
        "",
        " ",
        ".",
        "../outside.md",
        "docs/../docs/a.md",
        "out.md",
        "up/outside.md",
        "loop",
        "a\0b",
        "x" * 9999,
    ],
)
def test_nothing_else_is_seen(project: Path, path: str) -> None:
    assert ProjectProbes(project).file_exists(path) is False


def test_an_absolute_path_is_not_seen_even_inside(project: Path) -> None:
    assert ProjectProbes(project).file_exists(str(project / "docs" / "a.md")) is False


def test_a_project_that_is_gone_holds_no_file(tmp_path: Path) -> None:
    assert ProjectProbes(tmp_path / "gone").file_exists("a.md") is False


def test_a_project_reached_by_a_link_is_the_project(project: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(project)
    assert ProjectProbes(tmp_path / "linked").file_exists("docs/a.md") is True


@pytest.mark.parametrize(
    ("pattern", "text", "found"), [(r"\d+", "a 12", True), (r"^\d+$", "a 12", False), ("", "", True)]
)
def test_a_pattern_is_looked_for_anywhere(tmp_path: Path, pattern: str, text: str, *, found: bool) -> None:
    assert ProjectProbes(tmp_path).matches(pattern, text) is found


@pytest.mark.requirement("format:patterns-end")
def test_a_pattern_that_does_not_end_is_cut_off_and_refuses(tmp_path: Path) -> None:
    field = Field(name="f", type="string", validator="matches", validator_params={"pattern": r"^(a|aa|a*)*$"})
    gate = Gate(fields=(field,), origin="file")
    verdict = judge(gate, {"f": "a" * 60 + "b"}, ProjectProbes(tmp_path))
    assert verdict.outcome == "refused"
    assert "TimeoutError" in verdict.findings[0].problem


def test_what_is_no_pattern_raises(tmp_path: Path) -> None:
    with pytest.raises(regex.error):
        ProjectProbes(tmp_path).matches("(", "a")


@pytest.mark.parametrize("path", [".", "docs/a.md", "docs/new.md", "in.md", "docs/../docs/new.md"])
def test_a_path_inside_need_not_be_there(project: Path, path: str) -> None:
    assert ProjectProbes(project).inside(path) is True


@pytest.mark.parametrize("path", ["..", "../new.md", "out.md", "up/new.md", "/etc/passwd", "a\0b"])
def test_a_path_that_leads_out_is_not_inside(project: Path, path: str) -> None:
    assert ProjectProbes(project).inside(path) is False
