"""Repeating a call is harmless, and nothing is lost or done twice: not by a kill, not by another server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support import MUTATING, PASSING, Ask, Body, Home, arrange, held
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

PRESENT = {"version", "session_status", "next_actions", "replayed"}
"""What a repeated answer tells as it is now."""

CALLS: dict[str, tuple[str, Body]] = {
    "passed": ("open", {"action": "complete_phase", "phase": 2, "evidence": {"done": "x" * 3000, "n": [1, {"a": 2}]}}),
    "refused": ("open", {"action": "complete_phase", "phase": 2, "evidence": {"n": 1}}),
    "refused again": ("refused", {"action": "complete_phase", "phase": 2, "evidence": {}}),
    "blocked": ("blocked", {"action": "complete_phase", "phase": 2, "evidence": PASSING}),
    "pause": ("open", {"action": "pause", "checkpoint_note": "soon back"}),
    "resume": ("paused", {"action": "resume"}),
    "retry_phase": ("failed", {"action": "retry_phase", "phase": 2, "reset_evidence": True}),
    "rollback": ("completed", {"action": "rollback", "to_phase": 1}),
    "delete_session": ("failed", {"action": "delete_session", "reason": "done with"}),
}
START: Body = {"action": "start", "workflow_type": "stairs", "target_file": "a.py", "options": {"a": 1, "b": [2]}}


def committed(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in PRESENT}


def test_every_changing_action_is_repeated_here() -> None:
    assert {arguments["action"] for _, arguments in CALLS.values()} | {"start"} == set(MUTATING)


@pytest.mark.requirement("request-id-repeats-the-answer")
@pytest.mark.parametrize("name", CALLS)
def test_a_repeated_call_gives_the_same_answer_and_is_done_once(ask: Ask, shared_home: Home, name: str) -> None:
    state, arguments = CALLS[name]
    session = arrange(ask, state)
    call: Body = {"session_id": session, "request_id": f"repeated-{session[-8:]}", **arguments}
    first = ask(**call)
    assert "replayed" not in first
    log = (shared_home.state / "audit.jsonl").read_bytes()
    for _ in range(2):
        again = ask(**call)
        assert again["replayed"] is True
        assert committed(again) == committed(first)
        assert {key: again[key] for key in PRESENT - {"replayed"}} == {
            key: first[key] for key in PRESENT - {"replayed"}
        }
    assert (shared_home.state / "audit.jsonl").read_bytes() == log


@pytest.mark.requirement("request-id-repeats-the-answer")
@pytest.mark.parametrize("name", [name for name in CALLS if name != "delete_session"])
def test_an_answer_given_again_tells_how_things_stand_now(ask: Ask, name: str) -> None:
    state, arguments = CALLS[name]
    session = arrange(ask, state)
    call: Body = {"session_id": session, "request_id": f"repeated-{session[-8:]}", **arguments}
    first = ask(**call)
    status = first["session_status"]
    if status == "paused":
        ask(action="resume", session_id=session)
    elif status == "failed":
        ask(action="retry_phase", session_id=session, phase=2)
    else:
        ask(action="pause", session_id=session, checkpoint_note="meanwhile")
    # Not get_state: it leads to the phase first, whatever its reader knows already.
    now = ask(action="get_session", session_id=session)
    again = ask(**call)
    assert committed(again) == committed(first)
    assert again["replayed"] is True
    for key in PRESENT - {"replayed"}:
        assert again[key] == now[key], key
    assert again["version"] == first["version"] + 1


@pytest.mark.requirement("request-id-of-start-is-store-wide")
def test_a_repeated_start_is_one_session(home: Home) -> None:
    ask = home.asking()
    first = ask(**START, request_id="only-one-session")
    again = ask(**START, request_id="only-one-session")
    assert committed(again) == committed(first)
    assert again["replayed"] is True
    assert ask(action="list_sessions")["total"] == 1
    ask(action="pause", session_id=first["session_id"])
    later = home.asking()(**START, request_id="only-one-session")
    assert (later["session_id"], later["version"], later["session_status"]) == (first["session_id"], 2, "paused")
    conflict = ask(**(START | {"target_file": "b.py"}), request_id="only-one-session")
    assert conflict["error_type"] == "ConflictError"
    assert ask(action="list_sessions")["total"] == 1


@pytest.mark.requirement("request-id-of-start-is-store-wide")
@pytest.mark.parametrize("fate", ["gone", "broken", "changed"])
def test_a_start_is_answered_again_though_its_definition_has_moved_on(home: Home, fate: str) -> None:
    call = START | {"workflow_type": "steps", "request_id": "definition-moved"}
    first = home.asking()(**call)
    folder = home.definitions / "steps"
    match fate:
        case "gone":
            folder.rename(home.project / "elsewhere")
        case "broken":
            (folder / "metadata.json").write_text("{")
        case _:
            home.define("steps", [{"number": 4}])
    again = home.asking()(**call)
    assert committed(again) == committed(first)
    assert again["replayed"] is True
    ask = home.asking()
    assert ask(action="list_sessions")["total"] == 1
    if fate != "changed":
        refused = ask(**(call | {"target_file": "other.py"}))
        assert refused["error_type"] == {"gone": "NotFoundError", "broken": "ConfigurationError"}[fate]
        fresh = ask(**(call | {"request_id": "definition-moved-2"}))
        assert fresh["error_type"] == refused["error_type"]
        ask(action="delete_session", session_id=first["session_id"])
        last = ask(**call)
        assert committed(last) == committed(first)
        assert last["session_status"] == "deleted"


@pytest.mark.requirement("request-id-of-start-is-store-wide")
def test_a_start_is_answered_again_though_its_session_was_deleted(home: Home) -> None:
    call = START | {"request_id": "deleted-meanwhile"}
    first = home.asking()(**call)
    home.asking()(action="delete_session", session_id=first["session_id"])
    ask = home.asking()
    again = ask(**call)
    assert committed(again) == committed(first)
    assert (again["replayed"], again["session_status"], again["next_actions"]) == (True, "deleted", [])
    assert ask(**(call | {"target_file": "b.py"}))["error_type"] == "ConflictError"
    assert ask(action="list_sessions")["total"] == 0
    assert ask(action="get_state", session_id=first["session_id"])["error_type"] == "NotFoundError"


@pytest.mark.requirement("request-id-with-other-arguments")
@pytest.mark.parametrize("name", [name for name in CALLS if name != "delete_session"])
def test_a_request_id_with_other_arguments_is_a_conflict_and_changes_nothing(
    ask: Ask, shared_home: Home, name: str
) -> None:
    state, arguments = CALLS[name]
    session = arrange(ask, state)
    request = {"session_id": session, "request_id": f"repeated-{session[-8:]}"}
    ask(**request, **arguments)
    before = shared_home.tree()
    others: list[Body] = [
        {"action": "pause", "checkpoint_note": "another"},
        {"action": "complete_phase", "phase": 2, "evidence": {"done": "other"}},
        {"action": "rollback", "to_phase": 2},
        {"action": "delete_session"},
        {**arguments, "expected_version": 77},
    ]
    for other in others:
        assert ask(**request, **other)["error_type"] == "ConflictError"
    assert shared_home.tree() == before


@pytest.mark.requirement("request-id-repeats-the-answer")
def test_the_same_call_written_differently_is_the_same_call(ask: Ask) -> None:
    session = arrange(ask, "open")
    call: Body = {"action": "complete_phase", "session_id": session, "phase": 2, "request_id": f"same-{session[-8:]}"}
    ask(**call, evidence={"done": "x", "more": {"a": 1, "b": None}})
    assert ask(**call, evidence='{"more": {"b": null, "a": 1}, "done": "x"}', expected_version=None)["replayed"] is True


@pytest.mark.requirement("refusals-use-no-id-up")
def test_what_was_refused_without_a_change_uses_no_id_up(home: Home) -> None:
    with Wire(home, "--lock-timeout", "0.2") as wire:
        session = arrange(wire.call, "open")
        request = {"session_id": session, "request_id": "still-unused-0001"}
        refused = [
            wire.call(**request, action="pause", checkpoint_note=5),
            wire.call(**request, action="resume"),
            wire.call(**request, action="rollback", to_phase=3),
            wire.call(**request, action="rollback", to_phase=1, expected_version=1),
            wire.call(**request, action="retry_phase", phase=50),
        ]
        with held(home):
            refused.append(wire.call(**request, action="pause"))
        kinds = ["ValueError", "StateError", "StateError", "ConflictError", "NotFoundError", "BusyError"]
        assert [reply["error_type"] for reply in refused] == kinds
        done = wire.call(**request, action="complete_phase", phase=2, evidence=PASSING)
        assert done["checkpoint_passed"] is True
        assert "replayed" not in done
        assert wire.call(**request, action="complete_phase", phase=2, evidence=PASSING)["replayed"] is True


@pytest.mark.requirement("256-request-ids")
def test_the_last_256_request_ids_are_remembered(home: Home) -> None:
    ask = home.asking()
    session = arrange(ask, "open")

    def retry(number: int) -> Body:
        return ask(action="retry_phase", session_id=session, phase=2, request_id=f"number-{number:08}")

    for number in range(256):
        assert "replayed" not in retry(number)
    assert retry(0)["replayed"] is True
    retry(256)
    assert retry(1)["replayed"] is True
    assert "replayed" not in retry(0)


@pytest.mark.requirement("expected-version")
def test_a_stale_version_is_a_conflict_and_the_present_one_is_told(ask: Ask) -> None:
    session = arrange(ask, "open")
    for stale in (0, 1, 3, -1, 10**15):
        reply = ask(action="pause", session_id=session, expected_version=stale)
        assert (reply["error_type"], reply["version"]) == ("ConflictError", 2)
    assert ask(action="pause", session_id=session, expected_version=2)["paused"] is True


@pytest.mark.requirement("nothing-acknowledged-is-lost")
@pytest.mark.requirement("request-id-repeats-the-answer")
def test_after_a_kill_the_answers_are_given_again_and_nothing_is_done_twice(home: Home) -> None:
    first: list[tuple[Body, Body]] = []
    with Wire(home) as wire:
        for name, (state, arguments) in CALLS.items():
            session = arrange(wire.call, state)
            call: Body = {"session_id": session, "request_id": f"killed-{name:-<12}", **arguments}
            first.append((call, wire.call(**call)))
        start = START | {"request_id": "killed-start-001"}
        first.append((start, wire.call(**start)))
        wire.process.kill()
    with Wire(home) as wire:
        total = wire.call(action="list_sessions")["total"]
        for call, answer in first:
            again = wire.call(**call)
            assert again["replayed"] is True
            assert committed(again) == committed(answer)
            assert again["version"] == answer["version"]
        assert wire.call(action="list_sessions")["total"] == total


@pytest.mark.requirement("nothing-acknowledged-is-lost")
@pytest.mark.parametrize("answers", [1, 9, 25])
def test_a_kill_in_the_midst_of_work_loses_nothing_that_was_answered(home: Home, answers: int) -> None:
    starts = [START | {"target_file": f"{n}.py", "request_id": f"burst-start-{n:04}"} for n in range(40)]
    with Wire(home) as wire:
        ids = [wire.post_call(**start) for start in starts]
        wire.answer(ids[answers])
        wire.process.kill()
        wire.wait()
        known = {one: wire.body(wire.answer(one))["session_id"] for one in wire.answered(ids)}
    with Wire(home) as wire:
        found = {one["session_id"] for one in wire.call(action="list_sessions", limit=500)["sessions"]}
        assert set(known.values()) <= found
        assert len(found) <= len(starts)
        again = [wire.call(**start) for start in starts]
        assert wire.call(action="list_sessions", limit=500)["total"] == len(starts)
        assert {reply["session_id"] for reply in again} >= found
        for one, session in known.items():
            assert again[ids.index(int(one))]["session_id"] == session
        assert wire.call(action="list_sessions")["corrupt"] == []


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Run tasks at the same moment."""
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], Any]) -> Any:
        barrier.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


