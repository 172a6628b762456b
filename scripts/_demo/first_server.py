"""Chapters 1 to 5, on the first server: the offer, refusals, honest work, and the end of that process."""

from __future__ import annotations

import secrets

from _demo import evidence, shop
from _demo.assistant import Assistant
from _demo.bench import NEW_TESTS, TARGET, TEST_FILE, Bench
from _demo.stage import Stage
from _demo.wire import Place, Wire

WORKFLOW = "test_generation_v3"
OPTIONS = {"test_runner": "unittest", "test_path": TEST_FILE, "coverage": "100"}
NOTE = "Edge tests are written and green. Next: submit the evidence of phase 5."


async def play(stage: Stage, wire: Wire, bench: Bench, place: Place) -> Assistant:
    """Play them; the assistant is handed back for what it last knew."""
    assistant = Assistant(stage, wire)
    await _offer(assistant)
    await _trust(assistant, place)
    await _empty_claim(assistant, bench)
    await _before_the_work(assistant, bench)
    await _early_claim(assistant, bench)
    await _pause_and_kill(assistant, bench)
    return assistant


async def _offer(assistant: Assistant) -> None:
    stage = assistant.stage
    stage.chapter("1  The offer")
    stage.say("person", f'"Write tests for {TARGET}, and show me that they are worth something."')
    listed = await assistant.ask("list_workflows")
    phases = {one["workflow_type"]: one["phases"] for one in listed["workflows"]}
    stage.expect(phases.get(WORKFLOW) == 8 and not listed["invalid"], "workflows that all load", listed)
    stage.say("server", ", ".join(f"{name} ({count} phases)" for name, count in phases.items()))
    started = await assistant.start(WORKFLOW, TARGET, OPTIONS)
    content = started["phase_content"]
    stage.expect(started["current_phase"] == 1 and started["total_phases"] == 8, "phase 1 of 8", started)
    stage.say("server", f"session {assistant.session_id}")
    stage.say("server", f"phase 1 of 8: {content['title']}")
    told = [warning for warning in started["warnings"] if "trust" in warning]
    stage.expect(len(told) == 1, "a word on what nobody has trusted yet", started["warnings"])
    stage.say("server", told[0].replace(assistant.session_id, "SESSION"))
    closed = await assistant.ask("get_task", "of phase 7 (peeking)", "StateError", phase=7, task_number=1)
    stage.say("server", f"StateError: {closed['error']}")
    stage.say("why", "The plan lives in the server: one phase at a time, its tasks one by one.")


async def _trust(assistant: Assistant, place: Place) -> None:
    """The person is shown what the gates will run, at a terminal that the assistant does not have."""
    stage = assistant.stage
    played = place.person("trust", WORKFLOW, typed="y")
    lines = played.out.splitlines()
    commands = [place for place, line in enumerate(lines) if line.strip().startswith("phase ")]
    stage.expect(played.code == 0 and len(commands) == 6, "six commands to be shown and trusted", played.out)
    stage.say("person", f"at a terminal of their own: pos-workflow trust {WORKFLOW}")
    for line in lines[commands[1] : commands[2]]:
        stage.say("person", f"- {line.strip()}")
    stage.say("person", f"reads {len(commands)} such commands, and types y: {lines[-1]}")
    stage.say("why", "A clone is not enough to have its tests run, and no call of the tool grants trust.")


async def _empty_claim(assistant: Assistant, bench: Bench) -> None:
    stage = assistant.stage
    stage.chapter('2  Saying "done" opens nothing')
    await assistant.read_tasks(told=True)
    await assistant.be_refused(1, {}, "{}")
    stage.say("why", "All findings at once, and never the value that would open the gate.")
    structure = bench.structure()
    found = f"{len(structure['functions'])} functions, {structure['raises']} promised errors"
    stage.say("work", f"reads {TARGET}: {found}")
    claims = {"code_structure": structure, "test_candidates": shop.PLAN["candidates"]}
    await assistant.pass_phase(1, claims, "what the code holds, what is worth a test")


