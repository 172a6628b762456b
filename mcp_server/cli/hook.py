"""``hook``: what an assistant is to be reminded of, printed in the form that its host's hooks take.

The host must not suffer from it: whatever goes wrong, nothing is printed, the exit code is 0, and it is over soon.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from cyclopts import Parameter

from mcp_server.cli.context import Context
from mcp_server.cli.failures import CommandError
from mcp_server.cli.output import complain
from mcp_server.cli.parameters import Ctx
from mcp_server.cli.reminder import Reminder, reminder
from mcp_server.errors import PosWorkflowError
from mcp_server.report.harmless import line

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
BEGINNING: Final = "sessionstart"
COMPACTION: Final = ("precompact", "precompress")
"""The events that are answered. Hosts spell them in ways of their own, so only the letters count."""

OfHost = Annotated[HookHost | None, Parameter(help="Whose hook it is; else plain text is printed.")]


def hook(host: OfHost = None, /, *, ctx: Ctx) -> int:
    """Print the state of the project's open session for a hook of a host, in at most 200 words.

    The host's event is read from standard input: before a compaction something else is printed than at the start of a
    conversation, and its folder is where the project is looked for. Of several open sessions the one that changed last
    is shown, the others are named. Nothing is printed at any other event, when no session is open or anything is wrong
    (`--log-level debug` says what). It changes nothing, gives up after 10 seconds, and its exit code is always 0.
    """
    # Not even a disk that does not answer keeps the host waiting.
    end = threading.Timer(LONGEST_SECONDS, os._exit, (0,))
    end.daemon = True
    end.start()
    # A reminder is worth less than the host's going on.
    with suppress(Exception):
        _answer(host, ctx)
    end.cancel()
    return 0


def _answer(host: HookHost | None, ctx: Context) -> None:
    """Print the reminder, or say why there is none to whoever wants to know."""
    here = ctx
    try:
        event = _event()
        here = ctx.elsewhere(_folder(event), lock_timeout=LOCK_SECONDS)
        silent = _remind(host, event.get("hook_event_name", event.get("hookEventName")), here)
    except (PosWorkflowError, CommandError) as error:
        silent = str(error)
    except Exception as error:  # noqa: BLE001 - whoever debugs a hook is told of a defect too
        silent = f"{type(error).__name__}: {error}"
    if not silent:
        return
    # Before it is known whether anybody wants to know: the settings may say so.
    where = _where(here)
    if here.debug:
        complain(line(where + silent), kind="hook")


def _remind(host: HookHost | None, event_name: object, here: Context) -> str:
    """Print the reminder; else the reason why there is none."""
    name = "".join(filter(str.isalpha, event_name)).lower() if isinstance(event_name, str) else ""
    if name not in ("", BEGINNING, *COMPACTION):
        return f"the event '{event_name}' is neither the beginning of a conversation nor its compaction"
    told = reminder(here.engine)
    if told is None:
        return "no open session"
    at_the_start, before_compaction = SHAPES[host]
    _print((before_compaction if name in COMPACTION else at_the_start)(told))
    return ""


def _where(here: Context) -> str:
    """The project and how it was found; nothing where the settings do not even tell that."""
    with suppress(PosWorkflowError, OSError):
        return f"project {here.loaded.project or 'none'} ({here.loaded.project_found_by}): "
    return ""


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
