"""What becomes of messages that the protocol's own layer does not let through, found out on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any

INITIALIZE: dict[str, Any] = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "docs", "version": "1"},
}


def _call(arguments: str) -> str:
    params = f'{{"name":"pos_workflow","arguments":{arguments}}}'
    return f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}'


def _nested(levels: int) -> str:
    evidence = '{"a":' * levels + "1" + "}" * levels
    return _call(f'{{"action":"complete_phase","session_id":"x","phase":1,"evidence":{evidence}}}')


TRIED: tuple[tuple[str, str], ...] = (
    ("text that is not JSON", '{"jsonrpc":"2.0","id":1, oops}'),
    ("a byte order mark before it", "\ufeff" + _call('{"action":"list_sessions"}')),
    ("several calls in an array (a batch)", f"[{_call('{}')}]"),
    ("an `id` that is `null`", _call("{}").replace('"id":1', '"id":null')),
    ("half a surrogate pair (`\\ud800`) in any text", _call('{"action":"list_workflows","category":"\\ud800"}')),
    ("a number of 5,000 digits", _call(f'{{"action":"get_phase","phase":{"9" * 5000}}}')),
    ("objects or lists nested 250 levels deep", _nested(250)),
    ("objects or lists nested 100 levels deep", _nested(100)),
    ("a name given twice in one object", _call('{"action":"list_sessions","action":"list_workflows"}')),
    ("`NaN` or `1e999` as a number", _nested(1).replace('"a":1', '"a":NaN')),
    ("`arguments` that are no object", _call('["list_workflows"]')),
    ("another tool's name", _call("{}").replace("pos_workflow", "other")),
    ("a method that there is not", '{"jsonrpc":"2.0","id":1,"method":"nope"}'),
)


def before_the_tool() -> list[tuple[str, str]]:
    """What was sent and what happened, in words."""
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": INITIALIZE}),
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
        *(line.replace('"id":1', f'"id":{number}') for number, (_, line) in enumerate(TRIED)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mcp_server", "serve", "--project", folder, "--user-dir", f"{folder}/user"]
        # The server answers all that it has read before it leaves at the end of its input: what is missing was dropped.
        said = "\n".join(lines).encode() + b"\n"
        server = subprocess.run(command, input=said, capture_output=True, timeout=60, check=True)
    answers = {message["id"]: message for message in map(json.loads, server.stdout.splitlines())}
    return [(sent, _words(answers.get(number))) for number, (sent, _) in enumerate(TRIED)]


def _words(answer: dict[str, Any] | None) -> str:
    if answer is None:
        return "dropped, no answer"
    if "error" in answer:
        return f"protocol error {answer['error']['code']}, “{answer['error']['message'].rstrip('.')}”"
    body = answer["result"]["structuredContent"]
    if body["status"] == "error":
        return f"reaches the tool: `{body['error_type']}`, “{body['error']}”"
    return f"reaches the tool; the last one counts (here `{body['action']}`)"
