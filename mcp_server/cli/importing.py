"""``import``: sessions of praxis-os, brought into this project's store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from mcp_server.app import workflow_roots
from mcp_server.checks.probes import ProjectProbes
from mcp_server.cli.context import Context
from mcp_server.cli.failures import CommandError
from mcp_server.cli.output import complain, note, print_json, say
from mcp_server.cli.parameters import AsJson, Ctx, OperatorFile
from mcp_server.cli.person import confirm, require_person
from mcp_server.cli.progress import watched
from mcp_server.definitions.library import Library
from mcp_server.domain.authority import Authority
from mcp_server.errors import ConfigurationError, StorageError
from mcp_server.importing.importer import Importer, Result
from mcp_server.importing.source import Source
from mcp_server.storage.filesystem import FileSystem

_OUTCOMES: Final = ("imported", "already_there", "refused")


def import_sessions(
    folder: Annotated[Path, Parameter(name="DIR", help="The folder that holds one JSON file for each session.")],
    /,
    *,
    dry_run: Annotated[bool, Parameter(help="Say what would become of each file; change nothing.")] = False,
    operator_file: OperatorFile = None,
    json: AsJson = False,
    ctx: Ctx,
) -> int:
    """Bring over the sessions of praxis-os. Only a person can: it shows what will happen, and asks.

    Each file becomes a session that goes on where it stood, with the definition of its name as it is now. All its
    evidence counts as attested. The files are only read, and what was imported before is left alone, so that the
    command can be repeated. Exit code 1: a file could not be imported; it is named with the reason.
    """
    authority = None if dry_run else require_person(ctx, operator_file)
    importer, source = _importer(ctx), Source(folder.expanduser().absolute(), FileSystem())
    results = _run(importer, source, None)
    if authority is not None and _counted(results)["imported"]:
        _show(results, "will be imported", note)
        confirm("Import?", "import", authority)
        results = _run(importer, source, authority)
    elif not json:
        _show(results, "would be imported", say)
    counts = _counted(results)
    if json:
        print_json({"dry_run": dry_run, **counts, "files": [_as_json(one) for one in results]})
    else:
        done = "would be imported" if dry_run else "imported"
        rest = f"{counts['already_there']} there already, {counts['refused']} refused."
        say(f"{'1 file' if len(results) == 1 else f'{len(results)} files'}: {counts['imported']} {done}, {rest}")
    return 1 if counts["refused"] else 0


def _importer(ctx: Context) -> Importer:
    store, project = ctx.store, ctx.loaded.project
    if project is None:
        raise ConfigurationError("No project root is known.", remediation="Name it with --project PATH.")
    return Importer(Library(workflow_roots(ctx.loaded)), store, ProjectProbes(project), project)


def _run(importer: Importer, source: Source, authority: Authority | None) -> list[Result]:
    results: list[Result] = []
    doing = "Reading files" if authority is None else "Importing sessions"
    try:
        of = len(source.names())
        with watched() as progress:
            for result in importer.run(source, at=datetime.now(UTC), authority=authority):
                results.append(result)
                progress(doing, len(results), of)
    except (FileNotFoundError, NotADirectoryError):
        raise CommandError("There is no such folder.", "Name the folder that holds the session files.") from None
    except StorageError as error:
        done = _counted(results)["imported"] if authority else 0
        remedy = f"{done} sessions were imported before that. Mend the cause and repeat the command: it goes on there."
        raise CommandError(error.message, remedy) from error
    return results


def _show(results: Sequence[Result], said: str, out: Callable[[str], None]) -> None:
    for one in results:
        if one.outcome == "refused":
            complain(f"{one.file}: {one.says}", kind="refused")
            continue
        out(f"{one.file}: {said if one.outcome == 'imported' else 'there already'}: {one.says}")
        for lost in one.lost:
            out(f"  not carried over: {lost}")


def _counted(results: Sequence[Result]) -> dict[str, int]:
    found = Counter(one.outcome for one in results)
    return {outcome: found[outcome] for outcome in _OUTCOMES}


def _as_json(one: Result) -> dict[str, Any]:
    return {
        "file": one.file,
        "outcome": one.outcome,
        "session_id": one.session_id,
        "says": one.says,
        "not_carried_over": list(one.lost),
    }
