"""The self-test proves a product that works, and does not hide one that does not."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli import scenes, selftest
from mcp_server.cli.evidence import Lie, Step, honest_evidence
from mcp_server.cli.rehearsal import Rehearsal
from mcp_server.cli.scenes import Scene, person_at
from mcp_server.cli.selftest import Latency, SelfTest, run_selftest
from mcp_server.cli.selftest_report import GROUPS, markdown
from mcp_server.cli.terminal import Played
from mcp_server.cli.wire import Wire, WireError
from mcp_server.dispatch import dispatch
from tests.cli.support import Cli
from tests.support import ACTIONS, Body, Home, tree

SHIPPED = {honest.workflow: len(honest.evidence) for honest in honest_evidence()}


PLAIN = tuple(honest for honest in honest_evidence() if honest.workflow == "small_change_v1")
"""The workflow that every chapter can be played with, at the least cost."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The tool in this process, in a project of that workflow, and a person at a terminal there."""
    home = Home.make(tmp_path)
    PLAIN[0].write_files(home.project)
    engine = home.engine()
    return Scene(
        PLAIN[0],
        home.project,
        lambda arguments: dispatch(engine, arguments).body,
        person_at(home.project, home.user),
    )


@pytest.mark.acceptance
def test_it_leads_a_real_server_through_everything_and_writes_the_report(cli: Cli, tmp_path: Path) -> None:
    before = cli.home.tree()
    ran = cli("doctor", "--selftest", "--report", str(tmp_path / "report.md"))
    assert ran.code == 0, ran.err
    assert "Passed; the report is in" in ran.out
    report = (tmp_path / "report.md").read_text()
    assert "❌" not in report
    assert "All 14 actions tested: ✅" in report
    lies = sum(len(step.lies) for honest in honest_evidence() for step in honest.steps.values())
    assert lies > 10
    assert f"and was found out, each by what should: {lies}" in report
    for workflow, phases in SHIPPED.items():
        assert f"Workflow {workflow} completed ({phases} phases): ✅" in report
    for action in ACTIONS:
        assert f"| {action} | " in report
    assert "## Issues found\n\nNone." in report
    assert report.endswith("✅ Approve for use on this machine\n")
    assert cli.home.tree() == before


@pytest.mark.integration
def test_a_rehearsal_calls_every_action_and_completes_its_workflow(scene: Scene) -> None:
    rehearsal = Rehearsal(PLAIN)
    assert rehearsal.play(scene)
    assert rehearsal.issues == []
    assert rehearsal.succeeded == set(ACTIONS)
    assert rehearsal.completed == {"small_change_v1": 2}
    assert set(rehearsal.seconds) >= set(ACTIONS)


BREAKAGES: list[tuple[str, dict[str, Any]]] = [
    ("list_workflows", {"workflows": []}),
    ("list_workflows", {"invalid": [{"workflow_type": "x", "problem": "y"}]}),
    ("start", {"session_id": "another"}),
    ("get_phase", {"current_phase": 99}),
    ("get_task", {"status": "error", "error_type": "RuntimeError", "error": "broken"}),
    ("complete_phase", {"checkpoint_passed": False}),
    ("get_errors", {"error_count": 0}),
    ("list_sessions", {"corrupt": [{"session_id": "x", "finding": "torn"}]}),
    ("get_session", {"session": {"phase_history": []}}),
    ("delete_session", {"deleted": False}),
    ("delete_session", {"deleted": True}),
    ("get_state", {"current_phase": 99}),
    ("get_state", {"session_status": "active"}),
]


@pytest.mark.integration
@pytest.mark.parametrize(("action", "wrong"), BREAKAGES, ids=str)
def test_an_action_that_answers_wrongly_is_found_and_the_rest_is_still_tried(
    scene: Scene, action: str, wrong: dict[str, Any]
) -> None:
    def call(arguments: Body) -> Body:
        body = scene.call(arguments)
        return body | wrong if arguments["action"] == action and body["status"] == "success" else body

    rehearsal = Rehearsal(PLAIN)
    assert rehearsal.play(replace(scene, call=call))
    assert rehearsal.failed or rehearsal.issues
    assert any(issue.startswith(("complete_phase", "rollback", action)) for issue in rehearsal.issues)
    assert {"list_workflows", "start", "list_sessions"} <= set(rehearsal.seconds)


@pytest.mark.integration
def test_a_refusal_that_does_not_come_is_found(scene: Scene) -> None:
    def call(arguments: Body) -> Body:
        return {**scene.call(arguments), "error_type": "RuntimeError"}

    rehearsal = Rehearsal(PLAIN)
    rehearsal.play(replace(scene, call=call))
    assert "no_such_action: should have been refused with ValueError, and came to RuntimeError" in rehearsal.issues


@pytest.mark.integration
def test_a_broken_conversation_ends_the_rehearsal(scene: Scene) -> None:
    def call(_: Body) -> Body:
        raise WireError("no answer")

    rehearsal = Rehearsal(PLAIN)
    assert not rehearsal.play(replace(scene, call=call))
    assert rehearsal.issues == ["The conversation broke: no answer."]


@pytest.mark.integration
def test_a_command_that_goes_wrong_at_the_terminal_is_found(scene: Scene) -> None:
    def person(*arguments: str) -> Played:
        return scene.person(*arguments, "--no-such-flag")

    rehearsal = Rehearsal(PLAIN)
    assert rehearsal.play(replace(scene, person=person))
    assert rehearsal.issues[0].startswith("trust: pos-workflow trust ended with exit code 2: ")


AT = "complete_phase: phase 2 of small_change_v1"
LYING = Lie("a lie", {"prices.py": None, "new.py": "x = 1\n"}, {"exit_code_after": 1}, ())


