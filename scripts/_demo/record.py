"""Chapter 8: what is left of it all, what it is worth, and what happens when somebody edits it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import Any

from _demo.assistant import Assistant
from _demo.stage import Stage
from _demo.wire import Place

SHOWN = ("version", "session_status", "completed_phases")


async def play(assistant: Assistant, titles: dict[int, str], place: Place) -> None:
    """Show the record, then forge it."""
    stage = assistant.stage
    stage.chapter("8  The record")
    record = (await assistant.ask("get_session", "-> phase, attempts, basis"))["session"]
    _table(stage, record["phase_history"], titles)
    errors = await assistant.ask("get_errors")
    stage.expect(errors["error_count"] == 4, "four refusals on record", errors["error_count"])
    stage.say("server", f"{errors['error_count']} refused attempts, in phases {_phases(errors['errors'])}")
    await _seen(assistant)
    stage.say("why", "Seen by the server: that the tests ran, how many pass, what they cover.")
    stage.say("why", 'Only told to it: the rest. A phase is believed no more than its weakest part: "attested".')
    await _forge(assistant, place)


async def _seen(assistant: Assistant) -> None:
    """What the server read itself, with its value as it was recorded."""
    stage = assistant.stage
    stage.expect([*assistant.verified] == ["coverage_measured", "tests_passed"], "two facts", assistant.verified)
    last = await assistant.accepted(8)
    tests, percent = (await assistant.accepted(5))["tests_passed"], last["coverage_measured"]
    stage.expect(percent == 100 and tests == 14, "15 tests, one of them expected to fail", (percent, tests))
    stage.say("server", f"verified: tests_passed {tests}, coverage_measured {percent:g} %; all else attested")


def _table(stage: Stage, history: list[dict[str, Any]], titles: dict[int, str]) -> None:
    stage.expect([one["phase"] for one in history] == [*range(1, 9)], "eight phases", history)
    stage.expect({one["status"] for one in history} == {"completed"}, "all of them completed", history)
    attempts = [one["attempt"] for one in history]
    stage.expect(attempts == [2, 1, 1, 3, 2, 2, 2, 1], "the attempts of this story", attempts)
    stage.expect({one["basis"] for one in history} == {"attested"}, "the basis attested", history)
    cells = [f"{one['phase']}  {titles[one['phase']]:<27}{one['attempt']}  {one['basis']}" for one in history]
    stage.rows([f"{left}    {right}" for left, right in zip(cells[:4], cells[4:], strict=True)])


def _phases(errors: list[dict[str, Any]]) -> str:
    return ", ".join(str(one["phase"]) for one in errors)


async def _forge(assistant: Assistant, place: Place) -> None:
    stage = assistant.stage
    path = place.project / ".praxis-os/state/workflows" / f"{assistant.session_id}.json"
    whole = path.read_bytes()
    head = json.loads(whole)
    stage.say("person", "reads the state, one JSON file per session: .praxis-os/state/workflows/<session>.json")
    stage.rows([", ".join(f'"{name}": {json.dumps(head[name], separators=(",", ":"))}' for name in SHOWN)])
    stage.expect(head["session_status"] == "completed", "the file to say what the server said", head)
    _verify(stage, place, 0)
    path.write_bytes(_forged(stage, whole))
    stage.say("person", 'forges it: "attested" becomes "verified", and the checksum is made to fit')
    refused = await assistant.ask("get_state", "", "CorruptStateError")
    stage.expect(refused["finding"].startswith("tampered"), "tampering to be found", refused)
    stage.say("server", f"CorruptStateError: {refused['error']}")
    _verify(stage, place, 1)
    path.write_bytes(whole)
    await assistant.ask("get_state", "(after the file was put back)")
    _verify(stage, place, 0)
    stage.say("why", "Files can be edited by anybody; the seal, whose key lies elsewhere, makes it show.")


def _forged(stage: Stage, whole: bytes) -> bytes:
    """The state with a better basis, and a checksum that fits: the SHA-256 of all bytes before it."""
    before, key, rest = whole.replace(b'"basis": "attested"', b'"basis": "verified"').rpartition(b'"checksum": "')
    forged = before + key + hashlib.sha256(before).hexdigest().encode() + rest[64:]
    stage.expect(b'"basis": "verified"' in forged and len(forged) == len(whole), "something to forge", whole)
    return forged


def _verify(stage: Stage, place: Place, code: int) -> None:
    done = subprocess.run(
        [place.executable, "verify", *place.flags], capture_output=True, text=True, check=False, timeout=60
    )
    printed = " ".join((done.stdout + done.stderr).split())
    stage.expect(done.returncode == code, f"pos-workflow verify to exit with {code}", f"{done.returncode}: {printed}")
    stage.say("person", f"pos-workflow verify -> exit code {code}" + (f": {printed}" if code == 0 else ""))
