"""``pending``: what waits for a person in this project, each with the command that answers it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from cyclopts import Parameter

from mcp_server.actions.paging import clipped
from mcp_server.cli.output import clean, complain, moment, print_json, say
from mcp_server.cli.parameters import AsJson, Ctx
from mcp_server.domain.session import GateState
from mcp_server.engine.waiting import Waiting

_POLL_SECONDS: Final = 1.0
_NOTIFY_SECONDS: Final = 30.0
"""How long the notify command may take."""
_PROMPT_BYTES: Final = 400

_COMMANDS: Final = {
    "approval": "pos-workflow approve {}",
    "trust": "pos-workflow trust --session {}",
    "budget": "pos-workflow budget {} --reason WHY",
    "mending": "pos-workflow errors {}",
    "reopening": "pos-workflow reopen {} --reason WHY",
}
_ASKS: Final = {
    "approval": "asks for approval",
    "trust": "has commands that nobody has trusted",
    "budget": "has used up its budget",
    "mending": "has a gate that is blocked",
    "reopening": "has used up its attempts",
}


def pending(
    *,
    watch: Annotated[bool, Parameter(help="Go on and print each one as it comes, until Ctrl-C.")] = False,
    json: AsJson = False,
    ctx: Ctx,
) -> int:
    """List what waits for a person in this project, longest first, each with the command that answers it.

    With `--watch` the `notify_command` of your `settings.toml` is run for each new one.
    """
    found = ctx.engine.persons.pending()
    if json and not watch:
        print_json({"pending": [_told(one) for one in found]})
        return 0
    _print(found, as_json=json)
    if not found and not watch:
        say("Nothing waits for a person.")
    if watch:
        _watch(ctx, found, as_json=json)
    return 0


def _watch(ctx: Ctx, found: Iterable[Waiting], *, as_json: bool) -> None:
    seen = {_key(one) for one in found}
    try:
        while True:
            time.sleep(_POLL_SECONDS)
            found = ctx.engine.persons.pending()
            new = [one for one in found if _key(one) not in seen]
            seen = {_key(one) for one in found}
            _print(new, as_json=as_json)
            for one in new:
                _notify(ctx.loaded.settings.notify_command, one)
    except KeyboardInterrupt:
        pass


def _key(one: Waiting) -> tuple[Any, ...]:
    return one.view.session.session_id, one.want, one.since


def _print(found: Iterable[Waiting], *, as_json: bool) -> None:
    for one in found:
        if as_json:
            print_json(_told(one))
        else:
            say(f"{moment(one.since)}  {_said(one)}")
            say(f"    {_command(one)}")


def _told(one: Waiting) -> dict[str, Any]:
    session = one.view.session
    told: dict[str, Any] = {
        "session_id": session.session_id,
        "wants": one.want,
        "since": one.since,
        "workflow_type": session.workflow_type,
        "target_file": session.target_file,
        "phase": session.current_phase,
        "said": _said(one),
        "command": _command(one),
    }
    if one.want == "approval":
        told["lapsed"] = session.gate is GateState.EXPIRED
    return told


def _said(one: Waiting) -> str:
    """In one line, however many the prompt has."""
    session = one.view.session
    said = f"Phase {session.current_phase} of {session.workflow_type} on {session.target_file} {_ASKS[one.want]}"
    phase = one.view.workflow.phase(session.current_phase)
    if one.want == "approval" and phase is not None and phase.gate.approval is not None:
        lapsed = " (lapsed)" if session.gate is GateState.EXPIRED else ""
        said += f"{lapsed}: {clipped(phase.gate.approval.question, _PROMPT_BYTES)}"
    return " ".join(said.split())


def _command(one: Waiting) -> str:
    return _COMMANDS[one.want].format(one.view.session.session_id)


def _notify(command: Sequence[str], one: Waiting) -> None:
    """Run the person's own command, outside the project, so that nothing in there is taken for a part of it."""
    if not command:
        return
    argv = [*command, one.view.session.session_id, clean(_said(one))]
    try:
        subprocess.run(argv, stdin=subprocess.DEVNULL, cwd="/", timeout=_NOTIFY_SECONDS, check=True)  # noqa: S603 - the person's own
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        complain(f"the notify command failed: {error}", "Mend notify_command in your settings.toml.", "warning")