@pytest.mark.integration
@pytest.mark.parametrize(
    ("lie", "issues"),
    [
        (replace(LYING, refused_by=("exit_code_after",)), []),
        (
            replace(LYING, refused_by=("x",)),
            [f"{AT}, a lie: refused by exit_code_after, files_changed instead of x"],
        ),
    ],
    ids=["found out", "by something else"],
)
def test_a_lie_has_to_be_found_out_by_what_it_is_said_to_be(scene: Scene, lie: Lie, issues: list[str]) -> None:
    before = tree(scene.project)
    honest = replace(scene.honest, steps={2: Step({}, (lie,))})
    rehearsal = Rehearsal([honest])
    rehearsal.play(replace(scene, honest=honest))
    assert rehearsal.issues == issues
    now = tree(scene.project)
    assert {name: now[name] for name in before} == before
    assert "project/new.py" not in now


@pytest.mark.integration
def test_the_work_of_a_phase_is_done_before_it_is_handed_in(scene: Scene) -> None:
    files = {"prices.py": None, "new.py": "x = 1\n"}
    honest = replace(
        scene.honest,
        steps={2: Step(files)},
        evidence=scene.honest.evidence
        | {2: scene.honest.evidence[2] | {"files_changed": ["new.py"], "unplanned": {"new.py": "it is a new file"}}},
    )
    rehearsal = Rehearsal([honest])
    rehearsal.play(replace(scene, honest=honest))
    assert rehearsal.issues == []
    assert not (scene.project / "prices.py").exists()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("command", "issue"),
    [
        (("python", "-c", "open('made', 'w').close()"), None),
        (("python", "-c", "raise SystemExit('it is broken')"), "ended with exit code 1: it is broken"),
        (("pos-workflow", "workflows", "no_such_workflow"), "pos-workflow workflows ended with exit code 1"),
    ],
    ids=["done", "failed", "refused"],
)
def test_the_commands_of_a_phase_are_run_in_the_project(
    scene: Scene, command: tuple[str, ...], issue: str | None
) -> None:
    honest = replace(scene.honest, steps={2: Step(commands=(command,))})
    rehearsal = Rehearsal([honest])
    rehearsal.play(replace(scene, honest=honest))
    assert (scene.project / "made").exists() == (issue is None)
    assert any(issue in found for found in rehearsal.issues) if issue else rehearsal.issues == []


@pytest.mark.integration
def test_a_median_over_the_target_leaves_out_the_time_of_the_checks(scene: Scene) -> None:
    def call(arguments: Body) -> Body:
        body = scene.call(arguments)
        return body | {"checks": [{"id": "x", "status": "passed"}]} if "checks" in body else body

    rehearsal = Rehearsal(PLAIN)
    assert rehearsal.play(replace(scene, call=call))
    assert rehearsal.issues == []
    # What is left is the attempt at a paused session, which is refused before anything is judged.
    assert len(rehearsal.seconds["complete_phase"]) == 1


@pytest.mark.unit
def test_the_report_shows_what_is_broken_and_recommends_against_it() -> None:
    actions = dict.fromkeys(ACTIONS, True) | {"rollback": False}
    slow = Latency("list_workflows", 5, 120.0, 180.0)
    outcome = SelfTest(
        at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        start_seconds=1.5,
        actions=actions,
        latencies=(slow,),
        shipped=SHIPPED,
        completed={"small_change_v1": 2},
        refusals=3,
        found_out=2,
        issues=("rollback: broken",),
    )
    report = markdown(outcome)
    assert "- Date: 2026-01-02 03:04 UTC" in report
    assert "- [ ] Recovery actions (3): ❌ rollback" in report
    assert "- [x] Execution actions (5): ✅" in report
    assert "- [ ] Workflow spec_creation_v1 completed (3 phases): ❌" in report
    assert "| list_workflows | 5 | 120.0 ms | 180.0 ms | < 100 ms | ❌ |" in report
    assert "- rollback: broken" in report
    assert "❌ Do not use it here" in report


@pytest.mark.unit
def test_every_action_belongs_to_one_group_of_the_report() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(ACTIONS)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which the program does not start."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'cannot start' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))


@pytest.mark.integration
def test_a_server_that_does_not_start_is_an_issue_with_what_it_logged(no_server: None, cli: Cli) -> None:
    ran = cli("doctor", "--selftest")
    assert ran.code == 1
    assert "The server does not start" in ran.err
    assert "The server ended with exit code 3 instead of 0." in ran.err
    assert "The server logged: cannot start" in ran.err
    assert "❌ Do not use it here" in ran.out


@pytest.mark.integration
def test_a_median_over_the_target_is_an_issue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "LIMIT_MS", 0)
    issues = run_selftest(PLAIN).issues
    assert any(issue.startswith("start takes ") for issue in issues)


@pytest.mark.integration
def test_a_report_that_cannot_be_written_is_printed_instead(no_server: None, cli: Cli, tmp_path: Path) -> None:
    ran = cli("doctor", "--selftest", "--report", str(tmp_path / "no" / "report.md"))
    assert ran.code == 1
    assert ran.out.startswith("# pos_workflow validation report")
    assert "cannot be written: No such file" in ran.err


@pytest.mark.integration
def test_the_scratch_folder_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run_selftest(PLAIN)
    assert tree(tmp_path) == {}


def test_an_impatient_person_leaves_neither_a_server_nor_a_folder_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []

    class Watched(Wire):
        def close(self) -> int:
            codes.append(super().close())
            return codes[-1]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scenes, "Wire", Watched)
    monkeypatch.setattr(Rehearsal, "play", interrupted)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        selftest.run_selftest()
    assert codes == [0]
    assert list(tmp_path.iterdir()) == []
