"""The use cases: one method for each thing that can be asked of the product.

The engine knows the clock and the order in which a call is judged. It knows neither the protocol nor any path: the
library brings definitions, the store brings sessions, the world tells of the project's files, the checker runs what a
gate wants run. Rules of state are ``domain.machine``'s, judgement is ``domain.gates``'s. Every method is synchronous
and safe in several threads.
"""

from mcp_server.engine.core import Engine, Refusal
from mcp_server.engine.gatekeeper import Standing
from mcp_server.engine.ground import Call, Outcome, Trust, View, Workspace, World, require_phase
from mcp_server.engine.running import Running
from mcp_server.engine.starting import new_session_id

__all__ = [
    "Call",
    "Engine",
    "Outcome",
    "Refusal",
    "Running",
    "Standing",
    "Trust",
    "View",
    "Workspace",
    "World",
    "new_session_id",
    "require_phase",
]
