"""What an action is: its parameters, its reply and the function between them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from mcp_server.actions.fields import ExpectedVersion, RequestId
from mcp_server.domain.session import Session
from mcp_server.engine import Call, Engine, Running
from mcp_server.storage.log import Request
from mcp_server.storage.writer import Committed


class Params(BaseModel):
    """The parameters of an action: strict, and nothing is silently ignored. The docstring is the documentation."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Mutation(Params):
    """The parameters that every action which changes something takes besides its own."""

    request_id: RequestId | None = None

    def request(self) -> Request | None:
        """The request id with the digest of everything else that was asked, so that a different call is noticed."""
        if self.request_id is None:
            return None
        action = type(self).__module__.rpartition(".")[2]
        given = self.model_dump(mode="json", exclude={"request_id"}, exclude_none=True)
        # A client may write the names of an object in another order the next time, and asks the same.
        asked = action + json.dumps(given, sort_keys=True, separators=(",", ":"))
        return Request(self.request_id, hashlib.sha256(asked.encode()).hexdigest())

    def call(self) -> Call:
        """What the engine needs to know of how this was asked."""
        return Call(request=self.request())


class SessionMutation(Mutation):
    """A mutation of a session that exists."""

    expected_version: ExpectedVersion | None = None

    def call(self) -> Call:
        """What the engine needs to know of how this was asked."""
        return Call(request=self.request(), expected_version=self.expected_version)


class Part(BaseModel):
    """A part of a reply. None means that it is left out."""

    model_config = ConfigDict(frozen=True)


class Reply(Part):
    """The success reply of an action, beside the common fields that ``dispatch`` adds."""

    warnings: list[str] | None = None
    next_cursor: str | None = None


@dataclass(frozen=True)
class Answer:
    """A reply and the session that it is about, as it is now.

    ``task`` is the number of the task that was read, so that what comes next can be said.
    """

    reply: Reply
    session: Session | None = None
    replayed: bool = False
    task: int | None = None

    @classmethod
    def of(cls, committed: Committed, reply: Reply) -> Answer:
        """The answer to a mutating call."""
        return cls(reply, committed.present, committed.replayed)


@dataclass(frozen=True)
class Pending:
    """An answer that is there when a run of checks has ended, or when one no longer wants to wait for it."""

    running: Running
    answer: Callable[[], Answer]


P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Action(Generic[P]):
    """One action of the tool."""

    name: str
    params: type[P]
    reply: type[Reply]
    run: Callable[[Engine, P], Answer | Pending]

    @property
    def mutating(self) -> bool:
        """Whether the action can change anything on disk."""
        return issubclass(self.params, Mutation)

    @property
    def summary(self) -> str:
        """What the action does, in one line."""
        return (self.params.__doc__ or "").strip().splitlines()[0]


AnyAction = Action[Any]
