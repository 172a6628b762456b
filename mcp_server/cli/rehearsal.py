"""What the self-test does: every action, every refusal that matters, every shipped workflow to its end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from mcp_server.cli.evidence import Honest
from mcp_server.cli.wire import WireError

Body = dict[str, Any]


class UnexpectedError(Exception):
    """An action answered something else than it should."""

    def __init__(self, action: str, problem: str) -> None:
        super().__init__(f"{action}: {problem}")
        self.action = action


class Rehearsal:
    """One run through all chapters, and what came of it."""

    def __init__(self, call: Callable[[Body], Body]) -> None:
        self._call = call
        self.seconds: dict[str, list[float]] = {}
        self.succeeded: set[str] = set()
        self.failed: set[str] = set()
        self.issues: list[str] = []
        self.completed: dict[str, int] = {}
        self.refusals = 0

    def run(self, workflows: Sequence[Honest]) -> None:
        """Play every chapter; one that goes wrong does not keep the others from being played."""
        chapters: list[Callable[[], None]] = [lambda: self._discover(workflows), self._ask_wrongly]
        chapters += [lambda honest=honest: self._walk(honest) for honest in workflows]
        chapters += [lambda: self._recover(workflows[0]), self._manage]
        for chapter in chapters:
            try:
                chapter()
            except UnexpectedError as error:
                self.failed.add(error.action)
                self.issues.append(str(error))
            except WireError as error:
                self.issues.append(f"The conversation broke: {error}.")
                return

    def _discover(self, workflows: Sequence[Honest]) -> None:
        body = [self._ask("list_workflows") for _ in range(5)][-1]
        found: list[str] = [one["workflow_type"] for one in body["workflows"]]
        missing = [honest.workflow for honest in workflows if honest.workflow not in found]
        self._hold(not missing, "list_workflows", f"{', '.join(missing)} is not listed")
        self._hold(not body["invalid"], "list_workflows", f"definitions do not load: {body['invalid']}")

    def _ask_wrongly(self) -> None:
        self._refused("ValueError", "no_such_action")
        self._refused("ValueError", "start")
        self._refused("ValueError", "start", workflow_type="small_change_v1", target_file="../elsewhere")
        self._refused("NotFoundError", "start", workflow_type="no_such_workflow", target_file=".")
        self._refused("NotFoundError", "get_phase", session_id="no_such_session")

    def _walk(self, honest: Honest) -> None:
        """From the first phase to the last, reading everything, with one refusal on the way."""
        request_id = secrets.token_hex(8)
        asked = {"workflow_type": honest.workflow, "target_file": honest.target, "options": honest.options}
        asked["request_id"] = request_id
        started = self._ask("start", **asked)
        session = started["session_id"]
        again = self._ask("start", **asked)
        self._hold(again["session_id"] == session, "start", "the same request_id began another session")
        self._refused(
            "ValidationError", "complete_phase", session_id=session, phase=started["current_phase"], evidence={}
        )
        body = self._ask("get_phase", session_id=session)
        for phase, evidence in honest.evidence.items():
            self._hold(body["current_phase"] == phase, "get_phase", f"phase {phase} should be current")
            for task in body["phase_content"]["tasks"]:
                self._ask("get_task", session_id=session, phase=phase, task_number=task["task_number"])
            passed = self._ask("complete_phase", session_id=session, phase=phase, evidence=evidence)
            self._hold(passed["checkpoint_passed"], "complete_phase", f"phase {phase} did not pass")
            body = self._ask("get_phase", session_id=session)
        state = self._ask("get_state", session_id=session)
        self._hold(state["session_status"] == "completed", "complete_phase", f"{honest.workflow} was not completed")
        self.completed[honest.workflow] = len(honest.evidence)

    def _recover(self, honest: Honest) -> None:
        """Interrupt, go on, fail, retry, go back."""
        first, evidence = next(iter(honest.evidence.items()))
        session = self._ask("start", workflow_type=honest.workflow, target_file=honest.target, options=honest.options)[
            "session_id"
        ]
        self._ask("pause", session_id=session, checkpoint_note="the self-test pauses here")
        self._refused("StateError", "complete_phase", session_id=session, phase=first, evidence=evidence)
        self._ask("resume", session_id=session)
        self._refused("ValidationError", "complete_phase", session_id=session, phase=first, evidence={})
        errors = self._ask("get_errors", session_id=session)
        self._hold(errors["error_count"] == 1, "get_errors", "the refusal is not on record")
        self._ask("retry_phase", session_id=session, phase=first)
        self._ask("complete_phase", session_id=session, phase=first, evidence=evidence)
        self._ask("rollback", session_id=session, to_phase=first)
        state = self._ask("get_state", session_id=session)
        self._hold(state["current_phase"] == first, "rollback", "the phase is not current again")
        record = self._ask("get_session", session_id=session)["session"]
        self._hold(bool(record["phase_history"]), "get_session", "there is no history")
        self._refused("ConflictError", "pause", session_id=session, expected_version=1)

    def _manage(self) -> None:
        """Find the sessions, and take one away."""
        listed = self._ask("list_sessions", status="active")
        self._hold(
            bool(listed["sessions"]) and not listed["corrupt"], "list_sessions", "a session is missing or corrupt"
        )
        session = listed["sessions"][0]["session_id"]
        self._hold(self._ask("delete_session", session_id=session)["deleted"], "delete_session", "it was not deleted")
        self._hold(
            not self._ask("delete_session", session_id=session)["deleted"], "delete_session", "it was deleted twice"
        )
        self._refused("NotFoundError", "get_state", session_id=session)

    def _ask(self, action: str, **arguments: Any) -> Body:
        body = self._timed(action, arguments)
        self._hold(body["status"] == "success", action, f"{body.get('error_type')}: {body.get('error')}")
        self.succeeded.add(action)
        return body

    def _refused(self, error_type: str, action: str, **arguments: Any) -> None:
        found = self._timed(action, arguments).get("error_type", "success")
        self._hold(found == error_type, action, f"should have been refused with {error_type}, and came to {found}")
        self.refusals += 1

    def _timed(self, action: str, arguments: Body) -> Body:
        began = time.perf_counter()
        body = self._call({"action": action, **arguments})
        self.seconds.setdefault(action, []).append(time.perf_counter() - began)
        return body

    def _hold(self, condition: bool, action: str, problem: str) -> None:
        if not condition:
            raise UnexpectedError(action, problem)
