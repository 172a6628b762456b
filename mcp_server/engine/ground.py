"""What every use case stands on: the store, the pinned definitions, the project, the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from mcp_server.definitions.pinned import load_pinned
from mcp_server.domain.checking import Checker
from mcp_server.domain.definition import Phase, Workflow
from mcp_server.domain.events import Event
from mcp_server.domain.gates import Probes
from mcp_server.domain.session import Evidence, GateState, Item, Session
from mcp_server.domain.skipping import Entry, enter
from mcp_server.errors import ConfigurationError, NotFoundError
from mcp_server.storage.log import Request
from mcp_server.storage.store import Store
from mcp_server.storage.values import outline, text_of, values_of
from mcp_server.storage.writer import Committed

if TYPE_CHECKING:
    from pydantic import JsonValue

NUMBERS_SHOWN: Final = 50


class World(Probes, Protocol):
    """What the engine asks of the project's files."""

    def read(self, path: str, limit: int) -> bytes:
        """Up to ``limit`` bytes of a file by its path relative to the project's root; OSError for what is none."""
        ...

    def inside(self, path: str) -> bool:
        """Whether a path relative to the project's root stays inside it, links followed; it need not exist."""
        ...


class Trust(Protocol):
    """What a person has allowed to be run in this project."""

    def is_trusted(self, digest: str) -> bool:
        """Whether the commands of the definition with this digest, its plan left out, may be run."""
        ...


@dataclass(frozen=True)
class Workspace:
    """One project: its sessions, its files, who runs checks in it, and what may be run.

    Without a checker every gate that has checks blocks; without trust nothing is run.
    """

    store: Store
    world: World
    checker: Checker | None = None
    trust: Trust | None = None


@dataclass(frozen=True)
class Call:
    """What a mutating call may carry: an id that makes repeating it harmless, and the version it expects."""

    request: Request | None = None
    expected_version: int | None = None


@dataclass(frozen=True)
class View:
    """A session as it is, with the definition that it pins."""

    session: Session
    workflow: Workflow


@dataclass(frozen=True)
class Outcome:
    """What a mutating call committed (or, replayed, once committed), with the pinned definition."""

    committed: Committed
    workflow: Workflow


class Ground:
    """The store, the definitions that its sessions pin, and the clock."""

    def __init__(self, workspace: Workspace | None, clock: Callable[[], datetime]) -> None:
        self._workspace = workspace
        self.now = clock

    @property
    def workspace(self) -> Workspace:
        """The project; ConfigurationError when none is known."""
        if self._workspace is None:
            raise ConfigurationError(
                "No project root is known, so there is nowhere to keep sessions.",
                remediation="Tell the person: start the server with --project PATH, or set POS_WORKFLOW_PROJECT.",
            )
        return self._workspace

    @property
    def store(self) -> Store:
        """The project's sessions; ConfigurationError when no project is known."""
        return self.workspace.store

    @property
    def checker(self) -> Checker:
        """Who carries out checks; ConfigurationError when there is nobody."""
        if self.workspace.checker is None:
            raise ConfigurationError(
                "This server runs no checks, so it cannot judge this gate.",
                remediation="Use a server that was started by pos-workflow.",
            )
        return self.workspace.checker

    def workflow(self, session: Session) -> Workflow:
        """The definition that a session pins."""
        digest = session.definition.digest
        return load_pinned(digest, lambda: self.store.blob(digest))

    def view(self, session: Session) -> View:
        """A session as it stands at this moment, with the definition that it pins.

        Nobody writes into a session that the server which ran its checks is gone, or that a question has lapsed: it
        shows when one looks.
        """
        return View(session.model_copy(update={"gate": self._gate(session)}), self.workflow(session))

    def _gate(self, session: Session) -> GateState | None:
        under_way = session.under_way
        if under_way is None:
            return session.gate
        if session.gate is GateState.CHECKING and not self.store.running(under_way.run):
            return GateState.INTERRUPTED
        lapsed = under_way.expires_at is not None and self.now() >= under_way.expires_at
        return GateState.EXPIRED if lapsed else session.gate

    def commit(
        self,
        session_id: str,
        decide: Callable[[Session], Event],
        call: Call = Call(),
        blobs: Mapping[str, bytes] | None = None,
    ) -> Outcome:
        """Let ``decide`` say what happens to a session, and make it happen."""
        committed = self.store.update(
            session_id,
            decide,
            request=call.request,
            expected_version=call.expected_version,
            blobs=blobs or {},
        )
        return Outcome(committed, self.workflow(committed.session))

    def entry(self, session: Session, workflow: Workflow, phase: int) -> Entry:
        """What is entered when ``phase`` is left."""
        return enter(workflow.after(phase), lambda: self.options(session))

    def options(self, session: Session) -> dict[str, JsonValue]:
        """The options that a session was started with."""
        return values_of(session.options, self.store.blob)

    def items(self, evidence: Evidence) -> dict[str, Item]:
        """The items of a submission, large values by where they are stored."""
        return outline(evidence, self.store.blob)

    def text(self, item: Item) -> str:
        """The value of an item as JSON text."""
        return text_of(item, self.store.blob)


def require_phase(workflow: Workflow, number: int) -> Phase:
    """The phase of that number; NotFoundError names the ones there are."""
    phase = workflow.phase(number)
    if phase is None:
        numbers = [str(one) for one in workflow.numbers]
        raise NotFoundError(
            f"{workflow.workflow_type} has no phase {number}.",
            remediation=f"Its phases are {listed(numbers)}.",
            did_you_mean=numbers[:5],
        )
    return phase


def listed(numbers: Sequence[Any]) -> str:
    """Numbers in words; of very many the first ones."""
    shown = ", ".join(str(number) for number in numbers[:NUMBERS_SHOWN])
    return f"{shown} and {len(numbers) - NUMBERS_SHOWN} more" if len(numbers) > NUMBERS_SHOWN else shown
