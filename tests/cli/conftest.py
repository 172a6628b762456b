"""A project with small workflows, the program on it, and a process that is left as it was found."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.settings import ENV_PREFIX
from tests.cli.support import Cli
from tests.support import Ask, Home, define_small_workflows, field


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings from outside, and no logging to a stream that is gone after the test."""
    for name in os.environ:
        if name.startswith(ENV_PREFIX):
            monkeypatch.delenv(name)
    root, ours = logging.getLogger(), logging.getLogger("mcp_server")
    handlers, level, own = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(own)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    gate = {"max_attempts": 2, "evidence_schema": {"done": field()}}
    home.define("strict", [{"number": 1, "gate": {**gate, "reopen": "person"}}, {"number": 2, "gate": gate}])
    return home


@pytest.fixture
def ask(home: Home) -> Ask:
    return home.asking()


@pytest.fixture
def cli(home: Home, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(home, capsys)


@pytest.fixture
def failed(ask: Ask) -> str:
    """A session that failed in a phase which only a person may open again; its id."""
    session: str = ask(action="start", workflow_type="strict", target_file="target.py")["session_id"]
    for _ in range(2):
        ask(action="complete_phase", session_id=session, phase=1, evidence={})
    return session
