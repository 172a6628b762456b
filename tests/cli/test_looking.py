"""Looking at workflows and sessions, as tables for people and JSON for programs."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from mcp_server import app
from mcp_server.definitions.folder import read_folder
from mcp_server.domain.authority import Authority
from tests.cli.support import PATIENCE, Cli, command, forge, run_on_terminal, run_process
from tests.support import PASSING, Ask, Home, arrange, bare_environment, field

pytestmark = pytest.mark.integration

SHIPPED = {path.parent.name for path in app.bundled_workflows().glob("*/metadata.json")}


def test_workflows_lists_what_can_be_started_and_names_what_cannot(cli: Cli) -> None:
    cli.home.write({".praxis-os/workflows/broken/metadata.json": "{"})
    ran = cli("workflows")
    assert ran.code == 0
    for name in SHIPPED | {"steps", "guarded", "strict"}:
        assert name in ran.out
    assert "broken does not load" in ran.err
    assert "pos-workflow validate broken" in ran.err
    listed = cli("workflows", "--json").json
    assert {one["workflow_type"] for one in listed["workflows"]} == SHIPPED | {"steps", "guarded", "strict"}
    assert [one["workflow_type"] for one in listed["invalid"]] == ["broken"]


def test_workflows_says_when_a_definition_hides_another(cli: Cli) -> None:
    cli.home.define("small_change_v1", [{"number": 1}])
    assert "project (hides bundled)" in cli("workflows").out
    assert "(project, hides bundled)" in cli("workflows", "small_change_v1").out


def test_a_workflow_is_drawn_with_its_tasks_and_what_each_gate_requires(cli: Cli) -> None:
    ran = cli("workflows", "steps")
    assert ran.code == 0
    assert "steps 1.0.0 (project): The steps workflow" in ran.out
    assert ran.out.count("1  Look") == 3
    assert ran.out.count("gate: done") == 3
    assert "blocked, needs quorum" in cli("workflows", "guarded").out


@pytest.mark.requirement("format:unknown-keys-are-shown")
@pytest.mark.requirement("format:reference-material-is-listed")
def test_what_a_definition_brings_beside_its_phases_is_shown(cli: Cli) -> None:
    gate = {
        "evidence_schema": {"note": field()},
        "checks": [{"id": "unit", "run": ["{options.how}"], "pass": {"exit_code": 0}}],
        "protected_paths": ["tests/**"],
        "approval": True,
    }
    options = {"how": {"choice": ["pytest", "unittest"], "default": "pytest"}}
    cli.home.define("rich", [{"number": 1, "gate": gate}], options=options, house_rule="be brief")
    cli.home.write(
        {f".praxis-os/workflows/rich/{name}": "x" for name in ("README.md", "core/guide.md", "supporting-docs/a.md")}
    )
    shown = cli("workflows", "rich").out
    assert "gate: note; checks unit; keeps tests/**; a person approves" in shown
    assert "option how: one of pytest, unittest; default pytest" in shown
    for name in ("README.md", "core/guide.md", "supporting-docs/a.md"):
        assert f"also there: {name}" in shown
    told = cli("workflows", "rich", "--json").json
    assert told["metadata"]["house_rule"] == "be brief"
    assert told["further_files"] == ["README.md", "core/guide.md", "supporting-docs/a.md"]
    assert told["phases"][0]["checks"] == ["unit"]


def test_a_workflow_is_copied_file_by_file_into_a_new_folder(cli: Cli, tmp_path: Path) -> None:
    copy = tmp_path / "new" / "copy"
    ran = cli("workflows", "steps", "--copy-to", str(copy))
    assert (ran.code, ran.out.split()[:2]) == (0, ["Copied", str(len(read_folder(copy).bundle.files))])
    assert read_folder(copy).bundle.files == read_folder(cli.home.definitions / "steps").bundle.files


def test_a_copy_overwrites_nothing_and_needs_a_name(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    ran = cli("workflows", "steps", "--copy-to", str(tmp_path / "mine"))
    assert (ran.code, list((tmp_path / "mine").iterdir())) == (1, [])
    assert "is there already" in ran.err
    assert cli("workflows", "--copy-to", str(tmp_path / "new")).code == 2


def test_a_gate_shows_what_is_optional_and_when_nothing_is_required(cli: Cli) -> None:
    optional = {"type": "string", "required": False}
    cli.home.define("loose", [{"number": 1, "gate": {"evidence_schema": {"note": optional}}}])
    assert "gate: no evidence is required (1 optional)" in cli("workflows", "loose").out


def test_no_workflows_at_all_are_told_as_such(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.rmtree(cli.home.definitions)
    monkeypatch.setattr(app, "bundled_workflows", lambda: tmp_path)
    assert cli("workflows").out == "There are no workflows.\n"


def test_a_workflow_as_json_is_found_by_its_alias(cli: Cli) -> None:
    shown = cli("workflows", "stairs", "--json").json
    assert shown["workflow_type"] == "steps"
    assert [phase["required_evidence"] for phase in shown["phases"]] == [["done"]] * 3
    assert shown["phases"][0]["tasks"] == [{"task_number": 1, "title": "Look"}, {"task_number": 2, "title": "Do"}]


def test_a_workflow_that_is_not_there_is_an_error(cli: Cli) -> None:
    ran = cli("workflows", "stepz")
    assert ran.code == 1
    assert ran.out == ""
    assert "no workflow 'stepz'" in ran.err


def test_no_sessions_are_told_as_such(cli: Cli) -> None:
    assert cli("sessions").out == "There are no sessions.\n"
    assert cli("sessions", "--status", "failed").out == "There are no failed sessions.\n"
    assert cli("sessions", "--json").json == {"sessions": [], "corrupt": []}


def test_sessions_are_listed_newest_first_and_by_status(cli: Cli, ask: Ask) -> None:
    ids = [arrange(ask, state) for state in ("open", "failed", "completed")]
    lines = cli("sessions").out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ids[::-1]
    assert "2 of 3" in lines[1]
    only = cli("sessions", "--status", "failed", "--json").json
    assert [one["session_id"] for one in only["sessions"]] == [ids[1]]


def test_a_session_that_cannot_be_trusted_is_named_beside_the_others(cli: Cli, ask: Ask) -> None:
    good, bad = arrange(ask, "open"), arrange(ask, "open")
    forge(cli.home, bad)
    ran = cli("sessions")
    assert ran.code == 0
    assert good in ran.out
    assert bad not in ran.out
    assert f"{bad} cannot be trusted" in ran.err
    assert [one["session_id"] for one in cli("sessions", "--json").json["corrupt"]] == [bad]


def test_where_no_session_can_be_trusted_it_is_not_said_that_there_is_none(cli: Cli, ask: Ask) -> None:
    forge(cli.home, arrange(ask, "open"))
    assert cli("sessions").out == ""


@pytest.mark.acceptance
@pytest.mark.parametrize("columns", [80, 60, 20])
def test_no_terminal_is_too_narrow_for_a_whole_id(home: Home, ask: Ask, columns: int) -> None:
    target = "a_folder/a_file_in_it.py"
    session = ask(action="start", workflow_type="steps", target_file=target)["session_id"]
    ran = run_on_terminal(home, "sessions", columns=columns)
    assert session in ran.out
    assert ("active" in ran.out) == (columns == 80)


def test_what_is_piped_is_not_padded(cli: Cli, ask: Ask, failed: str) -> None:
    arrange(ask, "open")
    for arguments in (["errors", failed], ["sessions"], ["doctor"]):
        assert [line for line in cli(*arguments).out.splitlines() if line.endswith(" ")] == []


def test_a_session_whose_file_was_removed_is_named(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    (cli.home.state / "workflows" / f"{session}.json").unlink()
    assert f"{session} cannot be trusted: tampered: its files are gone" in cli("sessions").err
    assert [one["session_id"] for one in ask(action="list_sessions")["corrupt"]] == [session]


@pytest.mark.parametrize("state", ["open", "refused", "blocked", "paused", "failed", "completed"])
def test_a_session_shows_its_record_its_history_and_a_summary(cli: Cli, ask: Ask, state: str) -> None:
    session = arrange(ask, state)
    ran = cli("session", session)
    assert ran.code == 0
    assert session in ran.out
    assert "attested" in ran.out
    assert "Completed: 1" in ran.out
    shown = cli("session", session, "--json").json
    record = ask(action="get_session", session_id=session)["session"]
    assert shown["session"] == record
    assert shown["summary"] == ask(action="get_state", session_id=session)["summary"]


def test_a_session_and_its_events_name_the_phases_that_were_skipped(cli: Cli, ask: Ask) -> None:
    condition = "options.get('size') == 'small'"
    gate = {"evidence_schema": {"done": field()}}
    skippable = {"gate": gate, "skippable": True, "skip_condition": condition}
    cli.home.define("fitted", [{"number": 1, **skippable}, {"number": 2, "gate": gate}, {"number": 3, **skippable}])
    session = ask(action="start", workflow_type="fitted", target_file=".", options={"size": "small"})["session_id"]
    ask(action="complete_phase", session_id=session, phase=2, evidence=PASSING)
    shown = cli("session", session).out
    assert "1 of 3 completed, 2 skipped" in shown
    assert "Completed: 2. Skipped: 1, 3." in shown
    lines = cli("events", session).out.splitlines()
    assert [line.split(maxsplit=3)[3] for line in lines] == [
        f"session_started     fitted on ., phase 1 skipped ({condition})",
        f"workflow_completed  phase 2 at attempt 1 (attested), that was the last, phase 3 skipped ({condition})",
    ]


def test_a_session_shows_its_options_its_note_and_that_its_definition_moved_on(cli: Cli, ask: Ask) -> None:
    started = ask(action="start", workflow_type="steps", target_file=".", options={"runner": "pytest"})
    ask(action="pause", session_id=started["session_id"], checkpoint_note="waiting for Ann")
    cli.home.define("steps", [{"number": 1}])
    shown = cli("session", started["session_id"]).out
    assert "runner=pytest" in shown
    assert "waiting for Ann" in shown
    assert "the one on disk is another by now" in shown


@pytest.mark.parametrize("name", ["session", "events", "errors"])
@pytest.mark.parametrize("session", ["no_such_session", "No Such Session"])
def test_a_session_that_is_not_there_is_an_error(cli: Cli, name: str, session: str) -> None:
    ran = cli(name, session)
    assert ran.code == 1
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 2


def test_errors_lists_every_refusal(cli: Cli, ask: Ask, failed: str) -> None:
    ran = cli("errors", failed)
    assert ran.code == 0
    assert ran.out.count("missing done") == 2
    assert len(cli("errors", failed, "--json").json["errors"]) == 2
    assert cli("errors", arrange(ask, "open")).out == "No attempt was refused.\n"


def test_events_tells_everything_that_happened_in_order(cli: Cli, ask: Ask, failed: str) -> None:
    cli.home.engine().persons.reopen(failed, Authority(), "the\nreason")
    ask(action="complete_phase", session_id=failed, phase=1, evidence=PASSING)
    ask(action="retry_phase", session_id=failed, phase=2, reset_evidence=True)
    ask(action="pause", session_id=failed, checkpoint_note="two\nlines")
    ask(action="resume", session_id=failed)
    ask(action="complete_phase", session_id=failed, phase=2, evidence=PASSING)
    ask(action="rollback", session_id=failed, to_phase=1)
    ask(action="delete_session", session_id=failed, reason="not needed")
    cli("undelete", failed)
    lines = cli("events", failed).out.splitlines()
    assert [line.split(maxsplit=3)[3] for line in lines] == [
        "session_started     strict on target.py",
        "gate_refused        The gate of phase 1 refused attempt 1: missing done.",
        "attempts_exhausted  The gate of phase 1 refused attempt 2: missing done.",
        "phase_reopened      phase 1, by a person: the reason",
        "phase_completed     phase 1 at attempt 3 (attested), phase 2 is next",
        "phase_retried       phase 2, draft evidence cleared",
        "paused              two lines",
        "resumed",
        "workflow_completed  phase 2 at attempt 1 (attested), that was the last",
        "rolled_back         from phase 2 to phase 1",
        "session_deleted     not needed",
        "session_undeleted",
    ]
    as_json = [json.loads(line) for line in cli("events", failed, "--json").out.splitlines()]
    assert [one["seq"] for one in as_json] == list(range(1, 13))
    assert as_json[-1]["event"]["type"] == "session_undeleted"


@pytest.mark.acceptance
def test_events_follows_a_session_until_ctrl_c_which_is_no_error(home: Home, ask: Ask) -> None:
    session = arrange(ask, "open")
    process = subprocess.Popen(
        command(home, "events", session, "--follow", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=bare_environment(),
        cwd="/",
    )
    overdue = threading.Timer(PATIENCE, process.kill)
    overdue.start()
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen = [json.loads(process.stdout.readline())["event"]["type"] for _ in range(2)]
        ask(action="pause", session_id=session)
        seen.append(json.loads(process.stdout.readline())["event"]["type"])
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == b""
    overdue.cancel()
    assert seen == ["session_started", "phase_completed", "paused"]


@pytest.mark.acceptance
def test_workflows_from_a_folder_that_is_named_come_first(home: Home, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (home.definitions / "steps").rename(tmp_path / "more" / "steps")
    ran = run_process(home, "workflows", "--json", "--workflows-dir", str(tmp_path / "more"))
    assert {one["workflow_type"]: one["source"] for one in ran.json["workflows"]}["steps"] == "configured"
