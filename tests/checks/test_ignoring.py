"""What ignore files leave out is what git leaves out."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.checks.ignoring import IgnoreFile, ignored

pytestmark = pytest.mark.integration
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="asks git")

TREE = (
    "a", "b.pyc", "build/x", "build/keep/y", "docs/a.md", "docs/b/a.md", "docs/b/c/a.md", "foo", "src/a.py",
    "src/b.pyc", "src/build/z", "src/deep/er/b.pyc", "src/foo/bar/baz", "src/foo/x", "x/y/z/foo", "[a]",
    "#hash", "!bang", "sp ", "ü.txt", ".hidden/a", "A",
)  # fmt: skip


def seen_by_git(root: Path) -> set[str]:
    environment = {"PATH": os.defpath, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", "core.ignorecase=false", "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=True).stdout
    return {os.fsdecode(path) for path in listed.split(b"\0") if path}


def seen_by_us(root: Path) -> set[str]:
    seen: set[str] = set()

    def look(folder: Path, prefix: str, files: list[tuple[str, IgnoreFile]]) -> None:
        own = folder / ".gitignore"
        if own.is_file():
            files = [(prefix, IgnoreFile(own.read_bytes())), *files]
        for path in folder.iterdir():
            name = prefix + path.name
            if path.name == ".git" or ignored(files, name, folder=path.is_dir()):
                continue
            if path.is_dir():
                look(path, name + "/", files)
            else:
                seen.add(name)

    look(root, "", [("", IgnoreFile((root / ".git/info/exclude").read_bytes()))])
    return seen


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(root)], check=True, capture_output=True)
    for name in TREE:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def write(root: Path, above: str, below: str = "", exclude: str = "") -> None:
    (root / ".gitignore").write_bytes(above.encode())
    (root / "src/.gitignore").write_bytes(below.encode())
    (root / ".git/info/exclude").write_bytes(exclude.encode())


@needs_git
@pytest.mark.parametrize(
    ("above", "below", "exclude"),
    [
        ("", "", ""),
        ("*.pyc\n", "", ""),
        ("build/\n!build/keep/\n", "", ""),
        ("build/*\n!build/keep\n", "", ""),
        ("/*\n!/src/\n!/src\n*.pyc", "", ""),
        ("*\n!*/\n!*.py\n", "", ""),
        ("*.pyc\n", "/*\n!/foo\n!/deep\n", ""),
        ("*.pyc\n", "!*.pyc\n", ""),
        ("foo\n", "!foo\n", ""),
        ("foo/**\n!foo/bar\nsrc/foo/**\n!src/foo/bar\n", "", ""),
        ("**/foo\n", "", ""),
        ("**/foo/**\n", "", ""),
        ("docs/**/a.md\n", "", ""),
        ("docs/*.md\n", "", ""),
        ("/foo\n", "", ""),
        ("src/foo/\n", "", ""),
        ("a/\n", "", ""),
        ("\\#hash\n\\!bang\n\\[a]\n#a\n", "", ""),
        ("sp\\ \n", "", ""),
        ("sp \n", "", ""),
        ("foo   \r\n", "", ""),
        ("\ufefffoo\n", "", ""),
        ("[a-c]\n", "", ""),
        ("[!a-c]\n", "", ""),
        ("[^a]\n", "", ""),
        ("[[:upper:]]\n", "", ""),
        ("[]a]\n[a\n[[:none:]]\n", "", ""),
        ("[z-a]\n[--0]*\n[a&&||~~[[]\n[!z-a]oo\n[\\]-\\^]\n[a\\-z]*\n", "", ""),
        ("[[:punct:]]*\n", "", ""),
        ("[[:graph:][:print:][:space:][:blank:][:cntrl:]]\n", "", ""),
        ("[[:alnum:][:xdigit:]].[![:digit:][:lower:]]*\n[[:alpha:]]\n", "", ""),
        ("?.txt\n", "", ""),
        ("??.txt\n", "", ""),
        ("[ü].txt\n[[:alpha:]]*.txt\n", "", ""),
        ("ü*\n", "", ""),
        ("[!ü].txt\n", "", ""),
        ("?.pyc\n!b.pyc\n", "", "foo\n"),
        ("!foo\n", "", "foo\n*.py\n"),
        ("/\n", "", ""),
        ("**\n", "", ""),
        ("**/\n", "", ""),
        ("src//a.py\n", "", ""),
        ("./foo\n", "", ""),
        ("x/**/foo\nsrc/**/x", "", ""),
        ("d**s\nso**\n", "", ""),
        ("f*o\ns*/*o\n", "", ""),
        ("!\n\\\n", "", ""),
        (".*\n!.gitignore\n", "", ""),
    ],
)
def test_it_leaves_out_what_git_leaves_out(repository: Path, above: str, below: str, exclude: str) -> None:
    write(repository, above, below, exclude)
    assert seen_by_us(repository) == seen_by_git(repository)


SLASH = st.sampled_from(["", "/"])
NAMES = st.sampled_from(
    [
        "*",
        "**",
        "foo",
        "f*",
        "*o",
        "b?r",
        "src",
        "build",
        "*.pyc",
        "[a-f]*",
        "a",
        "keep",
        "docs",
        "*.md",
        "deep",
        "!",
        "x",
    ]
)


@st.composite
def lines(draw: st.DrawFn) -> str:
    negated, anchor, end = draw(st.sampled_from(["", "", "!"])), draw(st.sampled_from(["", "/"])), draw(SLASH)
    return negated + anchor + "/".join(draw(st.lists(NAMES, min_size=1, max_size=3))) + end


FILES = st.lists(lines(), max_size=5).map("\n".join)


@needs_git
@given(above=FILES, below=FILES, exclude=FILES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rules_leave_out_what_git_leaves_out(repository: Path, above: str, below: str, exclude: str) -> None:
    write(repository, above, below, exclude)
    assert seen_by_us(repository) == seen_by_git(repository)


def test_a_rule_made_to_take_for_ever_does_not() -> None:
    rules = IgnoreFile(b"*a*a*a*a*a*a*a*a*a*a*a*a*b\n" + b"**/" * 100 + b"x\n")
    assert rules.decides("/".join(["a" * 250] * 15), folder=False) is None
