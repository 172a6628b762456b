"""Finding definitions: who has a name, what is hidden, what is broken, and when a folder is read again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_server.definitions.library import Library, Root
from mcp_server.errors import ConfigurationError, NotFoundError
from tests.definitions.conftest import Write

pytestmark = pytest.mark.integration

Age = Callable[[Path], None]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    roots = tmp_path / "roots"
    return Library([Root(roots / "one", "project"), Root(roots / "two", "user"), Root(roots / "gone", "bundled")])


def age(path: Path) -> None:
    """Make every file old enough to be trusted."""
    then = time.time() - 60
    for file in [*path.rglob("*"), path]:
        os.utime(file, (then, then))


def test_every_definition_is_listed_by_name_with_its_source(library: Library, write: Write) -> None:
    write(folder="roots/two/b_v1")
    write(folder="roots/one/c_v1")
    write(folder="roots/one/a_v1")
    listing = library.listing()
    assert [(entry.workflow.workflow_type, entry.source, entry.shadows) for entry in listing.entries] == [
        ("a_v1", "project", ()),
        ("b_v1", "user", ()),
        ("c_v1", "project", ()),
    ]
    assert listing.invalid == ()


@pytest.mark.requirement("format:places", "format:source-and-shadows")
def test_the_first_root_that_holds_a_name_has_it_and_says_what_it_hides(library: Library, write: Write) -> None:
    write(folder="roots/one/a_v1", name="First", workflow_type="a_v1")
    write(folder="roots/two/a_v1", name="Second", workflow_type="a_v1")
    (entry,) = library.listing().entries
    assert (entry.workflow.name, entry.source, entry.shadows) == ("First", "project", ("user",))
    found = library.find("a_v1")
    assert (found.workflow.name, found.source, found.shadows) == ("First", "project", ("user",))
    assert found.digest == found.bundle.digest


@pytest.mark.requirement("format:broken-hides-no-other")
def test_a_broken_folder_is_listed_with_its_problem_and_hides_no_other(library: Library, write: Write) -> None:
    write({"metadata.json": "{"}, folder="roots/one/broken_v1")
    write(folder="roots/one/good_v1")
    listing = library.listing()
    assert [entry.workflow.workflow_type for entry in listing.entries] == ["good_v1"]
    (invalid,) = listing.invalid
    assert (invalid.workflow_type, invalid.source) == ("broken_v1", "project")
    assert invalid.problem.startswith("metadata.json:1: is not valid JSON")


@pytest.mark.requirement("format:broken-blocks-its-name")
def test_a_broken_folder_blocks_its_name_and_never_falls_through(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write({"phases/1/gate-definition.yaml": "evidence_schema:\n  a: {type: banana}"}, folder="roots/one/a_v1")
    write(folder="roots/two/a_v1")
    with pytest.raises(ConfigurationError) as refused:
        library.find("a_v1")
    assert refused.value.message == (
        "the workflow 'a_v1' is invalid: phases/1/gate-definition.yaml:2: there is no type 'banana'"
    )
    assert str(tmp_path) not in refused.value.message


@pytest.mark.requirement("format:broken-blocks-its-name")
@pytest.mark.parametrize("file", [None, "notes.txt"])
def test_a_stray_folder_blocks_the_name_of_a_definition_in_a_later_root(
    library: Library, write: Write, tmp_path: Path, file: str | None
) -> None:
    write(folder="roots/two/a_v1", aliases=["short"])
    digest = library.find("a_v1").digest
    stray = tmp_path / "roots/one/a_v1"
    stray.mkdir(parents=True)
    if file:
        (stray / file).write_text("x")
    listing = library.listing()
    assert listing.entries == ()
    (invalid,) = listing.invalid
    assert (invalid.workflow_type, invalid.source) == ("a_v1", "project")
    assert invalid.problem == "metadata.json: is not there"
    with pytest.raises(ConfigurationError, match=r"the workflow 'a_v1' is invalid: metadata\.json: is not there"):
        library.find("a_v1")
    with pytest.raises(NotFoundError):
        library.find("short")
    assert library.moved_on("a_v1", "user", digest) is True


def test_a_stray_folder_in_a_later_root_is_not_hidden_and_blocks_nothing(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write(folder="roots/one/a_v1")
    (tmp_path / "roots/two/a_v1").mkdir(parents=True)
    (entry,) = library.listing().entries
    assert (entry.source, entry.shadows) == ("project", ())


def test_stray_folders_of_a_name_that_no_definition_has_are_ignored(library: Library, tmp_path: Path) -> None:
    for root in ("one", "two"):
        (tmp_path / "roots" / root / "a_v1").mkdir(parents=True)
    assert (library.listing().entries, library.listing().invalid) == ((), ())
    with pytest.raises(NotFoundError):
        library.find("a_v1")


def test_many_problems_are_counted(library: Library, write: Write) -> None:
    write(folder="roots/one/a_v1", name=None, version=None, description=None, workflow_type=None)
    (invalid,) = library.listing().invalid
    assert invalid.problem.endswith("'name' is missing; and 1 more")


@pytest.mark.requirement("format:no-link-leads-out")
def test_a_link_that_leads_out_makes_the_definition_invalid(library: Library, write: Write, tmp_path: Path) -> None:
    path = write(folder="roots/one/a_v1")
    (tmp_path / "secret.md").write_text("secret")
    (path / "core").symlink_to(tmp_path)
    (invalid,) = library.listing().invalid
    assert invalid.problem == "core: is a link that leads out of the definition"


def test_a_dynamic_workflow_that_names_no_source_of_its_plan_is_invalid(library: Library, write: Write) -> None:
    write(folder="roots/one/a_v1", dynamic_phases=True)
    (invalid,) = library.listing().invalid
    assert "source_path_key is missing" in invalid.problem
    with pytest.raises(ConfigurationError, match="source_path_key is missing"):
        library.find("a_v1")


@pytest.mark.requirement("format:strays-beside")
def test_stray_and_hidden_files_beside_the_definitions_are_ignored(library: Library, write: Write) -> None:
    write(folder="roots/one/a_v1")
    write(folder="roots/one/.hidden")
    write(folder="roots/one/notes").joinpath("metadata.json").unlink()
    (write(folder="roots/one/README").parent / "README.md").write_text("x")
    listing = library.listing()
    assert [entry.workflow.workflow_type for entry in listing.entries] == ["a_v1"]
    assert [invalid.workflow_type for invalid in listing.invalid] == ["README"]


def test_a_folder_with_phases_but_no_metadata_is_invalid(library: Library, write: Write) -> None:
    write({"phases/1/phase.md": "x"}, folder="roots/one/a_v1").joinpath("metadata.json").unlink()
    (invalid,) = library.listing().invalid
    assert (invalid.workflow_type, invalid.problem) == ("a_v1", "metadata.json: is not there")


@pytest.mark.parametrize("name", ["Upper", "with space", "-dash", "ümlaut"])
def test_a_folder_whose_name_is_not_safe_is_invalid(library: Library, write: Write, name: str) -> None:
    write(folder=f"roots/one/{name}")
    (invalid,) = library.listing().invalid
    assert "cannot be the name of a workflow" in invalid.problem


@pytest.mark.requirement("format:aliases", "format:folder-of-another-name")
@pytest.mark.parametrize("name", ["short", "declared"])
def test_an_alias_and_the_declared_type_lead_to_the_definition(library: Library, write: Write, name: str) -> None:
    write(folder="roots/two/a_v1", workflow_type="declared", aliases=["short"])
    assert library.find(name).workflow.workflow_type == "a_v1"


@pytest.mark.requirement("format:name-beats-alias")
def test_a_folder_s_name_beats_an_alias_everywhere(library: Library, write: Write) -> None:
    write(folder="roots/one/a_v1", aliases=["b_v1"])
    write(folder="roots/two/b_v1")
    assert library.find("b_v1").workflow.workflow_type == "b_v1"


@pytest.mark.requirement("format:alias-claimed-twice")
def test_an_alias_claimed_twice_is_an_error_that_names_both(library: Library, write: Write) -> None:
    write(folder="roots/one/b_v1", aliases=["same"])
    write(folder="roots/two/a_v1", aliases=["same"])
    with pytest.raises(ConfigurationError, match="the name 'same' is claimed by a_v1 and b_v1"):
        library.find("same")


def test_names_that_several_claim_are_told_of_each_of_them(library: Library, write: Write) -> None:
    first = write(folder="roots/one/b_v1", workflow_type="b_v1", aliases=["same", "own", "c_v1"])
    second = write(folder="roots/two/a_v1", workflow_type="a_v1", aliases=["same", "c_v1"])
    write(folder="roots/two/c_v1", workflow_type="c_v1")
    found = library.contested()
    assert found.keys() == {first, second}
    assert {str(problem) for problems in found.values() for problem in problems} == {
        "metadata.json: the name 'same' is claimed by a_v1 and b_v1"
    }


def test_the_alias_of_a_broken_definition_is_still_its_own(library: Library, write: Write) -> None:
    write({"phases/1/gate-definition.yaml": "["}, folder="roots/one/a_v1", aliases=["same"])
    with pytest.raises(ConfigurationError, match="the workflow 'a_v1' is invalid"):
        library.find("same")


@pytest.mark.parametrize("name", ["test_generaton", "../one", "", "/etc"])
def test_an_unknown_name_is_not_found_and_the_nearest_are_named(library: Library, write: Write, name: str) -> None:
    write(folder="roots/one/test_generation_v3")
    with pytest.raises(NotFoundError) as refused:
        library.find(name)
    wanted = ["test_generation_v3"] if name.startswith("test") else []
    assert refused.value.facts["did_you_mean"] == wanted


@pytest.mark.requirement("format:read-again-when-changed")
def test_a_change_on_disk_is_seen(library: Library, write: Write) -> None:
    age(write(folder="roots/one/a_v1"))
    first = library.find("a_v1")
    assert library.find("a_v1").bundle is first.bundle
    age(write({"phases/1/phase.md": "new"}, folder="roots/one/a_v1"))
    assert library.find("a_v1").workflow.phases[0].instructions == "new"


@pytest.mark.requirement("format:read-again-when-changed")
def test_files_and_folders_that_come_or_go_are_seen(library: Library, write: Write) -> None:
    path = write(folder="roots/one/a_v1")
    age(path)
    assert len(library.find("a_v1").workflow.phases[0].tasks) == 0
    (path / "phases/1").mkdir(parents=True)
    (path / "phases/1/task-1-more.md").write_text("# More\n")
    assert len(library.find("a_v1").workflow.phases[0].tasks) == 1
    age(path)
    library.find("a_v1")
    (path / "phases/1/task-1-more.md").unlink()
    assert len(library.find("a_v1").workflow.phases[0].tasks) == 0
    age(path)
    library.find("a_v1")
    (path / "phases/2").mkdir()
    (path / "phases/2/phase.md").write_text("# Second\n")
    assert library.find("a_v1").workflow.numbers == (1, 2)


def test_another_folder_behind_the_link_of_a_definition_is_seen(library: Library, write: Write, tmp_path: Path) -> None:
    for name, text in (("first", "old"), ("second", "new")):
        age(write({"phases/1/phase.md": text}, folder=f"elsewhere/{name}"))
    link = tmp_path / "roots" / "one" / "a_v1"
    link.parent.mkdir(parents=True)
    for name, text in (("first", "old"), ("second", "new")):
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / "elsewhere" / name)
        assert library.find("a_v1").workflow.phases[0].instructions == text


@pytest.mark.requirement("format:young-files-are-not-trusted")
def test_a_file_that_was_just_written_is_read_again(library: Library, write: Write) -> None:
    path = write({"phases/1/phase.md": "old"}, folder="roots/one/a_v1")
    now = time.time()
    os.utime(path / "phases/1/phase.md", (now, now))
    assert library.find("a_v1").workflow.phases[0].instructions == "old"
    (path / "phases/1/phase.md").write_text("new")
    os.utime(path / "phases/1/phase.md", (now, now))
    assert library.find("a_v1").workflow.phases[0].instructions == "new"


def test_a_definition_that_is_mended_serves_again(library: Library, write: Write) -> None:
    age(write({"metadata.json": "{"}, folder="roots/one/a_v1"))
    assert len(library.listing().invalid) == 1
    age(write(folder="roots/one/a_v1"))
    assert library.listing().invalid == ()


@pytest.mark.requirement("format:moved-on")
def test_a_definition_has_moved_on_when_it_changed_broke_or_went(library: Library, write: Write) -> None:
    path = write(folder="roots/two/a_v1")
    digest = library.find("a_v1").digest
    assert library.moved_on("a_v1", "user", digest) is False
    assert library.moved_on("a_v1", "project", digest) is True
    write({"README.md": "x"}, folder="roots/two/a_v1")
    assert library.moved_on("a_v1", "user", digest) is True
    (path / "README.md").unlink()
    assert library.moved_on("a_v1", "user", digest) is False
    (path / "metadata.json").write_text("{")
    assert library.moved_on("a_v1", "user", digest) is True
    assert library.moved_on("gone", "user", digest) is True


def test_a_definition_has_moved_on_when_another_place_took_its_name(library: Library, write: Write) -> None:
    write(folder="roots/two/a_v1")
    digest = library.find("a_v1").digest
    write(folder="roots/one/a_v1")
    assert library.moved_on("a_v1", "user", digest) is True


def test_many_threads_see_the_same(library: Library, write: Write) -> None:
    for number in range(5):
        age(write(folder=f"roots/one/w{number}"))
    names = [f"w{number % 5}" for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        found = {name: digest.digest for name, digest in zip(names, pool.map(library.find, names), strict=True)}
    assert found == {name: library.find(name).digest for name in names}
    assert len(set(found.values())) == 5
