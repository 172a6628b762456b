"""What is filled in stays inside its own argument, its path, its glob."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.checks.arguments import Values, literal
from mcp_server.checks.files import ProjectFiles
from mcp_server.checks.probes import ProjectProbes
from mcp_server.domain.checking import CheckPlan

pytestmark = pytest.mark.unit

PLAN = CheckPlan(
    values={
        "target_file": "./src/a b; rm -rf $HOME.py",
        "options.test": "./tests/-x.py",
        "session_id": "s-1",
        "phase": "2",
    },
    fragments={"options.runner": ("-m", "pytest"), "options.mode": ("quick",), "options.none": ()},
)


def inside(_: str) -> bool:
    return True


def values(where: Callable[[str], bool] = inside) -> Values:
    return Values(PLAN, where)


def test_a_value_stays_one_argument_whatever_it_holds() -> None:
    argv = values().argv(["python", "{target_file}", "--test={options.test}", "{session_id}-{phase}"])
    assert argv == ("python", "./src/a b; rm -rf $HOME.py", "--test=./tests/-x.py", "s-1-2")


def test_places_are_filled_in_for_one_run() -> None:
    places = {"project": "/p", "match": "./a\nb", "definition": "/d"}
    argv = values().argv(["x", "{project}/bin", "{match}", "{definition}/a"], places)
    assert argv == ("x", "/p/bin", "./a\nb", "/d/a")


def test_a_value_is_not_filled_in_again() -> None:
    plan = CheckPlan(values={"target_file": "./{session_id}.py", "session_id": "s-1"})
    assert Values(plan, inside).argv(["x", "{target_file}"]) == ("x", "./{session_id}.py")


def test_doubled_braces_stand_for_themselves() -> None:
    assert values().argv(["x", "{{target_file}}", "{}", "{a,b}"]) == ("x", "{target_file}", "{}", "{a,b}")


def test_a_choice_may_be_several_arguments_or_none() -> None:
    assert values().argv(["python", "{options.runner}", "{options.none}", "-q"]) == ("python", "-m", "pytest", "-q")


def test_a_choice_of_one_argument_fits_into_another() -> None:
    assert values().argv(["x", "--mode={options.mode}", "{options.mode}"]) == ("x", "--mode=quick", "quick")


def test_a_choice_of_several_does_not_fit_into_another() -> None:
    with pytest.raises(LookupError, match="stands for 2 arguments, so it has to be an argument of its own"):
        values().argv(["x", "--runner={options.runner}"])


@pytest.mark.parametrize("run", [[], [""], ["{options.none}"]])
def test_a_command_without_a_program_is_none(run: list[str]) -> None:
    with pytest.raises(LookupError, match="it names no program"):
        values().argv(run)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{options.gone}", "the option 'gone' was not given, or its path leads out of the project"),
        ("{nonsense}", "{nonsense} has no value"),
        ("{match}", "{match} has no value"),
    ],
)
def test_what_has_no_value_is_named(text: str, problem: str) -> None:
    for fill in (lambda: values().argv(["x", text]), lambda: values().path(text), lambda: values().glob(text)):
        with pytest.raises(LookupError) as error:
            fill()
        assert problem in str(error.value)


def test_a_path_that_leads_out_by_now_has_no_value(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    plan = CheckPlan(values={"target_file": "./src/a.py", "session_id": "../no-path"})
    probes = ProjectProbes(root)
    assert Values(plan, probes.inside).argv(["x", "{target_file}"]) == ("x", "./src/a.py")
    (root / "src").rmdir()
    (root / "src").symlink_to(tmp_path)
    moved = Values(plan, probes.inside)
    with pytest.raises(LookupError, match="leads out of the project"):
        moved.argv(["x", "{target_file}"])
    assert moved.argv(["x", "{session_id}"]) == ("x", "../no-path")


@pytest.mark.parametrize("name", ["a*b", "a?b", "[ab]", "a\\b", "plain", "{x}"])
def test_a_path_in_a_glob_means_itself(tmp_path: Path, name: str) -> None:
    for other in ("aab", "a", "b", "ab", name):
        (tmp_path / other).touch()
    plan = CheckPlan(values={"target_file": f"./{name}"})
    glob = Values(plan, inside).glob("{target_file}")
    assert ProjectFiles(tmp_path).matching(glob) == (name,)
    assert ProjectFiles(tmp_path).matching(literal(name)) == (name,)
