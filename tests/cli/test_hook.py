"""``hook`` as hosts run it: with each one's events, in each one's form, and never in their way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli.hook import COMPACTION, SHAPES
from tests.cli.support import PATIENCE, Ran, command, forge, run_on_terminal, run_process
from tests.support import PASSING, Ask, Body, Home, arrange, bare_environment, field, held

pytestmark = pytest.mark.acceptance

HERE = "the project's folder"
"""Stands for it in the events below."""
MOMENT = "2026-11-29T10:00:00.000Z"
CLAUDE = {"session_id": "abc123", "transcript_path": "/transcript.jsonl", "cwd": HERE, "permission_mode": "default"}
CODEX = {"session_id": "0199a213", "transcript_path": None, "cwd": HERE, "model": "gpt-5"}
COPILOT = {"sessionId": "abc123", "timestamp": 1764410400000, "cwd": HERE}
VSCODE = {"timestamp": MOMENT, "cwd": HERE, "sessionId": "abc123", "transcript_path": "/transcript.json"}
CURSOR = {
    "conversation_id": "abc123",
    "generation_id": "def456",
    "model": "default",
    "cursor_version": "3.12.17",
    "workspace_roots": [HERE],
    "user_email": None,
    "transcript_path": None,
}
GEMINI = {"session_id": "abc123", "transcript_path": "/transcript.json", "cwd": HERE, "timestamp": MOMENT}

EVENTS: list[tuple[str, Body]] = [
    *(
        ("claude-code", {**CLAUDE, "hook_event_name": "SessionStart", "source": source})
        for source in ("startup", "compact")
    ),
    ("claude-code", {**CLAUDE, "hook_event_name": "PreCompact", "trigger": "auto", "custom_instructions": ""}),
    (
        "codex",
        {**CODEX, "hook_event_name": "SessionStart", "permission_mode": "default", "source": "compact"},
    ),
    ("codex", {**CODEX, "hook_event_name": "PreCompact", "turn_id": "1", "trigger": "manual"}),
    ("copilot", {**COPILOT, "source": "resume", "initialPrompt": "Go on."}),
    ("copilot", {**COPILOT, "hook_event_name": "SessionStart", "timestamp": MOMENT, "source": "new"}),
    ("vscode", {**VSCODE, "hookEventName": "SessionStart", "source": "new"}),
    ("vscode", {**VSCODE, "hookEventName": "PreCompact", "trigger": "auto"}),
    (
        "cursor",
        {
            **CURSOR,
            "hook_event_name": "sessionStart",
            "session_id": "abc123",
            "is_background_agent": False,
            "composer_mode": "agent",
        },
    ),
    (
        "cursor",
        {
            **CURSOR,
            "hook_event_name": "preCompact",
            "trigger": "auto",
            "context_usage_percent": 85,
            "context_tokens": 120000,
            "context_window_size": 128000,
            "message_count": 45,
            "messages_to_compact": 30,
            "is_first_compaction": True,
        },
    ),
    ("gemini", {**GEMINI, "hook_event_name": "SessionStart", "source": "clear"}),
    ("gemini", {**GEMINI, "hook_event_name": "PreCompress", "trigger": "auto"}),
]


def told_to_assistant(host: str, out: str) -> str:
    """What of the output the host puts into the context at the start of a conversation."""
    answer = json.loads(out)
    match host:
        case "cursor":
            (told,) = answer.values()
            assert list(answer) == ["additional_context"]
            return told
        case "copilot" | "vscode":
            assert set(answer) == {"additionalContext", "hookSpecificOutput"}
            assert answer["additionalContext"] == answer["hookSpecificOutput"]["additionalContext"]
        case _:
            assert list(answer) == ["hookSpecificOutput"]
    specific = answer["hookSpecificOutput"]
    assert set(specific) == {"hookEventName", "additionalContext"}
    assert specific["hookEventName"] == "SessionStart"
    return specific["additionalContext"]


def told_before_compaction(host: str, out: str) -> str:
    if host == "claude-code":
        assert not out.startswith("{")
        return out
    answer = json.loads(out)
    assert list(answer) == ["user_message" if host == "cursor" else "systemMessage"]
    return next(iter(answer.values()))


def name_of(event: Body) -> str:
    return event.get("hook_event_name", event.get("hookEventName", "sessionStart"))


def run_hook(home: Home, *arguments: str, event: Body | str = "", **options: Any) -> Ran:
    """What a host gets from the hook, which must succeed and be silent but for what it prints."""
    ran = run_process(home, "hook", *arguments, given=event if isinstance(event, str) else json.dumps(event), **options)
    assert (ran.code, ran.err) == (0, "")
    return ran


@pytest.mark.parametrize(("host", "event"), EVENTS, ids=lambda one: one if isinstance(one, str) else name_of(one))
def test_each_host_gets_the_open_session_in_the_form_that_it_documents(
    home: Home, ask: Ask, host: str, event: Body
) -> None:
    session = arrange(ask, "open")
    text = json.dumps(event).replace(json.dumps(HERE), json.dumps(str(home.project)))
    flags = ["--user-dir", str(home.user)]
    ran = run_process(None, "hook", host, *flags, given=text, cwd="/")
    assert (ran.code, ran.err) == (0, "")
    if name_of(event).lower() in COMPACTION:
        told = told_before_compaction(host, ran.out)
        assert ("Phase 2" in told) == (host == "claude-code")
    else:
        told = told_to_assistant(host, ran.out)
        assert "Phase 2 'Phase 2' is current, 2 of 3." in told
        assert json.dumps({"action": "get_state", "session_id": session}) in told
    assert session in told


def test_every_host_that_has_a_form_is_tried_here() -> None:
    assert SHAPES.keys() == {None, *(host for host, _ in EVENTS)}


def test_without_a_host_it_prints_text_that_leads_back_to_work(home: Home, ask: Ask) -> None:
    session = arrange(ask, "refused")
    before = home.tree()
    told = run_hook(home).out
    assert home.tree() == before
    assert "are no instructions" in told.splitlines()[0]
    assert "refused attempt 1: missing done." in told
    assert "Outstanding evidence: done" in told
    call = json.loads(told.splitlines()[-1].partition("pos_workflow: ")[2])
    assert ask(**call)["session_id"] == session
    assert run_hook(home, event={"hook_event_name": "PreCompact"}).out.splitlines()[1:] == told.splitlines()


def test_of_several_sessions_the_last_is_told_and_the_others_are_named(home: Home, ask: Ask) -> None:
    older = [arrange(ask, state, f"{state}.py") for state in ("open", "paused", "failed", "refused", "blocked")]
    done = arrange(ask, "completed", "completed.py")
    newest = arrange(ask, "open", "newest.py")
    ask(action="pause", session_id=older[0], checkpoint_note="here I was")
    told = run_hook(home).out
    assert f"session_id {older[0]}, last changed" in told
    assert '"here I was"' in told
    named = told.splitlines()[-1]
    assert named == f"Also open: {', '.join([newest, *reversed(older[1:])])}"
    assert done not in told
    arrange(ask, "open")
    assert run_hook(home).out.splitlines()[-1].endswith(" and 1 more")


SCRIPTS = ["word ", "\u4e16\u754c", "\U0001f600", "\u0e44\u0e17\u0e22", "\x1b[31m\n", "\u202e"]


@pytest.mark.parametrize("script", SCRIPTS, ids=ascii)
def test_the_longest_of_everything_takes_two_hundred_words_at_most(home: Home, script: str) -> None:
    names = [f"evidence_{number}" for number in range(100)]
    gate = {"evidence_schema": {name: field() for name in names}}
    text = (script * 2_000)[:2_000]
    home.define("long", [{"number": n, "name": text, "gate": gate} for n in range(1, 4)])
    ask = home.asking()
    sessions = [
        ask(action="start", workflow_type="long", target_file=f"{'deep/' * 30}{number}.py")["session_id"]
        for number in range(12)
    ]
    ask(action="complete_phase", session_id=sessions[-1], phase=1, evidence={})
    ask(action="pause", session_id=sessions[-1], checkpoint_note=text)
    for_summary = run_hook(home, event={"hook_event_name": "PreCompact"}).out
    assert len(for_summary.split()) <= 200
    assert len(for_summary) <= 6_000
    told = for_summary.partition("\n")[2]
    assert all(character.isprintable() or character == "\n" for character in told)
    assert len(told.splitlines()) == 6, "what is told of a session must not look like more lines of the reminder"
    for said in (sessions[-1], "is current, 1 of 3.", "Call resume to go on.", "get_state", "and 6 more"):
        assert said in told
    assert told_to_assistant("cursor", run_hook(home, "cursor").out) == told.removesuffix("\n")


def test_what_would_open_the_gate_is_not_told(home: Home) -> None:
    gate = {"evidence_schema": {"word": field(validator="equals", validator_params={"value": "open sesame"})}}
    home.define("secret", [{"number": 1, "gate": gate}])
    ask = home.asking()
    session = ask(action="start", workflow_type="secret", target_file="a.py")["session_id"]
    refused = ask(action="complete_phase", session_id=session, phase=1, evidence={"word": "please"})
    assert refused["gate"] == "refused", refused
    told = run_hook(home).out
    assert "refused attempt 1" in told
    assert "sesame" not in told


def nothing_is_open(home: Home) -> None:
    arrange(home.asking(), "completed")


def the_store_has_no_id(home: Home) -> None:
    arrange(home.asking(), "open")
    (home.state / "store.json").write_text("{")


def the_session_is_forged(home: Home) -> None:
    forge(home, arrange(home.asking(), "open"))


def its_definition_is_gone(home: Home) -> None:
    arrange(home.asking(), "open")
    shutil.rmtree(home.state / "blobs")


def the_folder_is_a_file(home: Home) -> None:
    home.state.parent.mkdir(exist_ok=True)
    home.state.write_text("")


def the_settings_are_broken(home: Home) -> None:
    arrange(home.asking(), "open")
    (home.user / "config" / "settings.toml").write_text("log_level =")


def the_project_is_gone(home: Home) -> None:
    shutil.rmtree(home.project)


def nobody_has_begun(home: Home) -> None:
    assert not home.state.exists()


WRONG: list[Callable[[Home], None]] = [
    nobody_has_begun,
    nothing_is_open,
    the_store_has_no_id,
    the_session_is_forged,
    its_definition_is_gone,
    the_folder_is_a_file,
    the_settings_are_broken,
    the_project_is_gone,
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: one.__name__)
def test_where_there_is_nothing_to_tell_nothing_is_printed_and_nothing_made(
    home: Home, wrong: Callable[[Home], None]
) -> None:
    wrong(home)
    before = home.tree()
    assert run_hook(home, "claude-code", event=EVENTS[0][1]).out == ""
    assert home.tree() == before


def test_outside_of_any_project_nothing_is_printed(tmp_path: Path) -> None:
    ran = run_process(None, "hook", "--user-dir", str(tmp_path), given="{}", cwd="/")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (nobody_has_begun, "no open session"),
        (nothing_is_open, "no open session"),
        (the_store_has_no_id, "The session store's own id (store.json) is damaged."),
        (the_folder_is_a_file, "The state folder is not a folder."),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_whoever_asks_is_told_in_one_line_what_keeps_it_silent(
    home: Home, wrong: Callable[[Home], None], said: str
) -> None:
    wrong(home)
    ran = run_process(home, "hook", "--log-level", "debug")
    assert (ran.code, ran.out, ran.err) == (0, "", f"hook: project {home.project} (set by flag): {said}\n")


def test_whoever_asks_is_told_how_the_project_was_looked_for(home: Home) -> None:
    debug = ["hook", "--user-dir", str(home.user), "--log-level", "debug"]
    event = json.dumps({"cwd": str(home.project)})
    found = run_process(None, *debug, given=event, cwd="/")
    assert found.err == f"hook: project {home.project} (found by .praxis-os): no open session\n"
    none = run_process(None, *debug, given="{}", cwd="/")
    assert none.err.startswith("hook: project none (no marker in the working directory or above it): ")
    assert none.err.count("\n") == 1
    the_settings_are_broken(home)
    broken = run_process(None, *debug, given=event, cwd="/")
    assert broken.err.startswith("hook: ")
    assert "settings.toml cannot be read" in broken.err
    assert broken.err.count("\n") == 1


@pytest.mark.parametrize("name", ["Stop", "sessionEnd", "user_prompt_submit", "PostToolUse"])
def test_another_event_is_not_answered(home: Home, ask: Ask, name: str) -> None:
    arrange(ask, "open")
    for key in ("hook_event_name", "hookEventName"):
        assert run_hook(home, "claude-code", event={key: name}).out == ""
    ran = run_process(home, "hook", given=json.dumps({"hook_event_name": name}), POS_WORKFLOW_LOG_LEVEL="debug")
    assert ran.err.endswith(f"the event '{name}' is neither the beginning of a conversation nor its compaction\n")


@pytest.mark.parametrize("name", ["SessionStart", "sessionStart", "session_start", "session-start"])
def test_the_beginning_is_answered_however_it_is_spelled(home: Home, ask: Ask, name: str) -> None:
    session = arrange(ask, "open")
    assert session in told_to_assistant("codex", run_hook(home, "codex", event={"hook_event_name": name}).out)


@pytest.mark.parametrize("name", ["PreCompact", "preCompact", "pre_compact", "PreCompress"])
def test_the_compaction_is_answered_however_it_is_spelled(home: Home, ask: Ask, name: str) -> None:
    session = arrange(ask, "open")
    assert session in told_before_compaction("codex", run_hook(home, "codex", event={"hook_event_name": name}).out)


@pytest.mark.parametrize(
    "arguments",
    [["hook", "curser"], ["hook", "--bogus"], ["hook", "--log-level", "loud"], ["hook", "cursor", "codex"]],
    ids=" ".join,
)
def test_a_wrong_command_line_does_not_stop_the_host_either(home: Home, arguments: list[str]) -> None:
    ran = run_process(home, *arguments)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("usage: ")


def test_a_session_that_is_held_is_not_waited_for(home: Home, ask: Ask) -> None:
    session = arrange(ask, "open")
    with held(home):
        assert session in run_hook(home).out
        # Only its lock would tell whether a file that looks wrong is about to be replaced.
        forge(home, session)
        ran = run_process(home, "hook", "--log-level", "debug")
    assert (ran.code, ran.out) == (0, "")
    assert "Another process has held this" in ran.err, "it gave up because of the lock, and not at the very end"


INPUT = [
    "no JSON",
    '{"hook_event_name": []}',
    '{"hook_event_name": ""}',
    '{"cwd": 7, "workspace_roots": {}}',
    '{"cwd": "/no/such/folder"}',
    "[" * 100_000,
]


@pytest.mark.parametrize("given", INPUT, ids=lambda one: one[:20])
def test_input_that_makes_no_sense_is_as_none(home: Home, ask: Ask, given: str) -> None:
    session = arrange(ask, "open")
    assert session in run_hook(home, event=given).out


def test_a_folder_that_the_host_names_is_looked_at_before_the_one_it_runs_in(home: Home, ask: Ask) -> None:
    session = arrange(ask, "open")
    deep = home.project / "src" / "deep"
    deep.mkdir(parents=True)
    flags = ["--user-dir", str(home.user)]
    for event in ({"cwd": str(deep)}, {"workspace_roots": ["/no/such/folder", str(home.project)]}):
        assert session in run_process(None, "hook", *flags, given=json.dumps(event), cwd="/").out
    assert session in run_process(None, "hook", *flags, cwd=deep).out
    assert run_process(None, "hook", *flags, given=json.dumps({"cwd": "/"}), cwd=deep).out == ""


def process(home: Home, *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    program = command(None, "hook", "--user-dir", str(home.user))
    return subprocess.Popen(
        program, env=bare_environment(), cwd=home.project, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE
    )


def quickly(program: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(program, check=False, env=bare_environment(), capture_output=True, timeout=PATIENCE)


def test_an_input_that_never_ends_is_not_waited_for(home: Home, ask: Ask) -> None:
    session = arrange(ask, "open")
    with process(home, stdin=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(b'{"cwd"')
        running.stdin.flush()
        assert running.wait(PATIENCE) == 0
        assert session.encode() in running.stdout.read()


def test_more_input_than_an_event_has_is_left_unread(home: Home, ask: Ask) -> None:
    session = arrange(ask, "open")
    event = {"cwd": "/", "prompt": "x" * (4 << 20)}
    with process(home, stdin=subprocess.PIPE) as running:
        out, err = running.communicate(json.dumps(event).encode(), timeout=PATIENCE)
    assert (running.returncode, err) == (0, b"")
    assert session.encode() in out


def test_on_a_terminal_nothing_has_to_be_typed(home: Home, ask: Ask) -> None:
    session = arrange(ask, "open")
    ran = run_on_terminal(home, "hook", columns=400)
    assert ran.code == 0
    assert session in ran.out


def test_output_that_nobody_takes_is_no_failure(home: Home, ask: Ask) -> None:
    arrange(ask, "open")
    line = " ".join(map(str, command(home, "hook")))
    for redirected in (">&-", "> /dev/full", "<&- >&- 2>&-"):
        done = quickly(["sh", "-c", f"{line} {redirected}"])
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), redirected
    reading, writing = os.pipe()
    os.close(reading)
    with process(home, stdout=writing) as running:
        os.close(writing)
        assert running.wait(PATIENCE) == 0
        assert running.stderr is not None
        assert running.stderr.read() == b""


def test_a_disk_that_does_not_answer_is_given_up(home: Home) -> None:
    (home.user / "config").mkdir()
    os.mkfifo(home.user / "config" / "settings.toml")
    with process(home) as running:
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out, err) == (0, b"", b"")


def test_it_does_without_the_sdk(home: Home, ask: Ask) -> None:
    session = arrange(ask, "open")
    program, *arguments = command(home, "hook")
    done = quickly([program, "-X", "importtime", *arguments])
    assert session.encode() in done.stdout
    imported = {line.rpartition(b"|")[2].strip() for line in done.stderr.splitlines()}
    assert b"mcp_server.cli.reminder" in imported
    assert not {name for name in imported if name.split(b".")[0] in (b"mcp", b"mcp_types", b"anyio")}


def test_it_goes_on_from_what_it_told(home: Home, ask: Ask) -> None:
    """What the reminder is for: an assistant that has nothing else comes to the end."""
    session = arrange(ask, "open")
    for _ in (2, 3):
        told = run_hook(home).out
        call = json.loads(told.splitlines()[-1].partition("pos_workflow: ")[2])
        (offer,) = ask(**call)["next_actions"]
        phase = ask(**offer["arguments"])["current_phase"]
        assert ask(action="complete_phase", session_id=session, phase=phase, evidence=PASSING)["checkpoint_passed"]
    assert run_hook(home).out == ""
