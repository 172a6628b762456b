"""The place that is attacked: one workflow whose gates are checked, approved, metered, and a cheat with a shell."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.support import Ran, run_process
from tests.storage.support import with_checksum
from tests.support import Body, Home, bare_environment, field
from tests.trusting import trust
from tests.wire import Wire

SUITE = """\
import json
import subprocess
import sys

passed = 0
for case in json.load(open("suite/cases.json")):
    program = [sys.executable, "-I", "product.py", str(case["given"])]
    ran = subprocess.run(program, capture_output=True, text=True)
    passed += ran.stdout.strip() == str(case["wanted"])
print(f"{passed} passed")
sys.exit(0 if passed == 3 else 1)
"""
"""It judges from a process of its own, so that what is judged cannot speak in its place."""
CASES = json.dumps([{"given": number, "wanted": 2 * number} for number in (1, 2, 3)])
LAZY = "print(2)\n"
"""What the cheat has: one case of three passes, and nobody may find it enough."""
DONE = "import sys\n\nprint(2 * int(sys.argv[1]))\n"

EVIDENCE: Body = {"done": True, "note": "all tests pass, I have looked"}

GATE: Body = {
    "evidence_schema": {
        "done": field("boolean"),
        "note": field(validator="non_empty"),
        "passed": {"type": "integer", "from_check": "tests"},
    },
    "protected_paths": ["suite/**", "run_suite.py"],
    "checks": [
        {
            "id": "tests",
            "run": ["python", "-I", "run_suite.py"],
            "timeout_seconds": 20,
            "pass": {"exit_code": 0, "stdout_number": {"pattern": r"(\d+) passed", "at_least": 3}},
        }
    ],
    "max_attempts": 0,
}
APPROVED: Body = {"evidence_schema": {"note": field()}, "approval": {"prompt": "Ship it?"}, "max_attempts": 0}


def build(folder: Path) -> Home:
    """A project with the workflow ``fort``, which a person trusts, and work that is not done."""
    home = Home.make(folder)
    home.write({"run_suite.py": SUITE, "suite/cases.json": CASES, "product.py": LAZY})
    home.define("fort", [{"number": 1, "gate": GATE}, {"number": 2, "gate": APPROVED}, {"number": 3}])
    once = {"evidence_schema": {"done": field()}, "max_attempts": 1, "reopen": "person"}
    home.define("strictly", [{"number": 1, "gate": once}])
    kept = {"evidence_schema": {"note": field()}, "protected_paths": ["suite/**"], "max_attempts": 0}
    home.define("kept", [{"number": 1}, {"number": 2, "gate": kept}])
    home.define("metered", [{"number": 1}], budget={"max_tokens": 10, "mode": "strict"})
    trust(home, "fort")
    return home


@dataclass
class Adversary:
    """An assistant that wants to be past a gate without the work: the tool, and a shell in the project's folder."""

    home: Home
    wire: Wire
    session: str

    def tool(self, **arguments: Any) -> Body:
        """Call the tool about the session."""
        return self.wire.call(**{"session_id": self.session, **arguments})

    def submit(self, evidence: Body | str = EVIDENCE, phase: int = 1, **more: Any) -> Body:
        """Hand in evidence."""
        return self.tool(action="complete_phase", phase=phase, evidence=evidence, **more)

    def program(self, *arguments: str, given: str = "", **environment: str) -> Ran:
        """The command line, as a shell without a terminal gives it."""
        return run_process(self.home, *arguments, given=given, cwd=self.home.project, **environment)

    def shell(self, script: str) -> None:
        """A script in the project's folder."""
        subprocess.run(["sh", "-c", script], cwd=self.home.project, env=bare_environment(), timeout=30, check=False)

    def write(self, files: Mapping[str, str]) -> None:
        """Put files into the project."""
        self.home.write(files)

    @property
    def head(self) -> Path:
        """The session's file."""
        return self.home.state / "workflows" / f"{self.session}.json"

    @property
    def log(self) -> Path:
        """The session's event log."""
        return self.head.with_suffix(".jsonl")

    def forge(self, old: str, new: str) -> None:
        """Edit the session's file and make its plain checksum right."""
        raw = with_checksum(self.head.read_bytes(), lambda text: text.replace(old.encode(), new.encode()))
        assert raw != self.head.read_bytes(), f"there is no {old} to forge"
        self.head.write_bytes(raw)

    def saved(self) -> tuple[bytes, bytes]:
        """The session's files as they are, to be put back later."""
        return self.head.read_bytes(), self.log.read_bytes()

    def put_back(self, saved: tuple[bytes, bytes]) -> None:
        """Put an old state of the session's files back."""
        self.head.write_bytes(saved[0])
        self.log.write_bytes(saved[1])

    def honestly(self) -> Body:
        """Do the work, and hand it in."""
        self.write({"product.py": DONE})
        return self.submit()

    def undo(self) -> None:
        """Take the work back, and everything that was planted, as it was for the next one."""
        for entry in self.home.project.iterdir():
            if entry.name == ".praxis-os":
                continue
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        self.write({"run_suite.py": SUITE, "suite/cases.json": CASES, "product.py": LAZY})

    def state(self) -> Body:
        """What the tool says of the session now."""
        return self.tool(action="get_state")

    def record(self) -> Body:
        """The session's file, read as anybody can."""
        return json.loads(self.head.read_bytes())

    def is_checked(self) -> bool:
        """Whether an attempt is under way."""
        return self.record()["under_way"] is not None
