"""``operator``: the passphrase that stands between an assistant with a shell and a person's decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from mcp_server.cli.failures import CommandError
from mcp_server.cli.output import facts, moment, say
from mcp_server.cli.parameters import Ctx
from mcp_server.cli.person import ask_passphrase, authenticate, operators_of, require_terminal
from mcp_server.storage.operator import MAX_BYTES, MIN_CHARACTERS, Operator, OperatorFile

Do = Annotated[Literal["set", "show", "clear"], Parameter(help="What to do with the operator of this user.")]


def operator(do: Do, /, *, ctx: Ctx) -> int:
    """Set, show or clear the operator: a passphrase that commands for a person alone then ask for.

    `set` asks for a new passphrase, and for the old one where there is one; `clear` asks for it too. Only a hash of it
    is kept, in the user's own folder. Decisions are recorded with the operator's fingerprint and the date it was set.
    """
    operators = operators_of(ctx)
    match do:
        case "show":
            _show(operators.find())
        case "set":
            _set(operators)
        case "clear":
            _clear(operators)
    return 0


def _show(found: Operator | None) -> None:
    if found is None:
        say("No operator is set: decisions are recorded as not authenticated.")
    else:
        facts([("operator", found.fingerprint), ("since", moment(found.since.isoformat()))])


def _set(operators: OperatorFile) -> None:
    require_terminal()
    before = operators.find()
    if before is not None:
        authenticate(before, ask_passphrase("The operator's present passphrase:"))
    passphrase = ask_passphrase("A new passphrase:")
    # Bytes that are no text are not counted as characters, which only asks for more of them.
    if len(passphrase.decode(errors="ignore")) < MIN_CHARACTERS or len(passphrase) > MAX_BYTES:
        raise CommandError(
            f"A passphrase has at least {MIN_CHARACTERS} characters and at most {MAX_BYTES} bytes.",
            "Choose another one; nothing was changed.",
        )
    if ask_passphrase("Once more, the new passphrase:") != passphrase:
        raise CommandError("That was another one; nothing was changed.", "")
    _show(operators.set(passphrase, at=datetime.now(UTC), instead_of=before))


def _clear(operators: OperatorFile) -> None:
    require_terminal()
    before = operators.find()
    if before is None:
        _show(None)
        return
    authenticate(before, ask_passphrase("The operator's passphrase:"))
    operators.clear(before)
    say("The operator is cleared: from now on decisions are recorded as not authenticated.")
