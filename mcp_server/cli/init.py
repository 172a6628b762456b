"""``init``: this server in the configuration files of hosts."""

from __future__ import annotations

import difflib
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from mcp_server.cli.backups import shown
from mcp_server.cli.failures import CommandError, UsageError
from mcp_server.cli.hosts import files
from mcp_server.cli.hosts.edit import has_entry, with_entry, without_entry
from mcp_server.cli.hosts.problems import LeftAlone
from mcp_server.cli.hosts.table import HOSTS, NAME, Host, HostName, Scope, is_cached
from mcp_server.cli.output import complain, note, print_json, say
from mcp_server.cli.parameters import AsJson, Ctx
from mcp_server.errors import ConfigurationError

_ADD: Final = "Mend that and repeat the command, or add this by hand:"
_TAKE_OUT: Final = f"Mend that and repeat the command, or take '{NAME}' out by hand."

To = Annotated[HostName | None, Parameter(help="The host; else those that are used here.")]
Where = Annotated[
    Scope | None,
    Parameter(help="The project's own file, or the user's; else the project's, where the host has one."),
]
Remove = Annotated[bool, Parameter(help="Take the server out again.")]
DryRun = Annotated[bool, Parameter(help="Show the difference and write nothing.")]


@dataclass
class _Done:
    """What became of one host's file."""

    host: HostName
    scope: Scope
    file: Path
    outcome: str
    diff: str = ""
    updated: bool = False
    backup: Path | None = None
    problem: str | None = None
    remedy: str = ""
    paste: str = ""


def init(
    host: To = None,
    /,
    *,
    scope: Where = None,
    remove: Remove = False,
    dry_run: DryRun = False,
    json: AsJson = False,
    ctx: Ctx,
) -> int:
    """Write this server into a host's configuration file, or take it out again.

    The entry starts the program that is installed here, on this project. The rest of the file stays as it is, comments
    too, and a backup is put beside it. An entry of the same name is brought up to date; what was added to it stays.
    One that starts something else, and files that are broken or of a shape that is not known, are left alone, with exit
    code 1.
    """
    project = ctx.loaded.project
    if project is None:
        raise ConfigurationError(
            "No project root is known: " + ctx.loaded.project_found_by + ".",
            remediation="Change to the project's folder, or name it with --project PATH.",
        )
    if not remove and is_cached(Path(sys.executable).absolute()):
        raise CommandError(
            "This program runs in uv's cache, which is emptied now and then: a host would lose it.",
            "Use an installed one: `uv tool install /path/to/pos-workflow`, or the clone's .venv/bin/pos-workflow.",
        )
    chosen = _chosen(host, scope, project)
    done = [_one(name, where, project, remove=remove, dry_run=dry_run) for name, where in chosen]
    if json:
        print_json([_as_json(one) for one in done])
    else:
        for one in done:
            _tell(one, project, dry_run=dry_run)
    return 1 if any(one.problem for one in done) else 0


def _chosen(host: HostName | None, scope: Scope | None, project: Path) -> list[tuple[HostName, Scope]]:
    """The host that is named, or those that have left traces in the scope."""
    if host is not None:
        where: Scope = scope or ("project" if HOSTS[host].project_file else "user")
        if HOSTS[host].file(where, project) is None:
            raise UsageError(
                f"{HOSTS[host].title} has no configuration file in a project.", "Leave --scope out, or say user."
            )
        return [(host, where)]
    wanted = scope or "project"
    found = _used(wanted, project)
    if not found:
        place = "project" if wanted == "project" else "home folder"
        at_home = _used("user", project)
        hint = f" In your home folder there are traces of {', '.join(at_home)}." if at_home else ""
        raise CommandError(f"No host has left traces in this {place}.{hint}", f"Name one: {', '.join(HOSTS)}.")
    return [(name, wanted) for name in found]


def _used(scope: Scope, project: Path) -> list[HostName]:
    return [name for name, one in HOSTS.items() if one.is_used(scope, project)]


