"""What tests of the whole product share: a project of their own, small workflows to see through, and how to ask."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from jsonschema import Draft202012Validator

from mcp_server.actions.paging import MAX_REPLY_BYTES
from mcp_server.actions.schema import OUTPUT_SCHEMA
from mcp_server.app import build_engine, workflow_roots
from mcp_server.checks.probes import ProjectProbes
from mcp_server.definitions.library import Library
from mcp_server.dispatch import Answered, dispatch
from mcp_server.engine import Engine, Workspace
from mcp_server.settings import load
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from tests.shipped_evidence import FILES

Body = dict[str, Any]

ACTIONS: tuple[str, ...] = (
    "list_workflows", "start", "get_phase", "get_task", "complete_phase", "get_state", "list_sessions", "get_session",
    "delete_session", "pause", "resume", "retry_phase", "rollback", "get_errors",
)  # fmt: skip
MUTATING: tuple[str, ...] = ("start", "complete_phase", "pause", "resume", "retry_phase", "rollback", "delete_session")
READING = tuple(action for action in ACTIONS if action not in MUTATING)
ALLOWED = {
    "active": ["complete_phase", "pause", "retry_phase", "rollback", "delete_session"],
    "paused": ["resume", "delete_session"],
    "failed": ["retry_phase", "rollback", "delete_session"],
    "completed": ["rollback", "delete_session"],
}
"""The mutating actions that each status allows, as the contract's table has it."""

_ENVELOPE: Any = Draft202012Validator(OUTPUT_SCHEMA)


class Ask(Protocol):
    """One call of the tool and its reply, over whatever lies between."""

    def __call__(self, **arguments: Any) -> Body: ...


@dataclass(frozen=True)
class Home:
    """A project and a user's folder, both empty at first."""

    project: Path
    user: Path

    @classmethod
    def make(cls, folder: Path) -> Home:
        home = cls(folder / "project", folder / "user")
        home.project.mkdir()
        home.user.mkdir()
        return home

    @property
    def state(self) -> Path:
        return self.project / ".praxis-os" / "state"

    @property
    def definitions(self) -> Path:
        return self.project / ".praxis-os" / "workflows"

    def write(self, files: Mapping[str, str]) -> None:
        """Put files into the project."""
        for name, text in files.items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def define(self, name: str, phases: list[Body], **metadata: Any) -> None:
        """Add a workflow to the project.

        A phase has ``number``, ``gate`` (as in its file), and as it likes ``name``, ``purpose``, ``text``, ``tasks``
        (Markdown by file name), ``skippable`` and ``skip_condition``.
        """
        described = {
            "workflow_type": name,
            "version": "1.0.0",
            "name": f"The {name} workflow",
            "description": f"What {name} is for.",
            "category": "testing",
            **metadata,
            "phases": [
                {
                    "phase_number": phase["number"],
                    "phase_name": phase.get("name", f"Phase {phase['number']}"),
                    "purpose": phase.get("purpose", ""),
                    **{key: phase[key] for key in ("skippable", "skip_condition") if key in phase},
                }
                for phase in phases
            ],
        }
        files = {"metadata.json": json.dumps(described, ensure_ascii=False)}
        for phase in phases:
            folder = f"phases/{phase['number']}"
            files[f"{folder}/phase.md"] = phase.get("text", f"# Phase {phase['number']}\n\nDo it.\n")
            if "gate" in phase:
                files[f"{folder}/gate-definition.yaml"] = json.dumps(phase["gate"], ensure_ascii=False)
            files |= {f"{folder}/{task}": text for task, text in phase.get("tasks", {}).items()}
        self.write({f".praxis-os/workflows/{name}/{file}": text for file, text in files.items()})

    def engine(self) -> Engine:
        """An engine on this project, in this process."""
        return build_engine(load({"project": self.project, "user_dir": self.user}, cwd=self.project))

    def asking(self) -> Ask:
        """The tool in this process."""
        return asking(self.engine(), self)

    def tree(self) -> dict[str, str]:
        """Every folder, file and link of the state and the user's folder with its content's hash."""
        return {**tree(self.state), **tree(self.user)}


def engine_with(
    home: Home, clock: Callable[[], datetime] = lambda: datetime.now(UTC), fs: FileSystem | None = None
) -> Engine:
    """An engine on a project that goes by this clock and uses this disk. It runs no checks."""
    loaded = load({"project": home.project, "user_dir": home.user}, cwd=home.project)
    store = Store(loaded.settings.state_root(home.project), loaded.settings.user, fs=fs)
    workspace = Workspace(store, ProjectProbes(home.project))
    return Engine(Library(workflow_roots(loaded)), workspace, clock=clock)


def tree(root: Path) -> dict[str, str]:
    """What is below a folder, ``cache`` excepted: relative names with the hash of what they hold."""
    found: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name != "cache"]
        for name in folders:
            found[f"{root.name}/{(here / name).relative_to(root)}"] = "folder"
        for name in files:
            path = here / name
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            found[f"{root.name}/{path.relative_to(root)}"] = hashlib.sha256(content).hexdigest()
    return found


