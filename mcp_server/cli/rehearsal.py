"""What the self-test does: every action, every refusal that matters, every shipped workflow to its end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from mcp_server.cli.evidence import Honest, Lie, Step, write_files
from mcp_server.cli.scenes import Body, Scene, python_in
from mcp_server.cli.wire import WireError

ASK_AGAIN_SECONDS: Final = 1.0
CHECKING_SECONDS: Final = 300.0
"""How often it is asked whether long checks have come to an end, and for how long."""


class UnexpectedError(Exception):
    """An action answered something else than it should."""

    def __init__(self, action: str, problem: str) -> None:
        super().__init__(f"{action}: {problem}")
        self.action = action


class Rehearsal:
    """All chapters, scene by scene, and what came of them."""

    def __init__(self, workflows: Sequence[Honest]) -> None:
        self._workflows = [honest.workflow for honest in workflows]
        # What is no workflow's own is played where a first phase can be passed twice: where no work is to be seen.
        plain = (honest for honest in workflows if next(iter(honest.evidence)) not in honest.steps)
        self._general = next(plain, workflows[0]).workflow
        self.seconds: dict[str, list[float]] = {}
        self.succeeded: set[str] = set()
        self.failed: set[str] = set()
        self.issues: list[str] = []
        self.completed: dict[str, int] = {}
        self.refusals = 0
        self.found_out = 0

    def play(self, scene: Scene) -> bool:
        """Play every chapter of a scene; one that goes wrong does not keep the others from being played.

        Gives False when the conversation broke.
        """
        chapters: list[Callable[[Scene], None]] = [self._trust, self._walk]
        if scene.honest.workflow == self._general:
            chapters += [self._discover, self._ask_wrongly, self._recover, self._manage]
        for chapter in chapters:
            try:
                chapter(scene)
            except UnexpectedError as error:
                self.failed.add(error.action)
                self.issues.append(str(error))
            except WireError as error:
                self.issues.append(f"The conversation broke: {error}.")
                return False
        return True

    def _trust(self, scene: Scene) -> None:
        """The person is shown what will be run, and says yes."""
        self._command(scene, "trust", scene.honest.workflow)

    def _discover(self, scene: Scene) -> None:
        body = [self._ask(scene, "list_workflows") for _ in range(5)][-1]
        found: list[str] = [one["workflow_type"] for one in body["workflows"]]
        missing = [name for name in self._workflows if name not in found]
        self._hold(not missing, "list_workflows", f"{', '.join(missing)} is not listed")
        self._hold(not body["invalid"], "list_workflows", f"definitions do not load: {body['invalid']}")

    def _ask_wrongly(self, scene: Scene) -> None:
        self._refused(scene, "ValueError", "no_such_action")
        self._refused(scene, "ValueError", "start")
        self._refused(scene, "ValueError", "start", workflow_type=self._general, target_file="../elsewhere")
        self._refused(scene, "NotFoundError", "start", workflow_type="no_such_workflow", target_file=".")
        self._refused(scene, "NotFoundError", "get_phase", session_id="no_such_session")

    def _walk(self, scene: Scene) -> None:
        """From the first phase to the last, reading everything, with refusals on the way."""
        honest = scene.honest
        request_id = secrets.token_hex(8)
        started = self._start(scene, request_id=request_id)
        session = started["session_id"]
        again = self._start(scene, request_id=request_id)
        self._hold(again["session_id"] == session, "start", "the same request_id began another session")
        first = started["current_phase"]
        self._refused(scene, "ValidationError", "complete_phase", session_id=session, phase=first, evidence={})
        body = self._ask(scene, "get_phase", session_id=session)
        for phase in honest.evidence:
            self._hold(body["current_phase"] == phase, "get_phase", f"phase {phase} should be current")
            for task in body["phase_content"]["tasks"]:
                self._ask(scene, "get_task", session_id=session, phase=phase, task_number=task["task_number"])
            for lie in honest.step(phase).lies:
                self._lie(scene, session, phase, lie)
            self._pass(scene, session, phase)
            body = self._ask(scene, "get_phase", session_id=session)
        state = self._ask(scene, "get_state", session_id=session)
        self._hold(state["session_status"] == "completed", "complete_phase", f"{honest.workflow} was not completed")
        self.completed[honest.workflow] = len(honest.evidence)

    def _lie(self, scene: Scene, session: str, phase: int, lie: Lie) -> None:
        """Hand in what is not so, and be refused by what looks."""
        evidence = {**scene.honest.evidence[phase], **lie.evidence}
        with lie.told(scene.project):
            body = self._submit(scene, session, phase, evidence)
        found = {*body.get("missing_evidence", ()), *body.get("failed_checks", ())}
        found |= {error["field"] for error in body.get("validation_errors", ())}
        about = f"phase {phase} of {scene.honest.workflow}, {lie.says}"
        self._hold(
            body.get("error_type") == "ValidationError" and {*lie.refused_by} <= found,
            "complete_phase",
            f"{about}: refused by {', '.join(sorted(found)) or 'nothing'} instead of {', '.join(lie.refused_by)}",
        )
        self.found_out += 1

    def _pass(self, scene: Scene, session: str, phase: int) -> None:
        """Do the work of a phase, hand in what is so, have it approved where a person is asked, and pass."""
        self._work(scene, scene.honest.step(phase))
        body = self._submit(scene, session, phase, scene.honest.evidence[phase])
        if body.get("gate") == "awaiting_approval":
            self._command(scene, "approve", session)
        else:
            wrong = [one for one in body.get("checks", ()) if one["status"] != "passed"]
            said = f"phase {phase} of {scene.honest.workflow} did not pass: {body.get('error', '')} {wrong or ''}"
            self._hold(body["checkpoint_passed"], "complete_phase", said.rstrip())
        self.succeeded.add("complete_phase")

    def _work(self, scene: Scene, step: Step) -> None:
        """Leave the files of a phase's work, and run its commands."""
        write_files(scene.project, step.files)
        for program, *arguments in step.commands:
            if program == "pos-workflow":
                self._command(scene, *arguments)
                continue
            ran = python_in(scene.project, arguments)
            said = (
                f"{' '.join(arguments[:2])} ended with exit code {ran.returncode}: {(ran.stdout + ran.stderr)[-300:]}"
            )
            self._hold(ran.returncode == 0, "complete_phase", said)

    def _submit(self, scene: Scene, session: str, phase: int, evidence: Body) -> Body:
        """What an attempt comes to, however long its checks take."""
        arguments = {"session_id": session, "phase": phase, "evidence": evidence}
        deadline = time.monotonic() + CHECKING_SECONDS
        body = self._timed(scene, "complete_phase", arguments)
        while body.get("gate") == "checking" and time.monotonic() < deadline:
            time.sleep(ASK_AGAIN_SECONDS)
            body = self._timed(scene, "complete_phase", arguments)
        return body

    def _recover(self, scene: Scene) -> None:
        """Interrupt, go on, fail, retry, go back."""
        first, evidence = next(iter(scene.honest.evidence.items()))
        session = self._start(scene)["session_id"]
        self._ask(scene, "pause", session_id=session, checkpoint_note="the self-test pauses here")
        self._refused(scene, "StateError", "complete_phase", session_id=session, phase=first, evidence=evidence)
        self._ask(scene, "resume", session_id=session)
        self._refused(scene, "ValidationError", "complete_phase", session_id=session, phase=first, evidence={})
        errors = self._ask(scene, "get_errors", session_id=session)
        self._hold(errors["error_count"] == 1, "get_errors", "the refusal is not on record")
        self._ask(scene, "retry_phase", session_id=session, phase=first)
        self._pass(scene, session, first)
        self._ask(scene, "rollback", session_id=session, to_phase=first)
        state = self._ask(scene, "get_state", session_id=session)
        self._hold(state["current_phase"] == first, "rollback", "the phase is not current again")
        record = self._ask(scene, "get_session", session_id=session)["session"]
        self._hold(bool(record["phase_history"]), "get_session", "there is no history")
        self._refused(scene, "ConflictError", "pause", session_id=session, expected_version=1)

    def _manage(self, scene: Scene) -> None:
        """Find the sessions, and take one away."""
        listed = self._ask(scene, "list_sessions", status="active")
        self._hold(
            bool(listed["sessions"]) and not listed["corrupt"], "list_sessions", "a session is missing or corrupt"
        )
        session = listed["sessions"][0]["session_id"]
        for there in (True, False):
            deleted = self._ask(scene, "delete_session", session_id=session)["deleted"]
            self._hold(deleted is there, "delete_session", "it was not deleted" if there else "it was deleted twice")
        self._refused(scene, "NotFoundError", "get_state", session_id=session)

    def _command(self, scene: Scene, *arguments: str) -> None:
        """Have the person type a command."""
        played = scene.person(*arguments)
        problem = f"pos-workflow {arguments[0]} ended with exit code {played.code}: {played.out[-300:]}"
        self._hold(played.code == 0, arguments[0], problem)

    def _start(self, scene: Scene, **arguments: Any) -> Body:
        honest = scene.honest
        asked = {"workflow_type": honest.workflow, "target_file": honest.target, "options": honest.options}
        return self._ask(scene, "start", **asked, **arguments)

    def _ask(self, scene: Scene, action: str, **arguments: Any) -> Body:
        body = self._timed(scene, action, arguments)
        self._hold(body["status"] == "success", action, f"{body.get('error_type')}: {body.get('error')}")
        self.succeeded.add(action)
        return body

    def _refused(self, scene: Scene, error_type: str, action: str, **arguments: Any) -> None:
        found = self._timed(scene, action, arguments).get("error_type", "success")
        self._hold(found == error_type, action, f"should have been refused with {error_type}, and came to {found}")
        self.refusals += 1

    def _timed(self, scene: Scene, action: str, arguments: Body) -> Body:
        began = time.perf_counter()
        body = scene.call({"action": action, **arguments})
        # How long the project's own programs take says nothing of this one.
        if action != "complete_phase" or not body.get("checks"):
            self.seconds.setdefault(action, []).append(time.perf_counter() - began)
        return body

    def _hold(self, condition: bool, action: str, problem: str) -> None:
        if not condition:
            raise UnexpectedError(action, problem)
