"""A check of files is told facts of the project, and nothing of what lies outside."""

from __future__ import annotations

import os
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
    assert known.matching("docs/**/*.md") == ("docs/guide.md",)
    assert known.matching("*.md") == ("in.md", "out.md")
    assert known.matching("d*/*.md") == ("docs/guide.md",)
    assert known.matching("*") == ("dangling", "docs", "in.md", "out.md", "up")
    assert known.matching("none/*") == ()
    with pytest.raises(ValueError, match="inside the project"):
        known.matching("../*")


@pytest.mark.parametrize("glob", ["build/*.tmp", "build/**", "bu*/*.tmp", "b*/x/*.tmp", "**/build/*.tmp"])
@pytest.mark.parametrize("target", ["real", "..", ".", ".state", ".git"])
def test_what_a_link_to_a_folder_hides_is_no_answer(tmp_path: Path, glob: str, target: str) -> None:
    for folder in ("real", ".state", ".git"):
        (tmp_path / folder / "x").mkdir(parents=True)
    known = ProjectFiles(tmp_path, hidden=[".state"])
    assert known.matching(glob) == ()
    (tmp_path / "build").symlink_to(target)
    with pytest.raises(OSError, match="build is a link to a folder") as error:
        known.matching(glob)
    assert str(tmp_path) not in str(error.value)


def test_what_is_matched_under_its_own_name_is_not_hidden_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "packages/one").mkdir(parents=True)
    (tmp_path / "packages/one/a.tmp").touch()
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/one").symlink_to("../packages/one")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "file").symlink_to("packages/one/a.tmp")
    known = ProjectFiles(tmp_path)
    assert known.matching("**/*.tmp") == ("packages/one/a.tmp",)
    assert known.matching("modules/*") == ("modules/one",)
    assert known.matching("gone/*") == known.matching("self/*") == known.matching("file/*") == ()
    with pytest.raises(OSError, match="modules/one is a link to a folder"):
        known.matching("modules/**/*.tmp")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_on_the_way_that_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    known = ProjectFiles(tmp_path)
    assert known.matching("*") == ("closed",)
    with pytest.raises(OSError, match="closed cannot be read"):
        known.matching("*/*")


def test_more_matches_than_can_be_told_are_no_answer(project: Path) -> None:
    many = project / "many"
    many.mkdir()
    for number in range(files.MAX_MATCHES):
        (many / str(number)).touch()
    assert len(ProjectFiles(project).matching("many/*")) == files.MAX_MATCHES
    (many / "more").touch()
    with pytest.raises(OSError, match="more than the bound"):
        ProjectFiles(project).matching("many/*")
