"""The commands and the settings that go with each of them, before it or after it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, CycloptsError, Group, Parameter

import mcp_server
from mcp_server.cli import serving
from mcp_server.cli.context import Context
from mcp_server.cli.failures import CommandError
from mcp_server.cli.output import complain
from mcp_server.cli.wording import for_person
from mcp_server.errors import PosWorkflowError
from mcp_server.settings import LogLevel

HELP: Final = """Lead AI coding assistants through workflows phase by phase, behind gates that hold.

Without a command it serves the Model Context Protocol on standard input and output, which is how a host starts it
(on a terminal it shows this help). The settings below go with every command, before it or after it.

Exit codes: 0 all is well, 1 a problem was found or the answer is no, 2 the command line is wrong.
"""

_PEOPLE: Final = Group("Looking", sort_key=1)
_AUTHORS: Final = Group("Definitions", sort_key=2)
_KEEPERS: Final = Group("Keeping", sort_key=3)
_DECIDERS: Final = Group("Deciding", sort_key=4)
_PROGRAMS: Final = Group("Serving and calling", sort_key=5)
_SETTINGS: Final = Group("Settings", sort_key=9)
_SWITCH: Final = Parameter(negative="")


@Parameter(name="*", group=_SETTINGS)
@dataclass(frozen=True)
class Flags:
    """The settings that can be given on the command line; None: not given."""

    project: Path | None = None
    "The project's root folder; else found by its markers from the working directory upwards."
    state_dir: Path | None = None
    "Where sessions are kept; else `.praxis-os/state` in the project."
    workflows_dir: Annotated[tuple[Path, ...], Parameter(negative="", show_default=False)] = ()
    "A further folder of workflow definitions, searched first; may be repeated."
    user_dir: Path | None = None
    "The user's own folder (keys, anchors, definitions, settings); else the platform's."
    log_level: LogLevel | None = None
    "How much is logged to standard error; `debug` also shows tracebacks."
    log_json: Annotated[bool | None, _SWITCH] = None
    "Log lines as JSON."
    lock_timeout: float | None = None
    "Seconds to wait for a session that is held."
    allow_network_fs: Annotated[bool | None, _SWITCH] = None
    "Keep state on a network file system, whose locks may lie."

    def given(self) -> dict[str, Any]:
        """The flags by the names of their settings."""
        flags = dict(vars(self))
        folders = flags.pop("workflows_dir")
        return {**flags, "workflows_dirs": folders}


app = App(
    name="pos-workflow",
    help=HELP,
    version=mcp_server.__version__,
    help_format="markdown",
    group_commands=Group("Program", sort_key=8),
    default_parameter=Parameter(negative_bool=(), show_default=False),
)
app.meta.group_parameters = _SETTINGS


@app.command(group=_PROGRAMS)
def serve() -> None:
    """Serve the Model Context Protocol on standard input and output.

    Logs go to standard error. End of input, Ctrl-C or SIGTERM end it cleanly.
    """


# By its module and its name, so that a command imports what it needs itself, and nothing of the others.
for _group, _commands in {
    _PEOPLE: "workflows:workflows sessions:sessions sessions:session history:events history:errors report:report",
    _AUTHORS: "new:new validation:validate",
    _KEEPERS: "doctor:doctor integrity:verify integrity:seal backups:backup backups:backups restoring:restore "
    "cleanup:cleanup returning:undelete migrate:migrate",
    _DECIDERS: "pending:pending approving:approve approving:reject overriding:override overriding:repin "
    "overriding:budget returning:reopen trust:trust trust:untrust operator:operator",
    _PROGRAMS: "init:init hook:hook call:call",
}.items():
    for _command in _commands.split():
        app.command(f"mcp_server.cli.{_command}", group=_group)
app.command("mcp_server.cli.importing:import_sessions", name="import", group=_KEEPERS)


def load_commands() -> None:
    """Import every command, for who wants to see what they say of themselves."""
    for name in app:
        app[name]  # pyright: ignore[reportUnusedExpression] - it is loaded by being looked at


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)], settings: Flags = Flags()
) -> int:
    if not tokens and sys.stdin.isatty():
        load_commands()
        app.help_print()
        return 0
    command, bound, ignored = app.parse_args(tokens or ("serve",), exit_on_error=False, print_error=False)
    if command is serve:
        return serving.start(settings.given())
    context = Context(settings.given())
    try:
        result = command(*bound.args, **bound.kwargs, **dict.fromkeys(ignored, context))
        # Here, where it can still be said that the answer did not get through.
        sys.stdout.flush()
    except CommandError as error:
        return _explained(context, error.message, error.remedy, error.exit_code)
    except PosWorkflowError as error:
        return _explained(context, error.message, error.remediation)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except OSError as error:
        remedy = "Mend that and repeat the command; --log-level debug shows where it happened."
        return _explained(context, f"The system said no: {error.strerror or error}.", remedy)
    except Exception as error:  # noqa: BLE001 - a person gets a sentence, and the traceback when it is asked for
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        remedy = "This is a defect of the program. The same command with --log-level debug shows the traceback."
        return _explained(context, what, remedy)
    return result if isinstance(result, int) else 0


def launch(arguments: Sequence[str]) -> int:
    """Parse the arguments and run the command; the exit code."""
    if {"--help", "-h"} & set(arguments):
        load_commands()
    try:
        return app.meta(
            arguments,
            exit_on_error=False,
            print_error=False,
            result_action=lambda result: result if isinstance(result, int) else 0,
        )
    except CycloptsError as error:
        complain(str(error), "pos-workflow --help shows the commands, and COMMAND --help what each takes.", "usage")
        # To the host of a hook 2 would say that what it is about to do must not be done.
        return 0 if "hook" in arguments else 2


def _explained(context: Context, message: str, remedy: str, code: int = 1) -> int:
    if context.debug:
        traceback.print_exc()
    complain(message, for_person(remedy))
    return code
