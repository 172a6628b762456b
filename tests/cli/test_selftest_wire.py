"""The self-test's client notices every way in which a conversation can break."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli.wire import Wire, WireError

pytestmark = pytest.mark.integration

ANSWERS = {
    "ends": ("import sys; sys.stdin.readline()", "ended instead of answering"),
    "prints": ("print('hello', flush=True); input()", "not the protocol"),
    "error": (
        "import json; i = json.loads(input())['id']; print(json.dumps({'id': i, 'error': 'no'}), flush=True); input()",
        "was answered with no",
    ),
    "silent": ("input(); input()", "no answer to initialize"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_conversation_that_breaks_says_how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str) -> None:
    program, said = ANSWERS[kind]
    wire = scripted(monkeypatch, tmp_path, program)
    with pytest.raises(WireError, match=said):
        wire.initialize()
    wire.close()


REPLY = """
import json
for line in iter(input, None):
    message = json.loads(line)
    print(json.dumps({"id": message["id"], "result": %s}), flush=True)
"""


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"structuredContent": {"status": "success"}, "content": [{"text": "{}"}]}, "is not the structured reply"),
        (
            {"structuredContent": {"status": "error"}, "content": [{"text": '{"status": "error"}'}]},
            "flag is not its status",
        ),
    ],
    ids=["text", "flag"],
)
def test_a_reply_whose_forms_do_not_agree_breaks_the_conversation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, result: dict[str, Any], said: str
) -> None:
    wire = scripted(monkeypatch, tmp_path, REPLY % repr(result))
    with pytest.raises(WireError, match=said):
        wire.call({"action": "list_workflows"})
    wire.close()


def test_a_server_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mcp_server.cli.wire.END_SECONDS", 0.2)
    assert scripted(monkeypatch, tmp_path, "import time; time.sleep(60)").close() == -9


def test_a_server_that_stops_reading_breaks_the_conversation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wire = scripted(monkeypatch, tmp_path, "pass")
    with pytest.raises(WireError, match="does not read any more"):
        wire.call({"more than any pipe holds": "x" * 1_000_000})
    assert wire.close() == 0


def scripted(monkeypatch: pytest.MonkeyPatch, folder: Path, program: str) -> Wire:
    """The client's end of a conversation with this program instead of a server."""
    (folder / "program.py").write_text(program)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder / "program.py"}" 2>/dev/null\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr("mcp_server.cli.wire.PATIENCE", 2.0)
    with tempfile.TemporaryFile() as log:
        return Wire([], folder, log)
