"""The program of refactor_v1: it finds what others would miss, and what was not to change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shipped_evidence import WORKFLOWS

pytestmark = pytest.mark.integration

PROGRAM = WORKFLOWS / "refactor_v1" / "core"
SHAPES = """
import os
from math import pi

LIMIT: int = 3


class Base:
    def area(self, scale=1): return scale


class Circle(Base):
    colour: str = "red"

    def __init__(self, radius): self._radius = radius

    @property
    def size(self): return self._radius

    def _hidden(self): return 0


async def fetch(url, *, retries: int = 3) -> bytes: return b""


def _inner(): return pi
"""


def ask(project: Path, step: str, target: str = "shapes.py", *scope: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), step, target, "./record.json", *scope],
        cwd=project, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    return answer


def write(project: Path, **files: str) -> None:
    for name, text in files.items():
        put(project, f"{name}.py", text)


def put(project: Path, name: str, text: str = "") -> None:
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, shapes=SHAPES, main="import shapes\n")
    assert ask(tmp_path, "take", "shapes.py", "shapes.py", "round.py")["ok"]
    return tmp_path


def test_the_record_holds_what_callers_depend_on(project: Path) -> None:
    assert json.loads((project / "record.json").read_text())["surface"] == {
        "shapes:LIMIT": "value",
        "shapes:Base": "class",
        "shapes:Base.area": "def(self, scale=1)",
        "shapes:Circle": "class",
        "shapes:Circle.area": "def(self, scale=1)",
        "shapes:Circle.colour": "value",
        "shapes:Circle.__init__": "def(self, radius)",
        "shapes:Circle.size": "@property def(self)",
        "shapes:fetch": "async def(url, *, retries=3)",
    }
    assert ask(project, "fresh")["names"] == 9


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("retries: int = 3", "retries: int = 4", "was async def(url, *, retries=3)"),
        ("*, retries", "retries", "was async def(url, *, retries=3)"),
        ("async def", "def", "was async def"),
        ("@property\n", "\n", "was @property def(self)"),
        ("radius)", "width)", "was def(self, radius)"),
        ("class Circle(Base)", "class Circle", "shapes:Circle.area: is gone"),
        ("LIMIT", "LIMITS", "shapes:LIMIT: is gone"),
        ("def fetch", "def _fetch", "shapes:fetch: is gone"),
    ],
)
def test_what_a_caller_would_notice_is_named(project: Path, old: str, new: str, said: str) -> None:
    write(project, shapes=SHAPES.replace(old, new))
    (problem,) = ask(project, "surface")["problems"]
    assert said in problem


@pytest.mark.parametrize(
    ("old", "new", "added"),
    [
        (") -> bytes", ")", 0),
        ("def _inner", "def _outer", 0),
        ("LIMIT: int = 3", "LIMIT = 1 + 2", 0),
        ("    def _hidden", "    def shown", 1),
        ("def area(self, scale=1): return scale\n", "def area(self, scale=1): return 1 * scale\n", 0),
    ],
)
def test_what_no_caller_notices_is_no_problem(project: Path, old: str, new: str, added: int) -> None:
    write(project, shapes=SHAPES.replace(old, new))
    assert ask(project, "surface") == {"names": 9, "added": added, "ok": True, "problems": [], "problems_in_all": 0}


def test_a_name_may_move_and_be_imported_from_its_new_place(project: Path) -> None:
    moved = "class Base:\n    def area(self, scale=1): return scale\n"
    assert moved in SHAPES
    write(project, round=moved, shapes=SHAPES.replace(moved, "from round import Base\n"))
    assert ask(project, "surface") == {"names": 9, "added": 0, "ok": True, "problems": [], "problems_in_all": 0}
    write(project, round=moved.replace("scale=1", "scale"))
    assert ask(project, "surface")["problems"] == [
        "shapes:Base.area: was def(self, scale=1), is def(self, scale)",
        "shapes:Circle.area: was def(self, scale=1), is def(self, scale)",
    ]


def test_a_module_may_become_a_package_of_the_same_name(project: Path) -> None:
    (project / "shapes.py").unlink()
    put(project, "shapes/_all.py", SHAPES)
    put(project, "shapes/__init__.py", "from ._all import LIMIT, Base, Circle, fetch\n")
    assert ask(project, "surface")["ok"]
    put(project, "shapes/__init__.py", "from ._all import LIMIT, Base, Circle\nfrom elsewhere import fetch\n")
    assert ask(project, "surface")["problems"] == ["shapes:fetch: was async def(url, *, retries=3), is imported"]


def test_what_a_module_lists_is_what_it_offers(tmp_path: Path) -> None:
    write(tmp_path, shapes="__all__ = ['a']\ndef a(): ...\ndef b(): ...\n")
    ask(tmp_path, "take", "shapes.py", "shapes.py")
    assert list(json.loads((tmp_path / "record.json").read_text())["surface"]) == ["shapes:a"]


def test_private_modules_and_tests_offer_nothing(tmp_path: Path) -> None:
    for name in ("a", "_b", "test_a"):
        put(tmp_path, f"p/{name}.py", "def f(): ...\n")
    ask(tmp_path, "take", "p", "p")
    assert list(json.loads((tmp_path / "record.json").read_text())["surface"]) == ["p.a:f"]


def test_code_that_cannot_be_read_is_a_problem(project: Path) -> None:
    write(project, shapes="def broken(:\n")
    (problem,) = ask(project, "surface")["problems"]
    assert problem.startswith("shapes.py:1: is no Python")


def test_a_target_of_another_language_has_no_names(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("export const a = 1\n")
    assert ask(tmp_path, "take", "a.js", "a.js")["names"] == 0
    assert ask(tmp_path, "fresh", "a.js")["names"] == 0


def test_a_change_outside_of_the_scope_is_named(project: Path) -> None:
    assert ask(project, "scope")["problems"] == ["nothing has changed since the record was taken"]
    write(project, shapes=SHAPES + "\n", round="")
    assert ask(project, "scope")["files"] == ["round.py", "shapes.py"]
    write(project, main="import shapes, round\n", stray="")
    assert ask(project, "scope")["problems"] == ["main.py: is outside the scope", "stray.py: is outside the scope"]


def test_a_removed_file_is_a_change(project: Path) -> None:
    (project / "main.py").unlink()
    assert ask(project, "scope")["problems"] == ["main.py: is outside the scope"]
    assert ask(project, "fresh")["problems"] == ["main.py: is not what it was when the record was taken"]


def test_what_git_ignores_does_not_count(project: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True, timeout=60)
    (project / ".gitignore").write_text("built/\n")
    put(project, "built/a")
    assert ask(project, "fresh")["ok"]
    put(project, "other/a")
    assert not ask(project, "fresh")["ok"]


@pytest.mark.parametrize("scope", [(), (".",), ("shapes.py", "../elsewhere"), ("./",)])
def test_a_scope_that_is_all_or_nothing_is_refused(project: Path, scope: tuple[str, ...]) -> None:
    assert not ask(project, "take", "shapes.py", *scope)["ok"]


@pytest.mark.parametrize(
    "record", ["", "[]", "{}", '{"scope": 1, "surface": {}, "files": {}}', '{"scope": [1], "surface": {}, "files": {}}']
)
@pytest.mark.parametrize("step", ["fresh", "scope"])
def test_a_record_that_is_none_passes_nothing(project: Path, step: str, record: str) -> None:
    (project / "record.json").write_text(record)
    write(project, shapes="")
    assert not ask(project, step)["ok"]


def test_no_record_passes_nothing(project: Path) -> None:
    (project / "record.json").unlink()
    assert [ask(project, step)["ok"] for step in ("fresh", "surface", "scope")] == [False, False, False]
