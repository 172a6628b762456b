"""``trust`` and ``untrust``: a person's word that the commands of a definition may be run in this project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from mcp_server.app import bundled_workflows, workflow_roots
from mcp_server.cli.commands_of import Command, commands_of
from mcp_server.cli.context import Context
from mcp_server.cli.failures import UsageError
from mcp_server.cli.output import complain, moment, note, print_json, say, table
from mcp_server.cli.parameters import AsJson, Ctx, OperatorFile
from mcp_server.cli.person import account, confirm, require_person
from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.library import Library, Root
from mcp_server.domain.authority import Authority
from mcp_server.domain.definition import Workflow
from mcp_server.errors import ConfigurationError, NotFoundError
from mcp_server.storage.trust import Grant, Trust, Trusted

Name = Annotated[str | None, Parameter(help="A workflow's name or alias.")]
Bundled = Annotated[bool, Parameter(help="All workflows that ship with the program.")]


@dataclass(frozen=True)
class _Candidate:
    """A definition that may be trusted, and what of it will be run."""

    workflow: Workflow
    digest: str
    source: str
    hides: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[Command, ...]:
        return commands_of(self.workflow)


def trust(
    name: Name = None,
    /,
    *,
    bundled: Bundled = False,
    session: Annotated[str | None, Parameter(help="The definition that this session began with.")] = None,
    list: Annotated[bool, Parameter(name="--list", help="Show what is trusted.")] = False,  # noqa: A002 - the flag's name
    json: AsJson = False,
    operator_file: OperatorFile = None,
    ctx: Ctx,
) -> int:
    """Let the commands of a definition's gates be run in this project. Only a person can: it shows them, then asks.

    Use `trust WORKFLOW`, `trust --bundled`, `trust --session ID` or `trust --list [--json]`. Trust is bound to this
    project and to the definition as it is: one that is changed asks again. Nothing in a project grants it.
    """
    if [name is not None, bundled, session is not None, list].count(True) != 1 or (json and not list):
        raise UsageError(
            "Say what shall be trusted.", "Use trust WORKFLOW, --bundled, --session ID or --list [--json]."
        )
    store = _trust(ctx)
    if list:
        return _list(ctx, store.list(), as_json=json)
    if session is not None:
        found = [_pinned(ctx, session)]
    elif bundled:
        found = _shipped()
    else:
        found = [_named(ctx, str(name))]
    wanted = _wanting(found, store)
    if not wanted:
        return 0
    for one in wanted:
        _show(one)
    note("They run in the project's folder, its .venv/bin first on the path, with a small environment and no input.")
    authority = require_person(ctx, operator_file)
    confirm(f"Trust {_names(wanted)} in this project?", "y", authority)
    for one in wanted:
        kind, at = one.workflow.workflow_type, datetime.now(UTC)
        store.grant(Grant(workflow_type=kind, digest=one.digest, source=one.source, at=at, authority=authority))
    say(f"{_names(wanted)}: trusted in this project.")
    return 0


def untrust(
    name: Name = None,
    /,
    *,
    bundled: Bundled = False,
    all: Annotated[bool, Parameter(name="--all", help="Everything that is trusted in this project.")] = False,  # noqa: A002 - the flag's name
    ctx: Ctx,
) -> int:
    """Take trust away: the definition's commands are not run in this project any more, in any version of it."""
    if [name is not None, bundled, all].count(True) != 1:
        raise UsageError("Say what shall not be trusted any more.", "Use untrust WORKFLOW, --bundled or --all.")
    meant = name if name is None else _folder_name(ctx, name)
    gone = _trust(ctx).revoke(
        lambda one: all or (one.source == "bundled" if bundled else one.workflow_type == meant),
        at=datetime.now(UTC),
        authority=Authority(user=account()),
    )
    for one in gone:
        say(f"{one.workflow_type} ({one.digest[:12]}) is not trusted any more.")
    if not gone:
        say("It was not trusted; nothing was changed.")
    return 0


def _trust(ctx: Context) -> Trust:
    store, project = ctx.store, ctx.loaded.project
    assert project is not None  # noqa: S101 - without one there is no store
    return store.trust(project)


def _named(ctx: Context, name: str) -> _Candidate:
    found = Library(workflow_roots(ctx.loaded)).find(name)
    return _Candidate(found.workflow, found.bundle.definition_digest, found.source, found.shadows)


def _shipped() -> list[_Candidate]:
    library = Library([Root(bundled_workflows(), "bundled")])
    found = [library.find(entry.workflow.workflow_type) for entry in library.listing().entries]
    return [_Candidate(one.workflow, one.bundle.definition_digest, one.source) for one in found]


def _pinned(ctx: Context, session_id: str) -> _Candidate:
    view = ctx.engine.view(session_id)
    pinned = view.session.definition
    bundle = Bundle.decode(ctx.store.blob(pinned.digest))
    return _Candidate(view.workflow, bundle.definition_digest, pinned.source)


def _wanting(found: Iterable[_Candidate], store: Trust) -> list[_Candidate]:
    """Those that run something and are not trusted yet; of the others it is said."""
    wanted: list[_Candidate] = []
    for one in found:
        if not one.commands:
            say(f"{one.workflow.workflow_type} runs nothing, so it needs no trust.")
        elif store.is_trusted(one.digest):
            say(f"{one.workflow.workflow_type} ({one.digest[:12]}) is trusted already.")
        else:
            wanted.append(one)
    return wanted


def _show(one: _Candidate) -> None:
    workflow = one.workflow
    note(f"{workflow.workflow_type} {workflow.version} ({one.source}, {one.digest[:12]}) will run:", "bold")
    if "bundled" in one.hides:
        complain(f"this {one.source} definition hides the one of the same name that ships", kind="hides")
    for command in one.commands:
        note(f"  phase {command.phase}, {command.check}: {command.shown}")
        for line in command.notes:
            note(f"      {line}")


def _names(candidates: Iterable[_Candidate]) -> str:
    return ", ".join(one.workflow.workflow_type for one in candidates)


def _folder_name(ctx: Context, name: str) -> str:
    """The name that trust was given under: an alias stands for its definition, which may be gone by now."""
    try:
        return Library(workflow_roots(ctx.loaded)).find(name).workflow.workflow_type
    except (NotFoundError, ConfigurationError):
        return name


def _list(ctx: Context, trusted: Trusted, *, as_json: bool) -> int:
    if as_json:
        print_json(
            {
                "project": str(ctx.loaded.project),
                "trusted": [one.model_dump(mode="json") for one in trusted.grants],
                "problems": [*trusted.problems],
            }
        )
    else:
        rows = [
            (one.workflow_type, one.digest[:12], one.source, moment(one.at), _by(one.authority))
            for one in trusted.grants
        ]
        if rows:
            table(("WORKFLOW", "DIGEST", "SOURCE", "SINCE", "BY"), rows)
        else:
            say("Nothing is trusted in this project.")
        for problem in trusted.problems:
            complain(problem, "It does not count. pos-workflow trust gives it anew.", "trust")
    return 1 if trusted.problems else 0


def _by(authority: Authority) -> str:
    return f"operator {authority.operator}" if authority.authenticated else f"{authority.user}, not authenticated"
