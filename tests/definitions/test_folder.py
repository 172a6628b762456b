"""Reading a folder: what belongs to the definition, and what is refused on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_server.definitions import folder
from mcp_server.definitions.folder import read_folder

pytestmark = pytest.mark.integration


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "sample"
    (path / "phases" / "1").mkdir(parents=True)
    (path / "metadata.json").write_text("{}")
    (path / "phases" / "1" / "phase.md").write_text("# One\n")
    return path


def problems(path: Path) -> list[str]:
    return [str(problem) for problem in read_folder(path).problems]


def test_what_python_caches_beside_a_program_is_no_part_of_the_definition(home: Path) -> None:
    (home / "core").mkdir()
    (home / "core" / "tool.py").write_text("print(1)\n")
    before = read_folder(home).bundle.digest
    (home / "core" / "__pycache__").mkdir()
    (home / "core" / "__pycache__" / "tool.cpython-311.pyc").write_bytes(b"\xff")
    assert read_folder(home).bundle.digest == before


def test_regular_files_are_read_and_hidden_ones_are_not(home: Path) -> None:
    (home / ".hidden").write_text("x")
    (home / ".git").mkdir()
    (home / ".git" / "config").write_text("x")
    (home / "logo.bin").write_bytes(b"\xff\x00")
    os.mkfifo(home / "pipe")
    reading = read_folder(home)
    assert reading.problems == ()
    assert reading.bundle.name == "sample"
    assert dict(reading.bundle.files) == {
        "metadata.json": b"{}",
        "phases/1/phase.md": b"# One\n",
        "logo.bin": b"\xff\x00",
    }


def test_links_inside_the_definition_are_followed(home: Path) -> None:
    (home / "core").symlink_to("phases")
    (home / "README.md").symlink_to(home / "phases" / "1" / "phase.md")
    reading = read_folder(home)
    assert reading.problems == ()
    assert reading.bundle.files["README.md"] == reading.bundle.files["core/1/phase.md"] == b"# One\n"


def test_a_definition_may_itself_be_a_link(home: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(home)
    reading = read_folder(tmp_path / "linked")
    assert (reading.bundle.name, reading.problems) == ("linked", ())


@pytest.mark.requirement("format:no-link-leads-out")
@pytest.mark.parametrize("target", ["../secret.md", "/etc/hostname", ".."])
def test_links_that_lead_out_are_refused(home: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (home / "out.md").symlink_to(target)
    reading = read_folder(home)
    assert "out.md" not in reading.bundle.files
    assert [str(problem) for problem in reading.problems] == ["out.md: is a link that leads out of the definition"]


@pytest.mark.parametrize(
    ("target", "reason"), [(".", "in a circle"), ("gone", "cannot be followed"), ("loop", "cannot be followed")]
)
def test_links_that_lead_nowhere_or_in_a_circle_are_refused(home: Path, target: str, reason: str) -> None:
    (home / "loop").symlink_to(target)
    (found,) = problems(home)
    assert found.startswith("loop: ")
    assert reason in found


@pytest.mark.requirement("format:text")
@pytest.mark.parametrize("name", ["a.md", "a.yaml", "a.yml", "a.json"])
def test_text_has_to_be_utf_8(home: Path, name: str) -> None:
    (home / name).write_bytes("ä".encode("latin-1"))
    assert problems(home) == [f"{name}: is not UTF-8 (byte 0)"]


def test_a_file_over_the_limit_is_refused(home: Path) -> None:
    (home / "big.bin").write_bytes(b"x" * folder.MAX_FILE_BYTES)
    assert problems(home) == []
    (home / "big.bin").write_bytes(b"x" * (folder.MAX_FILE_BYTES + 1))
    assert problems(home) == ["big.bin: is larger than 1 MiB"]


def test_a_definition_over_the_limit_is_refused(home: Path) -> None:
    for number in range(17):
        (home / f"{number:02}.bin").write_bytes(b"x" * folder.MAX_FILE_BYTES)
    assert problems(home) == ["16.bin: makes the definition larger than 16 MiB"]


def test_too_many_files_are_refused(home: Path) -> None:
    for number in range(folder.MAX_FILES):
        (home / f"{number}.txt").touch()
    assert problems(home) == [".: holds more than 2000 files"]


def test_too_many_levels_are_refused(home: Path) -> None:
    deep = home.joinpath(*["d"] * folder.MAX_DEPTH)
    deep.mkdir(parents=True)
    assert problems(home) == [f"{'d/' * folder.MAX_DEPTH}: lies more than 12 folders deep"]


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path / "gone") == [".: cannot be read"]


def test_a_file_that_grows_or_goes_while_it_is_read_is_a_problem(home: Path) -> None:
    seen = folder.survey(home)
    (home / "metadata.json").unlink()
    (home / "phases" / "1" / "phase.md").write_bytes(b"x" * (folder.MAX_FILE_BYTES + 1))
    found = [str(problem) for problem in read_folder(home, seen).problems]
    assert found == [
        "metadata.json: cannot be read: No such file or directory",
        "phases/1/phase.md: is larger than 1 MiB",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator reads everything")
def test_what_may_not_be_read_is_a_problem(home: Path) -> None:
    (home / "phases" / "1" / "phase.md").chmod(0)
    (home / "closed").mkdir(mode=0)
    assert problems(home) == [
        "closed/: cannot be read: Permission denied",
        "phases/1/phase.md: cannot be read: Permission denied",
    ]
