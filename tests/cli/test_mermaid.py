"""A workflow as a diagram: every phase and gate, the ways back, and no title that breaks it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli.mermaid import MAX_PHASES, flowchart, label
from mcp_server.domain.definition import Field, Gate, Phase, PlanSource, Workflow
from tests.cli.support import Cli
from tests.diagrams.mermaid import HOSTILE, rendered

GATE = Gate(fields=(Field(name="done"),), origin="file")
LINE = re.compile(
    r'    (?:%% .*|\w+(?:\(\["[^"]*"\]\)|\[\["[^"]*"\]\]|\["[^"]*"\]|\{"[^"]*"\})|\w+ (?:-->|-\.->)(?:\|[^|]*\|)? \w+)'
)


def workflow(*phases: Phase, name: str = "Sample", **more: Any) -> Workflow:
    return Workflow(
        workflow_type="w",
        declared_type="w",
        version="1",
        name=name,
        description="d",
        phases=phases,
        start_phase=1,
        **more,
    )


def hostile() -> Workflow:
    """Titles, names and conditions that mean something to Mermaid, to Markdown or to HTML."""
    phases = [
        Phase(
            number=place,
            title=text,
            gate=Gate(fields=(Field(name=text or "x"),), origin="file"),
            skippable=True,
            skip_condition=f"options['{place}'] == {text!a}",
        )
        for place, text in enumerate(HOSTILE, start=1)
    ]
    return workflow(*phases, name="1. end")


@pytest.mark.unit
def test_phases_gates_and_the_ways_back_are_drawn() -> None:
    back = GATE.model_copy(update={"rollback_to": 1})
    text = flowchart(workflow(Phase(number=1, title="Look", gate=GATE), Phase(number=3, title="Do", gate=back)))
    assert text.splitlines()[0] == "flowchart TD"
    for line in (
        'p1["Phase 1: Look<br/>0 tasks"]',
        'g1{"Gate<br/>done"}',
        "begin --> p1",
        "p1 --> g1",
        "g1 -->|passed| p3",
        "g3 -->|passed| done",
        "p3 -.->|rollback| p1",
        "g3 -.->|no-go| p1",
    ):
        assert f"    {line}\n" in text


@pytest.mark.unit
def test_a_phase_that_may_be_skipped_has_a_way_past_it_and_a_note_has_none() -> None:
    text = flowchart(
        workflow(
            Phase(number=1, title="A", gate=GATE, skippable=True, skip_condition="options['fast']"),
            Phase(number=2, title="B", gate=GATE, skippable=True, skip_condition="when the person says so"),
        )
    )
    assert "    p1 -.->|\"skipped if options#91;'fast'#93;\"| p2\n" in text
    assert '    p2 -.->|"skipped' not in text


@pytest.mark.unit
def test_without_its_plan_a_dynamic_workflow_has_one_box_for_it_before_the_closing_phases() -> None:
    plan = PlanSource(option="spec_path", parser="spec_tasks_parser")
    fixed, closing = Phase(number=0, title="Read", gate=GATE), Phase(number=1, title="End", gate=GATE)
    text = flowchart(workflow(fixed, closing, plan=plan), closing=1)
    assert "    g0 -->|passed| plan\n" in text
    assert "    plan --> p1\n" in text
    assert '    p1["Closing phase: End<br/>0 tasks"]\n' in text


@pytest.mark.unit
def test_every_line_is_one_that_mermaid_has_whatever_the_titles_say() -> None:
    lines = flowchart(hostile()).splitlines()[1:]
    assert [line for line in lines if not LINE.fullmatch(line)] == []


@pytest.mark.unit
@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_holds_nothing_that_is_syntax(text: str) -> None:
    said = label(text)
    assert not re.search(r'["<>&;#`\[\]{}|*~@$\\^%]', re.sub(r"#\d+;", "", said))
    assert len(re.sub(r"#\d+;", "x", said)) <= 80


@pytest.mark.unit
def test_more_phases_than_mermaid_draws_are_refused() -> None:
    phases = [Phase(number=n, title="P", gate=GATE, skippable=True, skip_condition="options['x']") for n in range(101)]
    assert flowchart(workflow(*phases[:MAX_PHASES])).count("->") <= 500
    with pytest.raises(ValueError, match="101 phases are more than the 100"):
        flowchart(workflow(*phases))


@pytest.mark.integration
def test_the_program_prints_the_diagram_of_a_workflow_and_of_its_plan(cli: Cli, tmp_path: Path) -> None:
    assert cli("workflows", "steps", "--mermaid").out.startswith("flowchart TD\n    begin([")
    assert "option spec_path" in cli("workflows", "spec_execution_v1", "--mermaid").out
    (tmp_path / "tasks.md").write_text("## Phase 1: Build\n\n- [ ] **Task 1.1**: Write\n")
    ran = cli("workflows", "spec_execution_v1", "--mermaid", "--plan", str(tmp_path))
    assert '    p1["Phase 1: Build<br/>1 task"]\n' in ran.out
    assert "option spec_path" not in ran.out
    assert (
        cli("workflows", "spec_execution_v1", "--plan", str(tmp_path), "--json").json["phases"][1]["title"] == "Build"
    )


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--mermaid"], 2, "needs the workflow's name"),
        (["steps", "--plan", "x"], 1, "steps takes no plan"),
        (["spec_execution_v1", "--plan", "nowhere/tasks.md"], 1, "leads to no plan"),
    ],
)
def test_what_cannot_be_drawn_is_said(cli: Cli, arguments: list[str], code: int, said: str) -> None:
    ran = cli("workflows", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


@pytest.mark.integration
def test_a_plan_with_an_error_is_named_with_its_line(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "tasks.md"
    path.write_text("## Phase 1: A\n\n- [ ] **Task 1.1**: X\n\n## Phase 1: B\n\n- [ ] **Task 1.2**: Y\n")
    ran = cli("workflows", "spec_execution_v1", "--plan", str(path))
    assert ran.code == 1
    assert "tasks.md:5: the phase 1 is there twice" in ran.err


@pytest.mark.acceptance
def test_mermaid_itself_draws_what_ships_and_every_title_as_it_is(cli: Cli) -> None:
    shipped = ("small_change_v1", "spec_creation_v1", "spec_execution_v1", "test_generation_v3")
    texts = [cli("workflows", name, "--mermaid").out for name in shipped]
    *drawn, labels = rendered([*texts, flowchart(hostile())])
    assert all(drawn)
    for place, text in enumerate(HOSTILE, start=1):
        shown = " ".join(f"Phase {place}: {text}".split())
        if len(shown) <= 80:
            assert f"{shown} | 0 tasks" in labels
    assert "Start | 1. end" in labels