def _one(name: HostName, scope: Scope, project: Path, *, remove: bool, dry_run: bool) -> _Done:
    host = HOSTS[name]
    path = host.file(scope, project)
    if path is None:
        raise AssertionError("only scopes that the host has are chosen")
    done = _Done(name, scope, path, "unchanged")
    try:
        content = files.read(path)
        text, is_restored = _edited(content, host, scope, project, remove=remove)
        if text == content.text:
            return done
        done.diff = _diff(content.text, text or "", path)
        done.updated = not remove and has_entry(content.text, host)
        done.outcome = "would change" if dry_run else "removed" if remove else "written"
        if not dry_run:
            done.backup = _put(content, text, project, keep=not is_restored)
    except LeftAlone as reason:
        done.outcome, done.problem = "left alone", str(reason)
        done.remedy = reason.remedy or (_TAKE_OUT if remove else _ADD)
        if done.remedy == _ADD:
            done.paste = with_entry("", host, host.entry(scope, project))
    return done


def _put(content: files.Content, text: str | None, project: Path, *, keep: bool) -> Path | None:
    """Write the text, or delete the file when there is to be none; the backup's path, if one was made."""
    if text is not None:
        return files.replace(content, text, keep=keep)
    files.delete(content)
    folder = content.path.parent
    if folder not in (project, Path.home()):
        # It was made for the file, unless something else is in it.
        with suppress(OSError):
            folder.rmdir()
    return None


def _edited(
    content: files.Content, host: Host, scope: Scope, project: Path, *, remove: bool
) -> tuple[str | None, bool]:
    """What the file is to hold, and whether that is the text of a backup, to which only the server was added since.

    There is no text when the file is to go, because adding the server made it.
    """
    entry = host.entry(scope, project)
    if not remove:
        return with_entry(content.text, host, entry), False
    removed = without_entry(content.text, host)
    if removed == content.text:
        return removed, False
    earlier = _as_it_was(content, host, entry)
    if earlier is not None:
        return earlier, True
    is_made = content.text == with_entry("", host, entry) and not content.path.is_symlink()
    return (None if is_made else removed), False


def _as_it_was(content: files.Content, host: Host, entry: dict[str, Any]) -> str | None:
    """The text of the backup that adding the server made this file of, if nothing else has changed it since."""
    for backup in files.backups(content.path):
        with suppress(LeftAlone):
            if not has_entry(backup.text, host) and with_entry(backup.text, host, entry) == content.text:
                return backup.text
    return None


def _diff(old: str, new: str, path: Path) -> str:
    before, after = (text.splitlines(keepends=True) for text in (old, new))
    lines = difflib.unified_diff(before, after, shown(path), shown(path), n=1)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def _tell(one: _Done, project: Path, *, dry_run: bool) -> None:
    title, path = HOSTS[one.host].title, shown(one.file)
    if one.problem:
        complain(f"{title}: {path}: {one.problem}.", one.remedy, "left alone")
        if one.paste:
            note(one.paste.rstrip("\n"))
        return
    if one.diff and (dry_run or one.updated):
        say(one.diff.replace("\r\n", "\n").rstrip("\n"))
    if one.outcome == "unchanged":
        say(f"{title}: {path}: there is nothing to do.")
    elif dry_run:
        say(f"{title}: nothing was written.")
    else:
        gone = "" if one.file.exists() else ", which held nothing else and is gone"
        say(f"{title}: {'taken out of' if one.outcome == 'removed' else 'written to'} {path}{gone}.")
        if one.backup:
            say(f"  As it was before: {shown(one.backup)}")
        if one.scope == "user" and one.outcome == "written":
            say(f"  Wherever {title} is used, this server now works on {project}.")


def _as_json(one: _Done) -> dict[str, Any]:
    return {
        "host": one.host,
        "scope": one.scope,
        "file": str(one.file),
        "outcome": one.outcome,
        "diff": one.diff,
        "backup": None if one.backup is None else str(one.backup),
        "problem": one.problem,
    }
