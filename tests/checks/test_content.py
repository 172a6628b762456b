"""A digest holds exactly as long as the content that it is of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.checks.content import Changes, compare, content_digest, file_digests
from mcp_server.checks.tree import Bounds, CutShortError, Tree

pytestmark = pytest.mark.integration

STATE = ".praxis-os/state"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    files = {
        "a.py": "a",
        "src/b.py": "b",
        "src/deep/c.py": "c",
        "src-x": "x",
        "tests/test_b.py": "t",
        "build/out": "o",
        "src/.gitignore": "*.tmp\n",
        ".gitignore": "build/\n",
        ".git/config": "[core]\n",
        f"{STATE}/head": "h",
    }
    write(root, **files)
    (root / "link").symlink_to("src/b.py")
    return root


def digest(project: Path, *inputs: str, outputs: tuple[str, ...] = ()) -> str:
    found = content_digest(project, inputs, outputs, hidden=[STATE])
    assert found.partial is False
    return found.sha256


def test_it_is_told_in_the_order_of_whole_paths(project: Path) -> None:
    paths = [entry.path for entry in Tree(project, hidden=[STATE]).unignored()]
    assert paths == sorted(paths, key=os.fsencode)
    assert paths == [
        ".gitignore", "a.py", "link", "src-x", "src/.gitignore", "src/b.py", "src/deep/c.py", "tests/test_b.py",
    ]  # fmt: skip


def test_it_depends_on_content_and_not_on_place_or_time(project: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(project, tmp_path / "elsewhere", symlinks=True)
    os.utime(copied / "a.py", (1, 1))
    assert digest(copied) == digest(project)
    assert content_digest(project, hidden=[STATE]).files == 8


def replace_link(project: Path) -> None:
    (project / "link").unlink()
    (project / "link").symlink_to("a.py")


CHANGES: list[Callable[[Path], object]] = [
    lambda project: (project / "src/deep/c.py").write_text("C"),
    lambda project: (project / "a.py").chmod(0o755),
    lambda project: (project / "a.py").rename(project / "z.py"),
    lambda project: (project / "a.py").unlink(),
    lambda project: (project / "src/new").touch(),
    lambda project: (project / "src/.gitignore").write_text("*.tmp\n*.bak\n"),
    replace_link,
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_what_is_seen_changes_it(project: Path, change: Callable[[Path], object]) -> None:
    before = digest(project)
    change(project)
    assert digest(project) != before


def test_what_is_ignored_hidden_or_written_by_the_check_changes_nothing(project: Path) -> None:
    before = digest(project, outputs=("coverage.json", "reports"))
    write(project, **{"build/new": "n", ".git/index": "i", f"{STATE}/log": "l", "src/x.tmp": "x", "src/sub/.hg/x": "x"})
    write(project, **{"coverage.json": "{}", "reports/a/b": "r"})
    (project / "empty").mkdir()
    assert digest(project, outputs=("coverage.json", "reports")) == before


def test_inputs_are_what_it_depends_on_ignored_or_not(project: Path) -> None:
    before = digest(project, "src/**/*.py", "build", outputs=("build/log",))
    write(project, **{"a.py": "A", "src/readme": "r", "build/log": "l"})
    assert digest(project, "src/**/*.py", "build", outputs=("build/log",)) == before
    write(project, **{"build/out": "O"})
    after = digest(project, "src/**/*.py", "build")
    assert after != before
    write(project, **{"src/b.py": "B"})
    assert digest(project, "src/**/*.py", "build") != after


def test_a_link_is_its_target_and_not_what_is_behind_it(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, behind="1")
    (project / "out").symlink_to(outside)
    (project / "loop").symlink_to("loop")
    (project / "self").symlink_to(".")
    before = digest(project)
    write(outside, behind="2")
    assert digest(project) == before


def test_what_is_no_file_is_told_and_not_read(project: Path) -> None:
    before = digest(project)
    os.mkfifo(project / "pipe")
    assert digest(project) != before


@pytest.mark.skipif(sys.platform == "darwin", reason="every name is text there")
def test_a_name_that_is_no_text_is_a_name(project: Path) -> None:
    before = digest(project)
    with Path(os.fsdecode(os.fsencode(project) + b"/\xff\n")).open("w"):
        pass
    assert digest(project) != before
    assert len(file_digests(project, ["?*"], hidden=[STATE])) > 0


def test_folders_may_be_nested_beyond_any_recursion(tmp_path: Path) -> None:
    folders = [tmp_path]
    for _ in range(1200):
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    (folders[-1] / "f").write_text("f")
    found = content_digest(tmp_path)
    (folders[-1] / "f").unlink()
    for folder in reversed(folders[1:]):
        folder.rmdir()
    assert (found.files, found.partial) == (1, False)


@pytest.mark.parametrize(
    ("bounds", "limit", "files"),
    [
        (Bounds(files=3), "files", 3),
        (Bounds(bytes=12), "bytes", 4),
        (Bounds(entries=4), "entries", 0),
        (Bounds(entries=12), "entries", 6),
    ],
)
def test_a_bound_cuts_an_unchanged_project_at_the_same_place(
    project: Path, bounds: Bounds, limit: str, files: int
) -> None:
    def taken() -> tuple[str, int, str | None, bool]:
        found = content_digest(project, hidden=[STATE], bounds=bounds)
        return found.sha256, found.files, found.limit, found.partial

    before = taken()
    assert before[1:] == (files, limit, True)
    write(project, **{"tests/test_b.py": "T"})
    assert taken() == before
    assert before[0] != digest(project)


def test_what_a_bound_leaves_is_watched_on(project: Path) -> None:
    before = content_digest(project, bounds=Bounds(files=3))
    write(project, **{"a.py": "A"})
    assert content_digest(project, bounds=Bounds(files=3)).sha256 != before.sha256


def test_time_that_is_over_is_said(project: Path) -> None:
    found = content_digest(project, bounds=Bounds(seconds=0))
    assert (found.limit, found.files, found.partial) == ("seconds", 0, True)


def test_nothing_that_the_project_configures_is_run(project: Path) -> None:
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    hook = project / "hook"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    write(project, **{".git/config": f'[core]\nfsmonitor={hook}\n[filter "f"]\nclean={hook}\n'})
    write(project, **{".gitattributes": "* filter=f\n"})
    digest(project)
    file_digests(project, ["*"])
    assert not (project / "ran").exists()


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../x", "a/../b", "", ".", "/", "a\0"])
def test_a_pattern_that_leaves_the_project_is_refused(project: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match="inside the project"):
        content_digest(project, [pattern])
    with pytest.raises(ValueError, match="inside the project"):
        content_digest(project, [], [pattern])
    with pytest.raises(ValueError, match="inside the project"):
        file_digests(project, [pattern])


def test_a_project_that_is_gone_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        content_digest(tmp_path / "gone")


def test_protected_files_are_told_one_by_one(project: Path) -> None:
    (project / "tests/run").touch(0o755)
    before = file_digests(project, ["tests", "src/*.py"])
    assert sorted(before) == ["src/b.py", "tests/run", "tests/test_b.py"]
    assert before["tests/run"].startswith("program:")
    assert not compare(before, file_digests(project, ["tests", "src/*.py"]))
    write(project, **{"tests/test_b.py": "weaker", "tests/conftest.py": "c"})
    (project / "tests/run").unlink()
    changes = compare(before, file_digests(project, ["tests", "src/*.py"]))
    assert changes == Changes(changed=("tests/test_b.py",), added=("tests/conftest.py",), removed=("tests/run",))
    assert changes


def test_a_link_in_the_way_of_a_protected_file_is_protected(project: Path) -> None:
    write(project, **{"other/test_b.py": "weaker"})
    before = file_digests(project, ["tests/**/test_*.py"])
    (project / "tests").rename(project / "hidden-tests")
    (project / "tests").symlink_to("hidden-tests")
    linked = file_digests(project, ["tests/**/test_*.py"])
    assert compare(before, linked) == Changes(added=("tests",), removed=("tests/test_b.py",))
    (project / "tests").unlink()
    (project / "tests").symlink_to("other")
    assert compare(linked, file_digests(project, ["tests/**/test_*.py"])) == Changes(changed=("tests",))


def test_protected_files_that_cannot_all_be_told_are_an_error(project: Path) -> None:
    for bounds in (Bounds(files=2), Bounds(bytes=2), Bounds(entries=3), Bounds(seconds=0)):
        with pytest.raises(CutShortError):
            file_digests(project, ["**"], bounds=bounds)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_what_cannot_be_read_is_told_and_protects_nothing(project: Path) -> None:
    before = digest(project)
    (project / "a.py").chmod(0)
    (project / "src").chmod(0)
    try:
        assert digest(project) != before
        for name in ("a.py", "src/**"):
            with pytest.raises(PermissionError):
                file_digests(project, [name])
    finally:
        (project / "src").chmod(0o755)


@pytest.mark.parametrize(
    ("glob", "paths"),
    [
        ("*.py", ["a.py"]),
        ("**/*.py", ["a.py", "src/b.py", "src/deep/c.py", "tests/test_b.py"]),
        ("src/*", ["src/.gitignore", "src/b.py", "src/deep"]),
        ("src/**", ["src/.gitignore", "src/b.py", "src/deep", "src/deep/c.py"]),
        ("./src//deep/", ["src/deep"]),
        ("**/deep/**", ["src/deep/c.py"]),
        ("[!a]?nk", ["link"]),
        ("build/out", ["build/out"]),
        ("link/*", []),
        (".git/**", []),
        (f"{STATE}/*", []),
        ("nowhere/*", []),
    ],
)
def test_a_glob_matches_by_itself(project: Path, glob: str, paths: list[str]) -> None:
    assert [entry.path for entry in Tree(project, hidden=[STATE]).matching(glob)] == paths
