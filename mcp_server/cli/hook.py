"""``hook``: what an assistant is to be reminded of, printed in the form that its host's hooks take.

The host must not suffer from it: whatever goes wrong, nothing is printed, the exit code is 0, and it is over soon.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from cyclopts import Parameter

from mcp_server.cli.parameters import Ctx
from mcp_server.cli.reminder import Reminder, reminder

LONGEST_SECONDS: Final = 10.0
"""After so long it ends, whatever it waits for: hosts wait for their hooks."""
LOCK_SECONDS: Final = 0.5
INPUT_SECONDS: Final = 1.0
"""How long is waited for a session that is held, and for the event on standard input."""
INPUT_BYTES: Final = 1 << 20

HookHost = Literal["claude-code", "codex", "copilot", "cursor", "gemini", "vscode"]
Shape = Callable[[Reminder], "str | dict[str, Any]"]
"""What is printed: text as it is, an object as JSON."""


def _text(told: Reminder) -> str:
    return told.for_assistant


def _summing_up(told: Reminder) -> str:
    return told.for_summary


def _context(told: Reminder) -> dict[str, Any]:
    return {"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": told.for_assistant}}


def _either(told: Reminder) -> dict[str, Any]:
    # Both read the files of .github/hooks: Copilot's command line the one name, VS Code the other.
    return {"additionalContext": told.for_assistant, **_context(told)}


def _message(told: Reminder) -> dict[str, Any]:
    return {"systemMessage": told.for_person}


SHAPES: Final[Mapping[HookHost | None, tuple[Shape, Shape]]] = {
    None: (_text, _summing_up),
    # Before a compaction it takes text, and no JSON, for what the summary is to heed.
    "claude-code": (_context, _summing_up),
    "codex": (_context, _message),
    "copilot": (_either, _message),
    "cursor": (
        lambda told: {"additional_context": told.for_assistant},
        lambda told: {"user_message": told.for_person},
    ),
    "gemini": (_context, _message),
    "vscode": (_either, _message),
}
"""The form of each host when a conversation begins, and before its compaction."""
COMPACTION: Final = ("PreCompact", "preCompact", "PreCompress")

OfHost = Annotated[HookHost | None, Parameter(help="Whose hook it is; else plain text is printed.")]


def hook(host: OfHost = None, /, *, ctx: Ctx) -> int:
    """Print the state of the project's open session for a hook of a host, in at most 200 words.

    The host's event is read from standard input: before a compaction something else is printed than at the start of a
    conversation, and its folder is where the project is looked for. Of several open sessions the one that changed last
    is shown, the others are named. Nothing is printed when none is open or anything is wrong (`--log-level debug` shows
    what). It changes nothing, gives up after 10 seconds, and its exit code is always 0.
    """
    # Not even a disk that does not answer keeps the host waiting.
    end = threading.Timer(LONGEST_SECONDS, os._exit, (0,))
    end.daemon = True
    end.start()
    try:
        event = _event()
        told = reminder(ctx.elsewhere(_folder(event), lock_timeout=LOCK_SECONDS).engine)
        if told is not None:
            at_the_start, before_compaction = SHAPES[host]
            name = event.get("hook_event_name", event.get("hookEventName"))
            _print((before_compaction if name in COMPACTION else at_the_start)(told))
    except Exception:  # noqa: BLE001 - a reminder is worth less than the host's going on
        if ctx.debug:
            traceback.print_exc()
    finally:
        end.cancel()
    return 0


def _event() -> dict[str, Any]:
    """What the host tells of its event; nothing when it tells nothing, or not in time."""
    if sys.stdin.isatty():
        return {}
    given = bytearray()
    # Whoever gives no input may leave it open for ever.
    reading = threading.Thread(target=_read, args=(given,), daemon=True)
    reading.start()
    reading.join(INPUT_SECONDS)
    event: Any = None
    with suppress(ValueError, RecursionError):
        event = json.loads(bytes(given))
    return cast("dict[str, Any]", event) if isinstance(event, dict) else {}


def _read(given: bytearray) -> None:
    # From the descriptor: a thread that holds the buffer when the interpreter ends would bring it down.
    with suppress(OSError):
        while len(given) < INPUT_BYTES and (more := os.read(0, INPUT_BYTES)):
            given += more


def _folder(event: Mapping[str, Any]) -> Path | None:
    """The folder that the host works in, where it says so."""
    roots: Any = event.get("workspace_roots")
    named: list[Any] = [event.get("cwd"), *(roots if isinstance(roots, list) else ())]
    return next((Path(one) for one in named if isinstance(one, str) and one and Path(one).is_dir()), None)


def _print(answer: str | dict[str, Any]) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    # On the descriptor: nothing is left that the interpreter could fail to flush at its end.
    os.write(1, f"{text}\n".encode())