def checked(body: Body, *, is_error: bool, text: str, home: Home | None = None) -> Body:
    """A reply that keeps what every reply promises; raises AssertionError otherwise."""
    _ENVELOPE.validate(body)
    assert is_error == (body["status"] == "error"), text[:500]
    assert len(text.encode()) <= MAX_REPLY_BYTES, f"{len(text.encode())} bytes in a reply to {body['action']}"
    # What a check printed is its own.
    checks = [{**one, "stdout": "", "stderr": ""} for one in body.get("checks", ())]
    told = compact({**body, "checks": checks})
    assert "Traceback" not in told
    for name in ("error", "error_type", "remediation"):
        assert (name in body) == is_error, text[:500]
    if home is not None:
        for path in (home.project, home.user):
            assert str(path) not in told, told[:500]
    return body


def of_result(result: Body, home: Home | None = None) -> Body:
    """The reply in the result of ``tools/call``, held to what every reply promises."""
    (content,) = result["content"]
    text: str = content["text"]
    body: Body = json.loads(text)
    assert body == result["structuredContent"]
    return checked(body, is_error=result.get("isError", False), text=text, home=home)


def compact(body: object) -> str:
    """Compact JSON."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def of_answer(answered: Answered, home: Home | None = None) -> Body:
    """The reply that ``dispatch`` gave, held to what every reply promises."""
    text = compact(answered.body)
    return checked(answered.body, is_error=answered.is_error, text=text, home=home)


def asking(engine: Engine, home: Home | None = None) -> Ask:
    """The tool on an engine in this process."""

    def ask(**arguments: Any) -> Body:
        return of_answer(dispatch(engine, arguments), home)

    return ask


def server_command(home: Home | None = None, *flags: str) -> list[str]:
    """How a host would start the server."""
    command = [sys.executable, "-m", "mcp_server"]
    if home is not None:
        command += ["--project", str(home.project), "--user-dir", str(home.user)]
    return [*command, *flags]


def bare_environment(**more: str) -> dict[str, str]:
    """Hardly more than hosts give; what measures coverage in child processes is let through."""
    measuring = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {"PATH": os.environ.get("PATH", os.defpath), **measuring, **more}


def field(kind: str = "string", **more: Any) -> Body:
    """A field of an evidence schema."""
    return {"type": kind, "required": True, **more}


PASSING: Body = {"done": "seen with my own eyes"}
"""Evidence that opens every gate of ``steps`` and the unguarded ones of ``guarded``."""

_GATE: Body = {
    "max_attempts": 3,
    "evidence_schema": {"done": field(validator="non_empty", description="What was done")},
}
_GUARDED: Body = {
    **_GATE,
    "quorum": 2,
    "checks": [
        {"id": "answer", "description": "It answers", "run": ["python", "-c", "pass"], "pass": {"exit_code": 0}}
    ],
}

_LOOK = """\
# Look

Look at it.

## Step 1: Open it

```bash
cat it
```

## Outputs

- notes
"""


def _phase(number: int, gate: Body = _GATE) -> Body:
    return {
        "number": number,
        "gate": gate,
        "tasks": {
            "task-1-look.md": _LOOK,
            "task-2-do.md": "# Do\n\nDo it.\n",
        },
    }


def define_small_workflows(home: Home) -> None:
    """``steps``: three phases that ask for one word each. ``guarded``: the second needs a check that nobody trusts."""
    home.define("steps", [_phase(1), _phase(2), _phase(3)], aliases=["stairs"])
    home.define("guarded", [_phase(1), _phase(2, _GUARDED), _phase(3)])


STATES = ("open", "refused", "blocked", "paused", "failed", "completed")
STATUS_OF = {"open": "active", "refused": "active", "blocked": "active"}


def arrange(ask: Ask, state: str, target: str = "target.py") -> str:
    """A session in a state, at phase 2 of 3 (a completed one at its last); its id."""

    def done(**arguments: Any) -> Body:
        body = ask(session_id=session_id, **arguments)
        assert body["status"] == "success", body
        return body

    workflow = "guarded" if state == "blocked" else "steps"
    session_id: str = ask(action="start", workflow_type=workflow, target_file=target)["session_id"]
    done(action="complete_phase", phase=1, evidence=PASSING)
    match state:
        case "refused":
            assert ask(action="complete_phase", session_id=session_id, phase=2, evidence={})["gate"] == "refused"
        case "blocked":
            assert ask(action="complete_phase", session_id=session_id, phase=2, evidence=PASSING)["gate"] == "blocked"
        case "paused":
            done(action="pause", checkpoint_note="waiting")
        case "failed":
            for _ in range(3):
                ask(action="complete_phase", session_id=session_id, phase=2, evidence={})
        case "completed":
            for phase in (2, 3):
                done(action="complete_phase", phase=phase, evidence=PASSING)
        case _:
            assert state == "open"
    return session_id


def write_honest_files(home: Home) -> None:
    """The files that the honest evidence of the workflows that ship speaks of."""
    for files in FILES.values():
        home.write(files)


class held:  # noqa: N801 - reads as what it does: with held(home)
    """Every lock of a store, held by this process."""

    def __init__(self, home: Home) -> None:
        self._folder = home.state / "locks"
        self._open: list[int] = []

    def __enter__(self) -> None:
        for path in sorted(self._folder.iterdir()):
            fd = os.open(path, os.O_RDWR)
            fcntl.flock(fd, fcntl.LOCK_EX)
            self._open.append(fd)

    def __exit__(self, *_: object) -> None:
        for fd in self._open:
            os.close(fd)