@pytest.mark.requirement("expected-version")
@pytest.mark.requirement("versions-order-changes")
def test_two_servers_on_one_session_win_each_version_once(home: Home) -> None:
    with Wire(home) as one, Wire(home) as two:
        session = arrange(one.call, "open")

        def work(wire: Wire) -> list[int]:
            won: list[int] = []
            for _ in range(25):
                version = wire.call(action="get_state", session_id=session)["version"]
                reply = wire.call(action="retry_phase", session_id=session, phase=2, expected_version=version)
                if reply["status"] == "success":
                    won.append(reply["version"])
                else:
                    assert reply["error_type"] == "ConflictError"
            return won

        first, second = together(lambda: work(one), lambda: work(two))
        assert first == sorted(first)
        assert second == sorted(second)
        # Every version from the third on was won once, by one of them.
        assert sorted(first + second) == list(range(3, 3 + len(first) + len(second)))
        assert one.call(action="get_state", session_id=session)["version"] == 2 + len(first) + len(second)


@pytest.mark.requirement("expected-version")
def test_of_two_that_expect_the_same_version_one_wins(home: Home) -> None:
    with Wire(home) as one, Wire(home) as two:
        for _ in range(8):
            session = arrange(one.call, "open")
            replies = together(
                lambda: one.call(action="pause", session_id=session, expected_version=2),  # noqa: B023 - run at once
                lambda: two.call(action="retry_phase", session_id=session, phase=2, expected_version=2),  # noqa: B023
            )
            assert sorted(reply.get("error_type", "") for reply in replies) == ["", "ConflictError"]


