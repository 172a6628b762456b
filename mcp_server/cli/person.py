"""What only a person may decide: a terminal or the operator's passphrase, and a word that is not typed by accident."""

from __future__ import annotations

import getpass
import os
import pwd
import stat
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Final

from mcp_server.cli.context import Context
from mcp_server.cli.failures import CommandError
from mcp_server.cli.output import note
from mcp_server.domain.authority import Authority, Channel
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.operator import MAX_BYTES, Operator, OperatorFile

_AFTER_A_WRONG_ONE_SECONDS: Final = 1.0


def require_person(ctx: Context, operator_file: Path | None = None) -> Authority:
    """Who decides, to be recorded with the decision; CommandError for whoever may not.

    Without ``operator_file`` a terminal is needed, and the operator's passphrase where one is set. With it, neither a
    terminal is needed nor a confirmation: whoever names that file has said what shall happen.
    """
    operators = operators_of(ctx)
    if operator_file is not None:
        operator = operators.find()
        if operator is None:
            raise CommandError(
                "No operator is set, so a passphrase in a file proves nothing.",
                "Set one with pos-workflow operator set, or type the command in a terminal without --operator-file.",
            )
        authenticate(operator, _passphrase_in(operator_file))
        return _authority(operator, "operator_file")
    require_terminal()
    operator = operators.find()
    if operator is not None:
        authenticate(operator, ask_passphrase("The operator's passphrase:"))
    return _authority(operator, "terminal")


def require_terminal() -> None:
    """Refuse without a terminal on standard input.

    This keeps an assistant from deciding by mistake; it does not stop one that makes itself a terminal.
    """
    if not sys.stdin.isatty():
        raise CommandError(
            "This is for a person to decide, so it needs a terminal to ask on.",
            "Type the command yourself, in a terminal; nothing was changed.",
        )


def confirm(question: str, word: str, authority: Authority) -> None:
    """Go on only when the person types the word; CommandError otherwise. Automation is not asked."""
    if authority.channel == "operator_file":
        return
    note(f"{question} Type {word} to confirm:", "bold")
    if sys.stdin.readline().strip() != word:
        raise CommandError("Not confirmed; nothing was changed.", "")


def operators_of(ctx: Context) -> OperatorFile:
    """The operator of this call's user."""
    settings = ctx.loaded.settings
    return OperatorFile(FileSystem(), settings.user.config, timeout=settings.lock_timeout)


def authenticate(operator: Operator, passphrase: bytes) -> None:
    """Go on only with the operator's passphrase; CommandError otherwise, after a while."""
    if not operator.knows(passphrase):
        time.sleep(_AFTER_A_WRONG_ONE_SECONDS)
        raise CommandError("That is not the operator's passphrase; nothing was changed.", "")


def ask_passphrase(prompt: str) -> bytes:
    """What a person types on the terminal without seeing it; CommandError where it would be seen."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            typed = getpass.getpass(f"{prompt} ")
        except getpass.GetPassWarning:
            raise CommandError(
                "This terminal would show the passphrase.", "Type the command in another one; nothing was changed."
            ) from None
        except EOFError:
            raise CommandError("No passphrase was typed; nothing was changed.", "") from None
    return typed.encode(errors="surrogateescape")


def account() -> str:
    """The name of the account; not from the environment, where anybody can call themselves anything."""
    with suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return str(os.getuid())


def _authority(operator: Operator | None, channel: Channel) -> Authority:
    user = account()
    if operator is None:
        return Authority(user=user, channel=channel)
    return Authority(
        authenticated=True, operator=operator.fingerprint, operator_since=operator.since, user=user, channel=channel
    )


def _passphrase_in(path: Path) -> bytes:
    """The passphrase in a file that nobody else may read, less the end of its line."""
    fd = os.open(path.expanduser(), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise CommandError(
                "The file with the operator's passphrase can be read by others, or is no file of yours.",
                "Make it your own and private (chmod 600), then repeat the command; nothing was changed.",
            )
        return os.read(fd, MAX_BYTES + 2).rstrip(b"\r\n")
    finally:
        os.close(fd)
