"""The assistant: it stands in for the model, and everything it knows of the session came over the wire."""

from __future__ import annotations

from typing import Any, Final

from _demo.stage import Stage
from _demo.wire import Reply, Wire

OUTPUT_LINES: Final = 4


class Assistant:
    """Makes calls, checks that each answer is what the story says, and tells both."""

    def __init__(self, stage: Stage, wire: Wire) -> None:
        self.stage = stage
        self.wire = wire
        self.session_id = ""
        self.version = 0
        self.titles: dict[int, str] = {}
        self.verified: dict[str, int] = {}
        self._proposed: list[dict[str, Any]] = []

    async def ask(self, action: str, shown: str = "", fails: str = "", **arguments: Any) -> Reply:
        """Call an action; ``shown`` is what is told of the arguments, ``fails`` the error that is expected."""
        self.stage.say("assistant", f"{action} {shown}".rstrip())
        return await self._call(action, fails, arguments)

    async def start(self, workflow: str, target: str, options: dict[str, Any]) -> Reply:
        """Begin a session; from now on every call is about it."""
        shown = f"{workflow} on {target}, {', '.join(f'{name}: {value}' for name, value in options.items())}"
        reply = await self.ask("start", shown, workflow_type=workflow, target_file=target, options=options)
        self.session_id = reply["session_id"]
        return reply

    async def read_tasks(self, *, told: bool = False) -> None:
        """Read the tasks of the phase, going by ``next_actions`` alone."""
        read: list[str] = []
        while (first := self._proposed[0]["arguments"])["action"] == "get_task":
            reply = await self._call("get_task", "", {key: first[key] for key in ("phase", "task_number")})
            content = reply["task_content"]
            self.stage.expect(len(content["instructions"]) > 100, "a task with instructions", content)
            read.append(content["title"])
        self.stage.expect(bool(read), "next_actions to begin with get_task", self._proposed)
        if told:
            self.stage.say("assistant", f"get_task, {len(read)} times: {'; '.join(read)}")

    async def pass_phase(self, phase: int, evidence: dict[str, Any], shown: str, **more: Any) -> Reply:
        """Submit evidence that the gate must accept."""
        reply = await self.ask("complete_phase", f"{phase}: {shown}", phase=phase, evidence=evidence, **more)
        self.stage.expect(reply["checkpoint_passed"] is True, f"phase {phase} to pass", reply)
        seen = [one["name"] for one in reply["evidence_accepted"] if one["basis"] == "verified"]
        self.stage.expect(not {*seen} & {*evidence}, "what was only said to be called attested", seen)
        self.verified |= dict.fromkeys(seen, phase)
        if reply["checks"]:
            passed = ", ".join(one["id"] for one in reply["checks"] if one["status"] == "passed")
            self.stage.say("server", f"looks itself -> GO: {passed}")
        if reply.get("workflow_completed"):
            self.stage.say("server", f"PASSED phase {phase}. Workflow COMPLETED.")
        else:
            following = reply["next_phase"]
            self.stage.say("server", f"PASSED phase {phase} -> {following['phase_number']}: {following['title']}")
        return reply

    async def be_refused(self, phase: int, evidence: dict[str, Any], shown: str) -> Reply:
        """Submit evidence that the gate must refuse."""
        reply = await self.ask("complete_phase", f"{phase}: {shown}", "ValidationError", phase=phase, evidence=evidence)
        said = [f"missing {', '.join(reply['missing_evidence'])}"] if reply["missing_evidence"] else []
        said += [f"{one['field']}: {one['problem']}" for one in reply["validation_errors"]]
        no_go = [one for one in reply["checks"] if one["status"] == "failed"]
        said += [f"looks itself -> NO-GO: {one['id']}: {one['problem']}" for one in no_go]
        self.stage.expect(reply["gate"] == "refused" and bool(said), f"phase {phase} to be refused", reply)
        verdict = f"REFUSED, attempt {reply['attempt']}, {reply['attempts_left']} left:"
        if len(said) == 1:
            said, verdict = [], f"{verdict} {said[0]}"
        self.stage.say("server", verdict)
        for finding in said:
            self.stage.say("server", f"- {finding}")
        for one in no_go:
            self.stage.rows([f"| {line}" for line in one["stdout"].splitlines() if line.strip()][-OUTPUT_LINES:])
        return reply

    async def accepted(self, phase: int) -> dict[str, Any]:
        """The evidence of an earlier phase as the server keeps it."""
        state = await self._call("get_state", "", {})
        return state["artifacts"][f"phase_{phase}"]

    async def _call(self, action: str, fails: str, arguments: dict[str, Any]) -> Reply:
        if self.session_id and action not in ("list_workflows", "list_sessions", "start"):
            arguments = {"session_id": self.session_id, **arguments}
        reply = await self.wire.call({"action": action, **arguments})
        got = reply.get("error_type", "")
        self.stage.expect(
            got == fails, f"{action} to answer {fails or 'success'}", f"{got or 'success'}: {reply.get('error', reply)}"
        )
        self.version = reply.get("version", self.version)
        self._proposed = reply.get("next_actions", [])
        content = reply.get("phase_content") or reply.get("next_phase")
        if content:
            self.titles[content["phase_number"]] = content["title"]
        return reply
