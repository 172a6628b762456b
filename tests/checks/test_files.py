"""A check of files is told facts of the project, and nothing of what lies outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import regex

from mcp_server.checks import files
from mcp_server.checks.files import ProjectFiles

pytestmark = pytest.mark.integration

OUTSIDE = ["/etc/passwd", "../outside.md", "docs/../../outside.md", "up/outside.md", "", " ", "a\0b"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "docs").mkdir(parents=True)
    (root / "docs/guide.md").write_text("# Guide\n\n## Usage\n\nRun it. Größe 3\n")
    (tmp_path / "outside.md").write_text("## Usage\n")
    (root / "in.md").symlink_to("docs/guide.md")
    (root / "out.md").symlink_to(tmp_path / "outside.md")
    (root / "up").symlink_to(tmp_path)
    (root / "dangling").symlink_to("nowhere")
    return root


def facts(known: ProjectFiles) -> list[Callable[[str], object]]:
    return [known.absent, known.size, lambda path: known.contains(path, "U"), lambda path: known.matches(path, "U")]


def test_facts_of_a_file(project: Path) -> None:
    known = ProjectFiles(project)
    for path in ("docs/guide.md", "./docs/guide.md", "in.md"):
        assert known.exists(path) is True
        assert known.absent(path) is False
        assert known.size(path) == 37
        assert known.contains(path, "## Usage") is True
        assert known.contains(path, "## usage") is False
        assert known.contains(path, "Größe 3\n") is True
        assert known.matches(path, r"(?m)^Run \w+\. Größe \d$") is True
        assert known.matches(path, r"Größe \d{2}") is False


def test_what_is_not_there_is_absent(project: Path) -> None:
    known = ProjectFiles(project)
    for path in ("gone.md", "docs/gone/gone.md", "docs/guide.md/x"):
        assert known.exists(path) is False
        assert known.absent(path) is True
        for fact in facts(known)[1:]:
            with pytest.raises(FileNotFoundError, match="there is no such file in the project"):
                fact(path)


@pytest.mark.parametrize("path", ["docs", "dangling", "out.md", "up"])
def test_what_is_there_and_is_no_file_of_the_project_is_neither(project: Path, path: str) -> None:
    known = ProjectFiles(project)
    assert known.exists(path) is False
    assert known.absent(path) is False
    with pytest.raises(FileNotFoundError):
        known.size(path)


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_is_told_of_what_lies_outside(project: Path, tmp_path: Path, path: str) -> None:
    known = ProjectFiles(project)
    assert known.exists(path) is False
    for fact in facts(known):
        with pytest.raises(PermissionError) as error:
            fact(path)
        assert str(tmp_path) not in str(error.value)


def test_a_name_that_no_file_can_have_is_no_answer(project: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="name too long") as error:
        ProjectFiles(project).absent("x" * 300)
    assert str(tmp_path) not in str(error.value)


def test_a_file_too_large_to_search_is_no_answer(project: Path) -> None:
    with (project / "large").open("wb") as stream:
        stream.truncate(files.MAX_TEXT_BYTES)
        known = ProjectFiles(project)
        assert known.contains("large", "x") is False
        stream.truncate(files.MAX_TEXT_BYTES + 1)
        with pytest.raises(OSError, match="larger than the 4 MiB"):
            known.contains("large", "\0")
        assert known.size("large") == files.MAX_TEXT_BYTES + 1


def test_a_pattern_that_does_not_end_is_no_answer(project: Path) -> None:
    (project / "a").write_text("a" * 60 + "b")
    with pytest.raises(TimeoutError):
        ProjectFiles(project).matches("a", r"^(a|aa|a*)*$")
    with pytest.raises(regex.error):
        ProjectFiles(project).matches("a", "(")


def test_a_glob_tells_what_it_matches(project: Path) -> None:
    (project / ".state/x").mkdir(parents=True)
    known = ProjectFiles(project, hidden=[".state"])
    assert known.matching("**/*.md") == ("docs/guide.md", "in.md", "out.md")
    assert known.matching("*/*.md") == ("docs/guide.md",)
    assert known.matching("*") == ("dangling", "docs", "in.md", "out.md", "up")
    assert known.matching("none/*") == ()
    with pytest.raises(ValueError, match="inside the project"):
        known.matching("../*")


def test_more_matches_than_can_be_told_are_no_answer(project: Path) -> None:
    many = project / "many"
    many.mkdir()
    for number in range(files.MAX_MATCHES):
        (many / str(number)).touch()
    assert len(ProjectFiles(project).matching("many/*")) == files.MAX_MATCHES
    (many / "more").touch()
    with pytest.raises(OSError, match="more than the bound"):
        ProjectFiles(project).matching("many/*")
