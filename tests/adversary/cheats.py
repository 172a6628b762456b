"""Every cheat that anybody here could think of, with what is to come of it.

``prevented``: the gate stays shut. ``detected``: the session is not used any more until a person has looked at it.
``shown``: it is possible, and told by everything that tells of the session.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tests.adversary.fortress import EVIDENCE, Adversary
from tests.cli.support import command, run_process
from tests.support import Home, bare_environment, server_command
from tests.terminal import play
from tests.waiting import until
from tests.wire import Wire

Fate = Literal["prevented", "detected", "shown"]


@dataclass(frozen=True)
class Cheat:
    """One cheat: what it is, what is to come of it, and how it is tried."""

    said: str
    fate: Fate
    attempt: Callable[[Adversary], object]


CHEATS: Final[list[Cheat]] = []


def cheat(said: str, fate: Fate = "prevented") -> Callable[[Callable[[Adversary], object]], Callable[..., object]]:
    """Add a cheat to the list."""

    def add(attempt: Callable[[Adversary], object]) -> Callable[..., object]:
        CHEATS.append(Cheat(said, fate, attempt))
        return attempt

    return add


# What is submitted


@cheat("submit nothing")
def _(it: Adversary) -> None:
    it.submit({})


@cheat("say that all is done, and nothing else")
def _(it: Adversary) -> None:
    it.submit(EVIDENCE)


@cheat("submit the number that the check would read")
def _(it: Adversary) -> None:
    it.submit({**EVIDENCE, "passed": 3})


@cheat("submit the checks' results as evidence")
def _(it: Adversary) -> None:
    it.submit({**EVIDENCE, "checks": [{"id": "tests", "status": "passed"}], "tests": "passed"})


@cheat("submit that a person approved, trusted and overrode")
def _(it: Adversary) -> None:
    it.submit({**EVIDENCE, "approved": True, "approval": {"by": "me"}, "trusted": True, "override": {"reason": "x"}})


@cheat("submit a basis of one's own")
def _(it: Adversary) -> None:
    it.submit({**EVIDENCE, "basis": "verified", "passed": {"basis": "verified", "value": 3}})


@cheat("submit words for booleans, and blanks for words")
def _(it: Adversary) -> None:
    it.submit({"done": "true", "note": " "})
    it.submit({"done": 1, "note": []})


@cheat("submit what is no number")
def _(it: Adversary) -> None:
    it.submit('{"done": true, "note": "x", "passed": NaN}')
    it.submit({**EVIDENCE, "passed": "Infinity"})


@cheat("submit evidence as a string with more in it")
def _(it: Adversary) -> None:
    it.submit(json.dumps(EVIDENCE) + ', "force": true}')
    it.submit(json.dumps({**EVIDENCE, "__class__": "Passed"}))


@cheat("submit as many attempts as it takes")
def _(it: Adversary) -> None:
    for number in range(12):
        it.submit({**EVIDENCE, "passed": number})


# What the tool is asked


@cheat("give parameters that might force it")
def _(it: Adversary) -> None:
    for name in ("force", "override", "skip_checks", "approved_by", "basis", "trust"):
        assert it.submit(EVIDENCE, **{name: True})["error_type"] == "ValueError"


@cheat("call actions that might exist")
def _(it: Adversary) -> None:
    for action in ("approve", "override", "trust", "budget", "seal", "repin", "reopen", "operator", "import"):
        assert it.tool(action=action)["error_type"] == "ValueError"


@cheat("complete a phase that is not current")
def _(it: Adversary) -> None:
    for phase in (2, 3, 0, 99):
        assert it.submit(EVIDENCE, phase=phase)["status"] == "error"


@cheat("roll back forwards")
def _(it: Adversary) -> None:
    for phase in (2, 3):
        assert it.tool(action="rollback", to_phase=phase)["error_type"] == "StateError"


@cheat("pause and resume past the gate")
def _(it: Adversary) -> None:
    it.tool(action="pause")
    it.submit()
    it.tool(action="resume")


@cheat("retry the phase until it gives in")
def _(it: Adversary) -> None:
    for _ in range(3):
        it.tool(action="retry_phase", phase=1, reset_evidence=True)
        it.submit()


@cheat("repeat another attempt's request_id with better evidence")
def _(it: Adversary) -> None:
    it.submit(EVIDENCE, request_id="one-and-the-same")
    assert it.submit({**EVIDENCE, "passed": 3}, request_id="one-and-the-same")["error_type"] == "ConflictError"


@cheat("delete the session and take it back")
def _(it: Adversary) -> None:
    it.tool(action="delete_session")
    it.program("undelete", it.session)


@cheat("read the tasks of a closed phase")
def _(it: Adversary) -> None:
    assert it.tool(action="get_task", phase=2, task_number=1)["status"] == "error"


@cheat("start on a target outside the project")
def _(it: Adversary) -> None:
    for target in ("../other", "/etc/passwd", "a/../../b"):
        started = it.wire.call(action="start", workflow_type="fort", target_file=target)
        assert started["error_type"] == "ValueError"


@cheat("let a run be handed over and end it by new evidence")
def _(it: Adversary) -> None:
    it.write({"product.py": "import time\ntime.sleep(1)\n"})
    first = it.wire.post_call(action="complete_phase", session_id=it.session, phase=1, evidence=EVIDENCE)
    second = it.submit({**EVIDENCE, "note": "another"})
    assert it.wire.body(it.wire.answer(first))["status"] == second["status"] == "error"


# What is checked


@cheat("change what the tests expect")
def _(it: Adversary) -> None:
    it.write({"suite/cases.json": json.dumps([{"given": n, "wanted": 2} for n in (1, 2, 3)])})
    it.submit()


@cheat("change the program that runs the tests")
def _(it: Adversary) -> None:
    it.write({"run_suite.py": "print('3 passed')\n"})
    it.submit()


@cheat("add a file to the tests")
def _(it: Adversary) -> None:
    it.write({"suite/conftest.py": "print('3 passed')\n", "product.py": "import sys\nprint(2 * int(sys.argv[1]))\n"})
    it.submit()


@cheat("remove the tests")
def _(it: Adversary) -> None:
    it.shell("rm -r suite")
    it.submit()


@cheat("change the tests, go back a phase, and come again as if they had always been so")
def _(it: Adversary) -> None:
    kept = it.wire.call(action="start", workflow_type="kept", target_file=".")["session_id"]
    call = {"action": "complete_phase", "session_id": kept, "evidence": {"note": "x", "summary": "s"}}
    assert it.wire.call(**call, phase=1)["checkpoint_passed"] is True
    it.write({"suite/cases.json": "[]"})
    assert it.wire.call(**call, phase=2)["gate"] == "refused"
    it.wire.call(action="rollback", session_id=kept, to_phase=1)
    assert it.wire.call(**call, phase=1)["checkpoint_passed"] is True
    assert it.wire.call(**call, phase=2)["gate"] == "refused"


@cheat("put a link where the tests were")
def _(it: Adversary) -> None:
    it.shell("mv suite elsewhere; ln -s elsewhere suite")
    it.write({"elsewhere/cases.json": json.dumps([{"given": n, "wanted": 2} for n in (1, 2, 3)])})
    it.submit()


@cheat("hide changed tests from the digest by an ignore file")
def _(it: Adversary) -> None:
    it.write({".gitignore": "suite/\nrun_suite.py\n", "run_suite.py": "print('3 passed')\n"})
    it.submit()


@cheat("change the tests while they run and put them back")
def _(it: Adversary) -> None:
    fake = json.dumps([{"given": n, "wanted": 2} for n in (1, 2, 3)])
    it.write({"product.py": f"open('suite/cases.json', 'w').write({fake!r})\nprint(2)\n"})
    it.submit()


@cheat("plant modules where Python would find them first")
def _(it: Adversary) -> None:
    fake = "print('3 passed')\nimport os\nos._exit(0)\n"
    it.write(dict.fromkeys(("json.py", "subprocess.py", "sitecustomize.py", "usercustomize.py"), fake))
    it.submit()


@cheat("plant byte code beside the tests")
def _(it: Adversary) -> None:
    it.shell("mkdir -p __pycache__ && touch __pycache__/run_suite.cpython-311.pyc __pycache__/json.cpython-311.pyc")
    it.submit()


@cheat("plant a program of the same name in the project")
def _(it: Adversary) -> None:
    it.shell("printf '#!/bin/sh\\necho 3 passed\\n' > python; cp python python3; chmod +x python python3")
    it.submit()


@cheat("print what the check looks for")
def _(it: Adversary) -> None:
    it.write({"product.py": "import sys\nprint('3 passed')\nsys.stderr.write('3 passed')\n"})
    it.submit()


@cheat("write into the output of the program that judges")
def _(it: Adversary) -> None:
    it.write({"product.py": "import os\nopen(f'/proc/{os.getppid()}/fd/1', 'w').write('3 passed\\n')\nprint(2)\n"})
    it.submit()


@cheat("kill the program that judges")
def _(it: Adversary) -> None:
    it.write({"product.py": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"})
    it.submit()


@cheat("kill everything above the program")
def _(it: Adversary) -> None:
    script = (
        "import os, signal\n"
        "up = int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])\n"
        "os.kill(up, signal.SIGKILL)\n"
    )
    it.write({"product.py": script})
    it.submit()


@cheat("run for ever")
def _(it: Adversary) -> None:
    it.write({"product.py": "import time\ntime.sleep(3)\nprint(2)\n"})
    it.tool(action="get_state")
    call = it.wire.post_call(action="complete_phase", session_id=it.session, phase=1, evidence=EVIDENCE)
    until(it.is_checked)
    it.tool(action="pause")
    it.wire.answer(call)
    it.tool(action="resume")


@cheat("leave a program behind that finishes the work after the verdict")
def _(it: Adversary) -> None:
    it.write({"product.py": "import subprocess, sys\nsubprocess.Popen(['sleep', '30'])\nprint(2)\n"})
    it.submit()


@cheat("kill the server while it checks, and go on in another")
def _(it: Adversary) -> None:
    it.write({"product.py": "import time\ntime.sleep(20)\n"})
    with Wire(it.home) as other:
        other.post_call(action="complete_phase", session_id=it.session, phase=1, evidence=EVIDENCE)
        until(it.is_checked)
        other.kill()
    assert it.state()["gate"] == "interrupted"


@cheat("hold the lock of a run that nobody runs")
def _(it: Adversary) -> None:
    it.write({"product.py": "import time\ntime.sleep(20)\n"})
    with Wire(it.home) as other:
        other.post_call(action="complete_phase", session_id=it.session, phase=1, evidence=EVIDENCE)
        until(it.is_checked)
        run = it.home.state / "runs" / it.record()["under_way"]["run"]
        other.kill()
    with run.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert it.state()["gate"] == "checking"
    assert it.state()["gate"] == "interrupted"


# What is pinned, trusted and declared


@cheat("write a gate into the definition that asks for nothing")
def _(it: Adversary) -> None:
    weak = "evidence_schema: {note: {type: string}}\n"
    file = it.home.definitions / "fort" / "phases" / "1" / "gate-definition.yaml"
    before = file.read_text()
    file.write_text(weak)
    try:
        it.submit()
    finally:
        file.write_text(before)


@cheat("put a weaker definition into the pinned one's blob", "detected")
def _(it: Adversary) -> None:
    digest = it.record()["definition"]["digest"]
    blob = it.home.state / "blobs" / digest[:2] / digest
    blob.write_bytes(blob.read_bytes().replace(b"protected_paths", b"x-protected_pat"))
    # A server that has not read it yet.
    with Wire(it.home) as other:
        assert other.call(action="get_state", session_id=it.session)["error_type"] == "CorruptStateError"


@cheat("define a workflow whose command is one's own")
def _(it: Adversary) -> None:
    it.home.define(
        "mine",
        [
            {
                "number": 1,
                "gate": {
                    "evidence_schema": {"note": {"type": "string"}},
                    "checks": [{"id": "c", "run": ["touch", "it-ran"], "pass": {"exit_code": 0}}],
                },
            }
        ],
    )
    mine = it.wire.call(action="start", workflow_type="mine", target_file=".")["session_id"]
    call = {"action": "complete_phase", "session_id": mine, "phase": 1, "evidence": {"note": "x"}}
    assert it.wire.call(**call)["gate"] == "blocked"
    assert not (it.home.project / "it-ran").exists()


@cheat("hide a shipped workflow behind a weaker one of the same name", "shown")
def _(it: Adversary) -> None:
    it.home.define("small_change_v1", [{"number": 1}])
    try:
        started = it.wire.call(action="start", workflow_type="small_change_v1", target_file=".")
        assert (started["source"], any("hides one" in one for one in started["warnings"])) == ("project", True)
        listed = it.wire.call(action="list_workflows")["workflows"]
        assert [one["shadows"] for one in listed if one["workflow_type"] == "small_change_v1"] == [["bundled"]]
    finally:
        shutil.rmtree(it.home.definitions / "small_change_v1")


@cheat("give an option that is a command")
def _(it: Adversary) -> None:
    for words in ("pytest; true", "--help", "$(true)"):
        options = {"test_runner": words}
        started = it.wire.call(action="start", workflow_type="fort", target_file=".", options=options)
        # Options that are not declared are kept, and filled in nowhere.
        session = started["session_id"]
        call = {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": EVIDENCE}
        assert it.wire.call(**call)["checkpoint_passed"] is False


# What lies on the disk


@cheat("edit the current phase", "detected")
def _(it: Adversary) -> None:
    it.forge('"current_phase": 1', '"current_phase": 3')


@cheat("edit the current phase and leave the checksum", "detected")
def _(it: Adversary) -> None:
    it.head.write_bytes(it.head.read_bytes().replace(b'"current_phase": 1', b'"current_phase": 2'))


@cheat("add a completed phase", "detected")
def _(it: Adversary) -> None:
    it.forge('"completed_phases": []', '"completed_phases": [1]')


@cheat("say of what was attested that it was verified", "detected")
def _(it: Adversary) -> None:
    it.submit({})
    it.submit({"note": "x"})
    it.forge('"basis": "attested"', '"basis": "verified"')


@cheat("swap two sessions' files", "detected")
def _(it: Adversary) -> None:
    other = it.wire.call(action="start", workflow_type="fort", target_file=".")["session_id"]
    for suffix in (".json", ".jsonl"):
        mine, theirs = it.head.with_suffix(suffix), (it.head.parent / other).with_suffix(suffix)
        first, second = mine.read_bytes(), theirs.read_bytes()
        mine.write_bytes(second)
        theirs.write_bytes(first)


@cheat("truncate the log", "detected")
def _(it: Adversary) -> None:
    it.submit()
    raw = it.log.read_bytes()
    it.log.write_bytes(raw[: raw.index(b"\n") + 1])


@cheat("take the refusals out of the log", "detected")
def _(it: Adversary) -> None:
    it.submit({})
    lines = it.log.read_bytes().splitlines(keepends=True)
    it.log.write_bytes(b"".join(line for line in lines if b"gate_refused" not in line))


@cheat("edit an event of the log", "detected")
def _(it: Adversary) -> None:
    it.submit({})
    size = it.log.stat().st_size
    it.log.write_bytes(it.log.read_bytes().replace(b'"gate_refused"', b'"gate_blocked"'))
    assert it.log.stat().st_size == size
    assert it.program("verify", it.session).code == 1
    assert it.submit({})["error_type"] == "CorruptStateError"


@cheat("put yesterday's files back", "detected")
def _(it: Adversary) -> None:
    yesterday = it.saved()
    it.submit({})
    it.put_back(yesterday)


@cheat("take the seal off", "detected")
def _(it: Adversary) -> None:
    raw = it.head.read_bytes()
    it.head.write_bytes(raw[: raw.index(b'"seal": ')] + b'"seal": "unsealed"\n}\n')


@cheat("copy the session under another id", "detected")
def _(it: Adversary) -> None:
    copy = it.session + "x"
    for suffix in (".json", ".jsonl"):
        shutil.copy(it.head.with_suffix(suffix), (it.head.parent / copy).with_suffix(suffix))
    assert it.wire.call(action="get_state", session_id=copy)["error_type"] == "CorruptStateError"
    it.session = copy


@cheat("make the session's file a link", "detected")
def _(it: Adversary) -> None:
    aside = it.home.project / "aside.json"
    it.head.rename(aside)
    it.head.symlink_to(aside)


@cheat("remove the session's log", "detected")
def _(it: Adversary) -> None:
    it.log.unlink()


@cheat("say that a newer program wrote it", "detected")
def _(it: Adversary) -> None:
    it.forge('"schema_version": 1', '"schema_version": 2')


@cheat("serve it from a server with a key of one's own", "detected")
def _(it: Adversary) -> None:
    elsewhere = it.home.project / "my-user"
    with Wire(command=server_command(Home(it.home.project, elsewhere))) as other:
        assert other.call(action="get_state", session_id=it.session)["finding"].startswith("foreign")
    it.forge('"current_phase": 1', '"current_phase": 2')


@cheat("cut a refusal off the log, break the file and have it mended", "detected")
def _(it: Adversary) -> None:
    it.submit({})
    lines = it.log.read_bytes().splitlines(keepends=True)
    it.log.write_bytes(b"".join(lines[:-1]))
    it.head.write_bytes(b"{")
    assert it.program("doctor", "--fix").code == 1


@cheat("add an event to the log, break the file and have it mended", "detected")
def _(it: Adversary) -> None:
    it.submit({})
    raw = it.log.read_bytes()
    last = json.loads(raw.splitlines()[-1])
    last |= {"seq": last["seq"] + 1, "prev": hashlib.sha256(raw.splitlines(keepends=True)[-1]).hexdigest()}
    refused = {name: last["event"][name] for name in ("at", "phase", "evidence")}
    last["event"] = {**refused, "type": "phase_completed", "attempt": 2, "basis": "verified", "next_phase": 2}
    it.log.write_bytes(raw + json.dumps(last).encode() + b"\n")
    it.head.write_bytes(b"{")
    assert it.program("doctor", "--fix").code == 1


@cheat("put yesterday's log under a broken file and have it mended", "detected")
def _(it: Adversary) -> None:
    _, yesterday = it.saved()
    it.submit({})
    it.log.write_bytes(yesterday)
    it.head.unlink()
    assert it.program("doctor", "--fix").code == 1


@cheat("forge the session and have it mended to be trusted", "shown")
def _(it: Adversary) -> None:
    it.submit({})
    it.forge('"current_phase": 1', '"current_phase": 3')
    assert it.program("doctor", "--fix").code in (0, 1)
    # What it was is proven, and made again; that there was a forgery stays on record, and what it said is kept.
    state = it.state()
    assert (state["current_phase"], state["completed_phases"]) == (1, [])
    assert len(it.tool(action="get_errors")["errors"]) == 1
    assert b'"rebuilt"' in (it.home.state / "audit.jsonl").read_bytes()
    assert any(b'"current_phase": 3' in path.read_bytes() for path in (it.home.state / "quarantine").glob("*.json.*"))


@cheat("have a failed session put into quarantine and start it again under its id", "detected")
def _(it: Adversary) -> None:
    call = {"action": "start", "workflow_type": "strictly", "target_file": ".", "request_id": "failed-and-gone"}
    it.session = it.wire.call(**call)["session_id"]
    assert it.submit({})["session_status"] == "failed"
    for path in (it.head, it.log):
        path.write_bytes(b"{")
    assert it.program("doctor", "--fix").code == 1
    assert not it.head.exists()
    assert it.wire.call(**call)["status"] == "error"
    assert it.session in [one["session_id"] for one in it.wire.call(action="list_sessions", limit=500)["corrupt"]]


@cheat("have every session put into quarantine by another user's folder or another store's id")
def _(it: Adversary) -> None:
    elsewhere = Home(it.home.project, it.home.project / "my-user")
    run_process(elsewhere, "doctor", "--fix", cwd=it.home.project)
    identity = it.home.state / "store.json"
    before = identity.read_bytes()
    identity.write_text(json.dumps({"store": "0" * 32}))
    try:
        it.program("doctor", "--fix")
    finally:
        identity.write_bytes(before)
    assert it.head.exists()


# What only a person may do


@cheat("trust a definition without a terminal")
def _(it: Adversary) -> None:
    it.home.define(
        "yours", [{"number": 1, "gate": {"checks": [{"id": "c", "run": ["true"], "pass": {"exit_code": 0}}]}}]
    )
    for given in ("y\n", "y\ny\ny\n"):
        assert it.program("trust", "yours", given=given).code != 0
    assert "yours" not in it.program("trust", "--list").out


@cheat("override the gate without a terminal")
def _(it: Adversary) -> None:
    it.submit()
    assert it.program("override", it.session, "--reason", "it is fine", given="y\n").code != 0


@cheat("repin the session to an easier definition without a terminal")
def _(it: Adversary) -> None:
    assert it.program("repin", it.session, "--reason", "newer", given="y\n").code != 0


@cheat("approve without a terminal")
def _(it: Adversary) -> None:
    assert it.program("approve", it.session, given="y\n").code != 0


@cheat("raise a budget without a terminal")
def _(it: Adversary) -> None:
    metered = it.wire.call(action="start", workflow_type="metered", target_file=".")["session_id"]
    used = {"summary": "s", "usage": {"tokens": 11}}
    call = {"action": "complete_phase", "session_id": metered, "phase": 1, "evidence": used}
    assert it.wire.call(**call)["gate"] == "blocked"
    assert it.program("budget", metered, "--tokens", "1000000", "--reason", "more", given="y\n").code != 0
    assert it.wire.call(**call)["gate"] == "blocked"
    free = {"summary": "s", "usage": {"tokens": -1000}}
    assert it.wire.call(**{**call, "evidence": free})["checkpoint_passed"] is False


@cheat("reopen a failed phase that is a person's to open")
def _(it: Adversary) -> None:
    strict = it.wire.call(action="start", workflow_type="strictly", target_file=".")["session_id"]
    call = {"session_id": strict, "phase": 1}
    assert it.wire.call(action="complete_phase", evidence={}, **call)["session_status"] == "failed"
    for action in ("retry_phase", "complete_phase"):
        more = {"evidence": {"done": "x"}} if action == "complete_phase" else {}
        assert it.wire.call(action=action, **call, **more)["error_type"] == "StateError"
    assert it.wire.call(action="rollback", session_id=strict, to_phase=1)["error_type"] == "StateError"
    assert it.program("reopen", strict, "--reason", "again", given="y\n").code != 0


@cheat("accept one's own forgery", "detected")
def _(it: Adversary) -> None:
    it.forge('"current_phase": 1', '"current_phase": 3')
    for arguments in (("--accept", it.session), ("--accept", "--all")):
        assert it.program("seal", *arguments, given=f"{it.session}\ny\n").code != 0


@cheat("set an operator's passphrase without a terminal")
def _(it: Adversary) -> None:
    assert it.program("operator", "set", given="my very own words\nmy very own words\n").code != 0
    it.write({"words": "my very own words"})
    (it.home.project / "words").chmod(0o600)
    reason = ("--reason", "x", "--operator-file", "words")
    assert it.program("override", it.session, *reason).code != 0


@cheat("restore or import a session that is further on")
def _(it: Adversary) -> None:
    # Exit code 1: what others have forged is left out.
    it.program("backup")
    archive = next(path for path in (it.home.state / "backups").rglob("*") if path.is_file())
    assert it.program("restore", str(archive), given="y\n").code != 0
    assert it.program("import", str(it.home.project), given="y\n").code != 0


@cheat("tell the server by its environment who the person is")
def _(it: Adversary) -> None:
    for name in ("POS_WORKFLOW_OPERATOR", "POS_WORKFLOW_TRUST", "POS_WORKFLOW_APPROVE", "POS_WORKFLOW_TRUST_ALL"):
        it.program("approve", it.session, **{name: "1"})


@cheat("stand in for a person on a terminal of one's own", "shown")
def _(it: Adversary) -> None:
    typed = command(it.home, "override", it.session, "--reason", "looks fine to me")
    played = play(typed, ["override"], env=bare_environment(), cwd=str(it.home.project))
    assert played.code == 0, played.out
    history = it.tool(action="get_session")["session"]["phase_history"]
    assert history[0]["basis"] == "overridden"
