"""A scripted cheat passes no gate, and what it forges is found out at the next call; an honest one passes all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adversary.cheats import CHEATS, Cheat
from tests.adversary.fortress import Adversary, build
from tests.support import Home
from tests.wire import Wire

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def fortress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Wire]]:
    home = build(tmp_path_factory.mktemp("fortress"))
    with Wire(home) as wire:
        yield home, wire


@pytest.fixture
def adversary(fortress: tuple[Home, Wire]) -> Iterator[Adversary]:
    home, wire = fortress
    session = wire.call(action="start", workflow_type="fort", target_file=".")["session_id"]
    it = Adversary(home, wire, session)
    try:
        yield it
    finally:
        it.undo()


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.said)
def test_a_cheat_comes_to_what_the_threat_model_says(adversary: Adversary, cheat: Cheat) -> None:
    cheat.attempt(adversary)
    state = adversary.state()
    match cheat.fate:
        case "detected":
            assert state["status"] == "error" or cheat.said.startswith(("edit an event", "put a weaker")), state
            # What is in quarantine is gone from where it was, and said to be.
            gone = "gone, though it was never deleted" in state.get("error", "")
            assert gone or state.get("error_type", "CorruptStateError") == "CorruptStateError"
        case "prevented":
            assert (state["current_phase"], state["completed_phases"]) == (1, [])
        case "shown":
            assert state["status"] == "success"


def test_there_are_enough_of_them() -> None:
    assert len(CHEATS) >= 40
    assert len({cheat.said for cheat in CHEATS}) == len(CHEATS)


def test_an_honest_assistant_and_a_person_pass_all_gates(tmp_path: Path) -> None:
    home = build(tmp_path)
    with Wire(home) as wire:
        session = wire.call(action="start", workflow_type="fort", target_file=".")["session_id"]
        honest = Adversary(home, wire, session)
        passed = honest.honestly()
        assert passed["checkpoint_passed"] is True
        assert {one["name"]: one["basis"] for one in passed["evidence_accepted"]}["passed"] == "verified"
        waiting = honest.submit({"note": "ready"}, phase=2)
        assert (waiting["checkpoint_passed"], waiting["gate"]) == (False, "awaiting_approval")