@pytest.mark.requirement("request-id-of-start-is-store-wide")
def test_two_racing_starts_with_one_request_id_are_one_session(home: Home) -> None:
    with Wire(home) as one, Wire(home) as two:
        for number in range(12):
            call = START | {"target_file": f"{number}.py", "request_id": f"racing-{number:06}"}
            first, second = together(lambda: one.call(**call), lambda: two.call(**call))  # noqa: B023 - run at once
            assert first["session_id"] == second["session_id"]
            assert [first.get("replayed"), second.get("replayed")].count(True) == 1
            assert one.call(action="list_sessions")["total"] == number + 1


@pytest.mark.requirement("nothing-acknowledged-is-lost")
def test_a_second_server_sees_at_once_what_the_first_has_answered(home: Home) -> None:
    with Wire(home) as one, Wire(home) as two:
        session = arrange(one.call, "open")
        for phase in (2, 3):
            one.call(action="complete_phase", session_id=session, phase=phase, evidence=PASSING)
            seen = two.call(action="get_state", session_id=session)
            assert seen["completed_phases"] == list(range(1, phase + 1))
        one.call(action="delete_session", session_id=session)
        assert two.call(action="get_state", session_id=session)["error_type"] == "NotFoundError"
        assert two.call(action="list_sessions")["total"] == 0
