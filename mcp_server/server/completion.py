"""What a host offers while a person types the argument of a prompt or the address of a resource."""

from __future__ import annotations

from functools import partial
from typing import Final

from mcp import types

from mcp_server.engine import Engine
from mcp_server.errors import ConfigurationError
from mcp_server.server import prompts, resources
from mcp_server.server.answering import Context, answered

MAX_VALUES: Final = 100
"""What the protocol lets one answer have."""


class Completion:
    """The completions on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def complete(self, ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        """The values that hold what was typed, in the order in which they are listed elsewhere."""
        return await answered(ctx, partial(_completed, self._engine, params))


def _completed(engine: Engine, params: types.CompleteRequestParams) -> types.CompleteResult:
    ref, argument = params.ref, params.argument
    try:
        if isinstance(ref, types.PromptReference):
            known = prompts.choices(engine, ref.name, argument.name)
        else:
            known = resources.choices(engine, ref.uri, argument.name)
    except ConfigurationError:
        # No project, no sessions: there is nothing to offer, and whoever asks for one is told.
        known = []
    # Of a session one remembers the target rather than how its id begins.
    values = [one for one in known if argument.value in one]
    completion = types.Completion(values=values[:MAX_VALUES], total=len(values), has_more=len(values) > MAX_VALUES)
    return types.CompleteResult(completion=completion)
