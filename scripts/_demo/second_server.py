"""Chapters 5 to 7, on the second server: a fresh assistant goes on, notices what is missing, goes back, and ends."""

from __future__ import annotations

from typing import Any

from _demo import evidence, shop
from _demo.assistant import Assistant
from _demo.bench import NEW_TESTS, TARGET, Bench
from _demo.first_server import NOTE
from _demo.stage import Stage
from _demo.wire import Wire


async def play(stage: Stage, wire: Wire, bench: Bench, version: int) -> Assistant:
    """Play them; ``version`` is what the first server acknowledged last."""
    assistant = Assistant(stage, wire)
    await _put_back_to_work(assistant, bench, version)
    await _survivor(assistant, bench)
    await _back_and_again(assistant, bench)
    await _end(assistant, bench)
    return assistant


async def _put_back_to_work(assistant: Assistant, bench: Bench, version: int) -> None:
    stage = assistant.stage
    stage.say("person", f"starts a new server, process {assistant.wire.pid}, and a fresh assistant")
    listed = await assistant.ask("list_sessions")
    stage.expect(listed["count"] == 1 and not listed["corrupt"], "one whole session", listed)
    found = listed["sessions"][0]
    stage.expect(found["status"] == "paused", "a paused session", found)
    stage.say("server", f"1 session on {found['target_file']}: paused in phase {found['current_phase']} of 8")
    assistant.session_id = found["session_id"]
    state = await assistant.ask("get_state")
    stage.expect(state["version"] == version, f"version {version}, the last that was acknowledged", state["version"])
    stage.expect(NOTE in state["summary"] and state["completed_phases"] == [1, 2, 3, 4], "note and progress", state)
    stage.say("server", f"version {version}. {state['summary']}")
    stage.say("why", "Nothing acknowledged was lost, and a new context knows where to go on.")
    resumed = await assistant.ask("resume")
    stage.expect(resumed["resumed"] is True and resumed["current_phase"] == 5, "phase 5 resumed", resumed)
    stage.say("server", f"resumed in phase 5: {resumed['phase_content']['title']}")
    await _edges(assistant, bench)


async def _edges(assistant: Assistant, bench: Bench) -> None:
    """Phase 5, with the number of phase 4 as the server keeps it."""
    before = (await assistant.accepted(4))["tests_collected"]
    run = bench.run(*NEW_TESTS)
    assistant.stage.expect(run.exit_code == 0, "green tests", run.output)
    assistant.stage.say("work", f"{run.command} -> {run.line}")
    shown = f"{before} tests in phase 4, as the server recorded; {run.collected} now"
    await assistant.pass_phase(5, evidence.edges(bench, run, before), shown)


async def _isolation(assistant: Assistant, bench: Bench) -> None:
    """Phase 6: repeated runs."""
    claims = evidence.isolation(bench)
    runs, failures = claims["repeat_runs"], claims["repeat_failures"]
    assistant.stage.expect(not claims["boundaries"], "a module without boundaries", claims["boundaries"])
    assistant.stage.expect(failures == 0, "runs without a failure", claims)
    await assistant.pass_phase(6, claims, f"no boundary found; {runs} runs in two orders, {failures} failed")


async def _survivor(assistant: Assistant, bench: Bench) -> None:
    stage = assistant.stage
    stage.chapter("6  A green suite that misses something")
    await _isolation(assistant, bench)
    await assistant.read_tasks()
    claims = evidence.mutations(bench)
    _tell(stage, claims)
    green = [one["change"] for one in claims["mutations"] if one["exit_code"] == 0]
    stage.expect(len(green) == 1 and ">=" in green[0], "one defect that no test notices", green)
    _require_restored(stage, claims)
    await assistant.be_refused(7, claims, f"{len(claims['mutations']) - 1} of {len(claims['mutations'])} caught")
    stage.say("why", "A green suite that does not notice a broken limit does not go by in silence.")


async def _back_and_again(assistant: Assistant, bench: Bench) -> None:
    stage = assistant.stage
    stage.say("work", "No test sits exactly on the limit of 50.00: an edge that phase 5 missed.")
    back = await assistant.ask("rollback", "to phase 5", to_phase=5)
    cleared = back["artifacts_cleared"]
    stage.expect(back["rolled_back"] is True and back["to_phase"] == 5 and cleared == [6], "phase 5 again", back)
    stage.say("server", f"rolled back from {back['from_phase']} to 5; phase 6 has to be shown again, history stays")
    bench.edit_tests(shop.LIMIT_GOES_BEFORE, shop.LIMIT_TEST)
    stage.say("work", "writes test_exactly_the_limit_is_free")
    await _edges(assistant, bench)
    await _isolation(assistant, bench)
    claims = evidence.mutations(bench)
    caught = sum(one["exit_code"] != 0 for one in claims["mutations"])
    first = claims["mutations"][0]
    stage.say("work", f"breaks it all again: {first['change']}: {first['failing_test']}")
    stage.expect(caught == len(claims["mutations"]), "every defect caught", claims["mutations"])
    _require_restored(stage, claims)
    shown = f"{caught} of {caught} caught, {TARGET} restored: sha256 {claims['digest_after'][:8]} before and after"
    await assistant.pass_phase(7, claims, shown)


async def _end(assistant: Assistant, bench: Bench) -> None:
    stage = assistant.stage
    stage.chapter("7  The end")
    await assistant.read_tasks()
    before = await assistant.accepted(2)
    run, percent = evidence.suite(bench), bench.coverage()
    stage.say("work", f"{run.command} -> {run.line}; coverage {before['coverage_before']} % -> {percent} %")
    stage.expect(run.exit_code == 0 and percent == 100, "a green suite that covers the module", run.output)
    claims = evidence.final(bench, run, before, percent)
    last = await assistant.pass_phase(8, claims, f"{before['tests_before']} test before, {run.collected} now, 1 defect")
    stage.expect(last.get("workflow_completed") is True, "the workflow to be completed", last)
    stage.expect(last["session_status"] == "completed", "a completed session", last["session_status"])
    stage.say("assistant", f'to the person: "{claims["report"]}"')


def _tell(stage: Stage, claims: dict[str, Any]) -> None:
    stage.say("work", f"breaks {TARGET} on purpose, one place at a time, and restores it:")
    for one in claims["mutations"]:
        stage.say("work", f"- {one['change']}: {one['failing_test'] or 'still green, nobody noticed'}")


def _require_restored(stage: Stage, claims: dict[str, Any]) -> None:
    stage.expect(claims["digest_before"] == claims["digest_after"], "the code under test restored", claims)
    stage.expect(claims["restored_exit_code"] == 0, "green tests on the restored code", claims["restored_output"])
