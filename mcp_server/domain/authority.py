"""In whose name something was done that only a person may do, and how that is known."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import model_validator

from mcp_server.domain.frozen import Frozen

Channel = Literal["terminal", "operator_file", "elicitation"]
"""How the word came: typed on a terminal, from automation that gave the operator's passphrase in a file, or through
the assistant's client, which proves that a client answered and not that a person did."""


class Authority(Frozen):
    """Who decided.

    ``authenticated`` means that the operator's passphrase was given; then ``operator`` is its fingerprint and
    ``operator_since`` when it was set, since whoever set it first owns it. ``user`` is the account's login name, which
    proves nothing: an assistant runs under the same one.
    """

    authenticated: bool = False
    operator: str | None = None
    operator_since: datetime | None = None
    user: str | None = None
    channel: Channel = "terminal"

    @model_validator(mode="after")
    def _names_its_operator(self) -> Self:
        if not (self.authenticated == (self.operator is not None) == (self.operator_since is not None)):
            raise ValueError("what is authenticated names its operator and since when, and nothing else does")
        return self