async def _before_the_work(assistant: Assistant, bench: Bench) -> None:
    stage = assistant.stage
    stage.chapter("3  Numbers before the work, expectations before the tests")
    await assistant.read_tasks()
    run, percent = evidence.suite(bench), bench.coverage()
    stage.expect(run.exit_code == 0 and run.collected == 1, "one green test at the start", run.output)
    stage.expect(percent < 100, "a module that is not covered yet", percent)
    stage.say("work", f"{run.command} -> {run.line}, exit code {run.exit_code}; coverage {percent} %")
    await assistant.pass_phase(2, evidence.baseline(bench, run, percent), "the baseline, as measured")
    await assistant.read_tasks()
    plan = shop.PLAN["test_plan"]
    await assistant.pass_phase(3, shop.PLAN, f"{len(plan)} behaviours with results taken from the docstrings")
    stage.say("why", "Expected results are fixed before tests exist, so tests cannot be copied off the code.")


async def _early_claim(assistant: Assistant, bench: Bench) -> None:
    stage = assistant.stage
    stage.chapter("4  A claim that is not true yet")
    await assistant.be_refused(4, evidence.premature(), '"5 tests written, the run is green" (nothing is written)')
    stage.say("why", "The server looked for the file itself, and counted. Nothing was run for such a claim.")
    retried = await assistant.ask("retry_phase", "4", phase=4, reset_evidence=True)
    kept = len(retried["previous_errors"])
    stage.expect(retried["attempt"] == 2 and kept == 1, "attempt 2 with the refusal kept", retried)
    stage.say("server", f"attempt {retried['attempt']}; the refusal stays on record")
    await assistant.read_tasks()
    _write_core_tests(stage, bench)
    await _red_called_green(assistant)
    stage.say("work", "As the phase says: keeps the test, marks it as an expected failure, mends nothing.")
    bench.edit_tests(shop.RED_TEST, shop.MARK)
    run = bench.run(*NEW_TESTS)
    stage.expect(run.exit_code == 0 and run.skipped == 1, "green with one expected failure", run.output)
    stage.say("work", f"{run.command} -> {run.line}")
    claims, request_id = evidence.core(bench, run), secrets.token_hex(12)
    shown = f"{run.passed} passed + {run.skipped} expected failure = {run.collected}"
    await assistant.pass_phase(4, claims, shown, request_id=request_id)
    version = assistant.version
    again = await assistant.ask(
        "complete_phase", "4 again, same request_id: the host lost the answer", phase=4, evidence=claims,
        request_id=request_id,
    )  # fmt: skip
    stage.expect(again.get("replayed") is True and again["version"] == version, "the first answer again", again)
    stage.say("server", f"the same answer, replayed; the session is still at version {version}")
    stage.say("why", "Repeating a call is harmless: nothing is done twice.")


def _write_core_tests(stage: Stage, bench: Bench) -> None:
    """Write them from the plan; one is red because the code is wrong, and stays."""
    bench.write_tests(shop.CORE_TESTS)
    red = bench.run(*NEW_TESTS)
    stage.expect(red.red_tests == [*evidence.SKIPPED] and red.exit_code == 1, "the defect to be found", red.output)
    stage.expect("305 != 350" in red.output, "305 where 350 is promised", red.output)
    stage.say("work", f"writes 5 tests; {red.command} -> {red.line}")
    stage.say("work", '"3,5" gives 305, and the docstring promises 350: the test is right, the code is wrong.')


async def _red_called_green(assistant: Assistant) -> None:
    """Evidence in which everything fits together, and nothing is true: the server runs the tests itself."""
    claims = evidence.red_called_green()
    refused = await assistant.be_refused(4, claims, '"Ran 5 tests: OK" (one of them is red)')
    assistant.stage.expect(refused["failed_checks"] == ["tests_pass"], "the server's own run to refuse it", refused)
    assistant.stage.say("why", "The evidence was flawless. The server did not read it, it ran the tests.")


async def _pause_and_kill(assistant: Assistant, bench: Bench) -> None:
    stage = assistant.stage
    stage.chapter("5  A pause, kill -9, and an assistant that knows nothing")
    await assistant.read_tasks()
    bench.append_tests(shop.EDGE_TESTS)
    run = bench.run(*NEW_TESTS)
    stage.expect(run.exit_code == 0, "green edge tests", run.output)
    stage.say("work", f"adds edge, error and law tests -> {run.line}")
    paused = await assistant.ask("pause", f'"{NOTE}"', checkpoint_note=NOTE)
    stage.expect(paused["paused"] is True and paused["resume_capable"] is True, "a pause", paused)
    stage.say("server", f"paused in phase {paused['checkpoint']['phase']}, version {assistant.version}")
    assistant.wire.kill()
    stage.say("person", f"kill -9: server process {assistant.wire.pid} KILLED, the assistant's context is gone")
