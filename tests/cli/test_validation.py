"""Validating definitions: every problem with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.shipped_evidence import WORKFLOWS
from tests.support import Home

pytestmark = pytest.mark.integration

SHIPPED = len(list(WORKFLOWS.glob("*/metadata.json")))
BROKEN_GATE = "evidence_schema:\n  done: {type: strin}\n"


@pytest.fixture
def broken(home: Home) -> Path:
    """A definition with an error in the second line of its gate, and a warning."""
    home.define("broken", [{"number": 1, "text": "# One\n"}])
    folder = home.definitions / "broken"
    (folder / "phases/1/gate-definition.yaml").write_text(BROKEN_GATE)
    (folder / "phases/1/stray.txt").write_text("?")
    return folder


def test_without_a_name_every_definition_is_validated(cli: Cli) -> None:
    ran = cli("validate")
    assert ran.code == 0
    assert "steps (project): valid" in ran.out
    assert "test_generation_v3 (bundled): valid" in ran.out
    assert f"{SHIPPED + 3} definitions: 0 errors" in ran.out


def test_every_problem_has_its_file_and_line(cli: Cli, broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cli.home.project)
    ran = cli("validate", "broken")
    assert ran.code == 1
    assert "broken (project): invalid: 1 error, 1 warning" in ran.out
    assert ".praxis-os/workflows/broken/phases/1/gate-definition.yaml:2: error: " in ran.out
    assert "stray.txt: warning: " in ran.out
    monkeypatch.chdir(cli.home.user)
    assert f"{broken}/phases/1/gate-definition.yaml:2: error: " in cli("validate", "broken").out


def test_a_problem_is_explained_with_its_reason_and_its_mending(cli: Cli, broken: Path) -> None:
    lines = cli("validate", "broken").out.splitlines()
    at = next(number for number, line in enumerate(lines) if ":2: error: " in line)
    assert lines[at].endswith("error: there is no type 'strin'")
    assert lines[at + 1] == (
        "      why: A gate that cannot be judged would open for nobody, so start refuses the whole definition."
    )
    assert lines[at + 2].startswith("      fix: Use one of boolean, ")


def test_a_name_that_two_definitions_claim_is_a_warning_for_both(cli: Cli) -> None:
    for name in ("one_v1", "two_v1"):
        cli.home.define(name, [{"number": 1}], aliases=["shared"])
    ran = cli("validate", "--json")
    shown = {one["workflow_type"]: one["problems"] for one in ran.json["definitions"]}
    told = [problem["message"] for name in ("one_v1", "two_v1") for problem in shown[name] if "shared" in str(problem)]
    assert told == ["the name 'shared' is claimed by one_v1 and two_v1"] * 2


def test_with_strict_a_warning_fails_the_run(cli: Cli, broken: Path) -> None:
    (broken / "phases/1/gate-definition.yaml").write_text("evidence_schema:\n  count: {type: integer}\n")
    assert cli("validate", "broken").code == 0
    assert cli("validate", "broken", "--strict").code == 1
    (broken / "phases/1/stray.txt").unlink()
    assert cli("validate", "broken", "--strict").code == 0


def test_a_plan_is_validated_by_itself_and_shown_as_it_is_read(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "tasks.md"
    path.write_text("## Phase 1: Build\n\n- [ ] **Task 1.1**: Write\n\n## Phase 2: Ship\n\n- [ ] **Task 2.1**: Go\n")
    ran = cli("validate", str(path))
    assert ran.code == 0
    assert "phase 1  Build (line 1)\n├── task 1.1  Write (line 3)\n└── gate: summary\n" in ran.out
    assert f"{path}:5: warning: the phase 2 has no gate" in ran.out
    assert "1 plan: 0 errors, 2 warnings." in ran.out
    assert cli("validate", str(path), "--strict").code == 1
    shown = cli("validate", str(path), "--json").json
    assert (shown["definitions"], shown["warnings"]) == ([], 2)
    assert shown["plans"][0]["phases"][1]["tasks"] == [{"label": "2.1", "title": "Go", "line": 7}]
    assert shown["plans"][0]["problems"][0]["why"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("metadata.json", "is a part of a definition"),
        ("gate-definition.yaml", "is a part of a definition"),
        ("notes.txt", "a plan is a file that ends with one of"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_what_to_name(cli: Cli, tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text("{}")
    ran = cli("validate", str(tmp_path / name))
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


def test_one_broken_definition_makes_the_whole_run_fail(cli: Cli, broken: Path) -> None:
    ran = cli("validate")
    assert ran.code == 1
    assert f"{SHIPPED + 4} definitions: 1 error, " in ran.out


def test_problems_as_json(cli: Cli, broken: Path) -> None:
    ran = cli("validate", str(broken), "--json")
    assert ran.code == 1
    (shown,) = ran.json["definitions"]
    assert (shown["workflow_type"], shown["source"], shown["valid"]) == ("broken", "path", False)
    assert {(one["severity"], one["line"]) for one in shown["problems"]} == {("error", 2), ("warning", None)}
    assert (ran.json["errors"], ran.json["warnings"]) == (1, 1)
    assert all(one["why"] and one["hint"] for one in shown["problems"])
    assert ran.json["plans"] == []


def test_a_definition_is_found_by_its_path_its_name_or_its_alias(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    by_path = cli("validate", str(cli.home.definitions / "steps"), "--json").json["definitions"][0]
    for name in ("steps", "stairs"):
        assert cli("validate", name, "--json").json["definitions"][0]["path"] == by_path["path"]
    monkeypatch.chdir(cli.home.definitions / "steps")
    assert cli("validate", ".", "--json").json["definitions"][0] == by_path


def test_a_folder_that_is_not_there_or_has_no_name_for_a_workflow_is_invalid(cli: Cli) -> None:
    assert cli("validate", "./not/there").code == 1
    cli.home.define("Bad Name", [{"number": 1}])
    ran = cli("validate", "Bad Name")
    assert ran.code == 1
    assert "the name of the folder" in ran.out


def test_a_name_that_nobody_has_is_an_error(cli: Cli) -> None:
    ran = cli("validate", "stepz")
    assert ran.code == 1
    assert "no workflow 'stepz'" in ran.err


def test_an_empty_folder_that_blocks_a_name_is_shown_with_its_problem(cli: Cli) -> None:
    (cli.home.project / ".praxis-os" / "workflows" / "small_change_v1").mkdir(parents=True)
    for arguments in ((), ("small_change_v1",)):
        ran = cli("validate", *arguments)
        assert ran.code == 1
        assert "small_change_v1 (project): invalid" in ran.out
        assert "metadata.json" in ran.out
