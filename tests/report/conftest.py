"""A project whose session has everything that a report tells of, driven through the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mcp_server.app import workflow_roots
from mcp_server.checks.probes import ProjectProbes
from mcp_server.checks.runner import ProjectChecker
from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.library import Library
from mcp_server.domain.authority import Authority
from mcp_server.engine import Call, Engine, Outcome, Workspace
from mcp_server.report import Format, page
from mcp_server.settings import load
from mcp_server.storage.store import Store
from mcp_server.storage.trust import Grant
from tests.support import Body, Home, bare_environment, field

NOON = datetime(2026, 5, 17, 12, 0, 0, tzinfo=UTC)
HOSTILE = (
    "</pre></code></details></table><script>alert('x')</script><img src=x onerror=alert(1)>\n"
    "```\n````\n# heading | cell | `tick` ``two`` @octocat fixes #1 http://example.org <!-- comment\n"
    "\x1b[31mred\x1b[0m \u202egnp.exe\u202c zero\u200bwidth \x07 \r over"
)
"""Text that wants out of whatever it is put into."""

GATE: Body = {"max_attempts": 5, "evidence_schema": {"done": field()}}
CHECKED: Body = {
    "max_attempts": 5,
    "evidence_schema": {"summary": field(), "percent": {"type": "number", "from_check": "coverage"}},
    "checks": [
        {
            "id": "coverage",
            "description": "The tests reach nine lines of ten",
            "run": ["python", "-c", "print(open('covered').read())"],
            "pass": {"exit_code": 0, "stdout_json": {"path": "percent", "at_least": 90}},
        },
        {"id": "guide", "description": "There is a guide", "file": "guide.md", "pass": {"exists": True}},
    ],
    "protected_paths": ["tests/**"],
}
PHASES: list[Body] = [
    {"number": 1, "name": "Plan", "gate": GATE},
    {"number": 2, "name": "Build", "gate": CHECKED},
    {"number": 3, "name": "Rehearse", "gate": GATE, "skippable": True, "skip_condition": "options.get('fast') == True"},
    {"number": 4, "name": "Review", "gate": {**GATE, "approval": {"required": True, "prompt": "Is it good?"}}},
    {"number": 5, "name": "Announce", "gate": GATE},
]


class Clock:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class Site:
    """The project, its engine and what is done in it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.clock = Clock()
        loaded = load({"project": home.project, "user_dir": home.user}, cwd=home.project)
        self.store = Store(home.state, loaded.settings.user)
        checker = ProjectChecker(home.project, bare_environment(), excluded=(home.state,))
        self.trust = self.store.trust(home.project)
        workspace = Workspace(self.store, ProjectProbes(home.project), checker, self.trust)
        self.engine = Engine(Library(workflow_roots(loaded)), workspace, clock=self.clock)

    def start(self, workflow: str = "release", target: str = "src/a.py", **options: Any) -> str:
        """Begin a session; its id."""
        return self.engine.start(workflow, target, options, Call()).committed.session.session_id

    def submit(self, session: str, phase: int, **evidence: Any) -> Outcome | None:
        """Hand in evidence and wait for what the gate says; None when a person is asked."""
        answer = self.engine.complete_phase(session, phase, evidence, Call())
        if isinstance(answer, Outcome):
            return answer
        assert answer.running is not None
        assert answer.running.wait(60)
        return answer.running.outcome

    def run(self, session: str) -> str:
        """The run of the attempt that is under way."""
        under_way = self.store.read(session).under_way
        assert under_way is not None
        return under_way.run

    def grant(self, session: str) -> None:
        """Trust the definition that a session pins."""
        definition = self.store.read(session).definition
        digest = Bundle.decode(self.store.blob(definition.digest)).definition_digest
        self.trust.grant(
            Grant(workflow_type="release", digest=digest, source="project", at=NOON, authority=Authority())
        )


def project(folder: Path) -> Home:
    """The project, before anything is done in it."""
    home = Home.make(folder)
    home.define("release", PHASES)
    home.write({"covered": '{"percent": 12}', "guide.md": "# Guide\n", "tests/a.py": "", "src/a.py": ""})
    return home


def play(site: Site, said: str) -> str:
    """Play a session of ``release`` to its end, with this text wherever somebody may write one; its id."""
    session = site.start(fast=True, note=said)
    site.submit(session, 1)
    site.submit(session, 1, done=said, report=said * 40, usage={"tokens": 1200, "cost_usd": 0.5})
    site.submit(session, 2, summary="not trusted yet")
    site.grant(session)
    site.home.write({"covered": said})
    site.submit(session, 2, summary="too little")
    site.home.write({"covered": '{"percent": 95.5}'})
    site.engine.pause(session, said, Call())
    site.engine.resume(session, Call())
    site.submit(session, 2, summary=said)
    site.submit(session, 4, done=said)
    approvals = site.engine.persons.approvals
    approvals.reject(session, site.run(session), Authority(user="ada"), said)
    site.submit(session, 4, done="better")
    operator = Authority(
        authenticated=True, operator="0123456789abcdef", operator_since=NOON, channel="operator_file", user="ada"
    )
    approvals.approve(session, site.run(session), operator, "well done")
    site.submit(session, 5)
    site.engine.persons.override(session, 5, Authority(user="ada"), said)
    return session


@dataclass(frozen=True)
class Played:
    """A session that was played to its end, to be looked at and left as it is."""

    site: Site
    session: str

    def page(self, form: Format) -> str:
        """Its report."""
        return page(self.site.engine, self.session, form)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Played:
    site = Site(project(tmp_path_factory.mktemp("hostile")))
    return Played(site, play(site, HOSTILE))


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Played:
    site = Site(project(tmp_path_factory.mktemp("plain")))
    return Played(site, play(site, "a word"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return project(tmp_path)


@pytest.fixture
def site(home: Home) -> Site:
    return Site(home)
