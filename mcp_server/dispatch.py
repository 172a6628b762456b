"""From arguments to reply: the one place where a call is validated and where exceptions become replies."""

from __future__ import annotations

import difflib
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mcp_server.actions import ACTIONS
from mcp_server.actions.action import Answer, AnyAction, Pending
from mcp_server.actions.guidance import NextAction, next_actions, reading_on
from mcp_server.actions.paging import clipped
from mcp_server.domain import budgeting
from mcp_server.engine import Engine, Running, View
from mcp_server.errors import CorruptStateError, GateError, InvalidArgumentError, PosWorkflowError, UnknownActionError
from mcp_server.storage.layout import is_session_id

_BY_NAME: Final[Mapping[str, AnyAction]] = {action.name: action for action in ACTIONS}
PATIENCE_SECONDS: Final = 45.0
"""How long a call waits for its checks before it says that they still run: some hosts cut a call at 60 seconds."""
MESSAGE_BYTES: Final = 12_000
FIELDS_SHOWN: Final = 50
"""Errors of form that one reply names; there are fewer parameters, so that only unknown ones are left out."""
_WORDS: Final[Mapping[str, str]] = {
    "string_type": "has to be a string",
    "int_type": "has to be an integer",
    "bool_type": "has to be true or false",
    "dict_type": "has to be an object",
    "literal_error": "has to be one of {expected}",
    "greater_than_equal": "has to be at least {ge}",
    "less_than_equal": "has to be at most {le}",
    "string_too_short": "has to have at least {min_length} characters",
    "string_too_long": "has to have at most {max_length} characters",
    "too_short": "has to have at least {min_length} characters",
    "too_long": "has to have at most {max_length} characters",
    "string_pattern_mismatch": "has to be 1 to 200 of a-z, 0-9 and _",
}
"""Errors of form as a model reads them, by the type that pydantic gives them."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """A reply as JSON values, and whether it tells of an error."""

    body: dict[str, Any]
    is_error: bool


@dataclass(frozen=True)
class Waiting:
    """A call whose checks run; ``answer`` is what can be said when they have ended, or before."""

    running: Running
    answer: Callable[[], Answered]


def dispatch(engine: Engine, arguments: Mapping[str, Any] | None, patience: float = PATIENCE_SECONDS) -> Answered:
    """Answer one call, waiting for its checks in this thread as long as ``patience`` (seconds) lasts; never raises."""
    answered = begin(engine, arguments)
    if isinstance(answered, Waiting):
        answered.running.wait(patience)
        answered = answered.answer()
    return answered


def begin(engine: Engine, arguments: Mapping[str, Any] | None) -> Answered | Waiting:
    """Answer one call, or say what it has begun to wait for; never raises.

    Whatever goes wrong becomes a reply with ``error_type`` and ``remediation``; a defect of ours is logged with its
    traceback under an id, and the reply tells nothing but that id.
    """
    given = _given(arguments)
    return _finished(engine, given, lambda: _answer(engine, given))


def conclude(engine: Engine, arguments: Mapping[str, Any] | None, answer: Callable[[], Answer]) -> Answered:
    """Answer a call anew, after what it waits for has been brought about; never raises."""
    given = _given(arguments)
    return _final(_finished(engine, given, lambda: _told(engine, _action(given), given, answer)))


def read(engine: Engine, **arguments: Any) -> dict[str, Any]:
    """The success reply to a call that reads, for whoever shows it in another form; raises as the action does."""
    given = _given(arguments)
    action = _action(given)
    answer = action.run(engine, _params(action, given))
    assert isinstance(answer, Answer)  # noqa: S101 - what reads waits for nothing
    return _success(engine, action, given, answer)


def require_form(arguments: Mapping[str, Any]) -> None:
    """Raise InvalidArgumentError for a call whose arguments do not have the form that its action takes."""
    given = _given(arguments)
    _params(_action(given), given)


def _given(arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (arguments or {}).items() if value is not None}


def _finished(engine: Engine, given: Mapping[str, Any], first: Callable[[], Answered | Pending]) -> Answered | Waiting:
    """What a step comes to, logged; a defect is told by its id alone."""
    correlation_id = uuid.uuid4().hex[:12]
    began = time.monotonic()

    def finished(step: Callable[[], Answered | Pending]) -> Answered | Waiting:
        try:
            answered = step()
            if isinstance(answered, Pending):
                action, answer = _action(given), answered.answer
                return Waiting(answered.running, lambda: _final(finished(lambda: _told(engine, action, given, answer))))
        except Exception:  # noqa: BLE001 - the last line of defence: what escapes here is a defect, told by its id alone
            _log.exception("defect", extra={"correlation_id": correlation_id})
            answered = _defect(given, correlation_id)
        _log.info(
            "call",
            extra={
                "action": answered.body["action"],
                "session_id": answered.body.get("session_id") or _named(given),
                "outcome": answered.body.get("error_type", "success"),
                "duration_ms": round((time.monotonic() - began) * 1000, 2),
                "correlation_id": correlation_id,
            },
        )
        return answered

    return finished(first)


def _final(answered: Answered | Waiting) -> Answered:
    assert isinstance(answered, Answered)  # noqa: S101 - an answer that was waited for is not waited for again
    return answered


def _named(given: Mapping[str, Any]) -> str | None:
    """The session that was asked for; what is no id may be anything, and is left out."""
    name = given.get("session_id")
    return name if isinstance(name, str) and is_session_id(name) else None


def _answer(engine: Engine, given: Mapping[str, Any]) -> Answered | Pending:
    try:
        action = _action(given)
        params = _params(action, given)
        answer = action.run(engine, params)
    except PosWorkflowError as error:
        return Answered(_failure(engine, given, error), is_error=True)
    return answer if isinstance(answer, Pending) else _told(engine, action, given, lambda: answer)


def _told(engine: Engine, action: AnyAction, given: Mapping[str, Any], answer: Callable[[], Answer]) -> Answered:
    try:
        return Answered(_success(engine, action, given, answer()), is_error=False)
    except PosWorkflowError as error:
        return Answered(_failure(engine, given, error), is_error=True)


def _action(given: Mapping[str, Any]) -> AnyAction:
    name = given.get("action")
    action = _BY_NAME.get(name) if isinstance(name, str) else None
    if action is None:
        said = f"There is no action {_quoted(name)}." if isinstance(name, str) else "action is required, as a string."
        near = difflib.get_close_matches(name, _BY_NAME, n=1) if isinstance(name, str) else []
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UnknownActionError(said, remediation=f"{hint}Use one of valid_actions.", valid_actions=list(_BY_NAME))
    return action


def _params(action: AnyAction, given: Mapping[str, Any]) -> Any:
    try:
        return action.params.model_validate({name: value for name, value in given.items() if name != "action"})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        fields = [_field(action, given, one) for one in found[:FIELDS_SHOWN]]
        if len(found) > FIELDS_SHOWN:
            fields.append({"field": "arguments", "problem": f"and {len(found) - FIELDS_SHOWN} more are wrong"})
        unknown = any(one["type"] == "extra_forbidden" for one in found)
        takes = f" It takes {', '.join(_taken(action))}." if unknown else ""
        raise InvalidArgumentError(
            fields, remediation=f"Correct these arguments and call {action.name} again; nothing was changed.{takes}"
        ) from None


def _taken(action: AnyAction) -> list[str]:
    """The parameters of an action: first those that it needs, last those that every change takes."""
    common = ("expected_version", "request_id")
    fields = action.params.model_fields
    return sorted(fields, key=lambda name: (not fields[name].is_required(), name in common))


def _field(action: AnyAction, given: Mapping[str, Any], error: ErrorDetails) -> dict[str, str]:
    """One error of form in words. The value itself is never repeated: it may be large, or secret."""
    name = _printable(".".join(str(part) for part in error["loc"])[:200]) or "arguments"
    match error["type"]:
        case "missing":
            problem = "is required"
        case "extra_forbidden":
            known = any(name in one.params.model_fields for one in ACTIONS)
            problem = f"is not a parameter of {action.name}" if known else "is unknown"
            open_names = [one for one in _taken(action) if one not in given]
            near = [one for one in open_names if one in name or name in one]
            near = near or difflib.get_close_matches(name, open_names, n=1)
            problem += f"; did you mean {near[0]}?" if near and not known else ""
        case "string_too_short" if error.get("ctx", {}).get("min_length") == 1:
            problem = "must not be empty"
        case "value_error":
            problem = str(error["ctx"]["error"]) if "ctx" in error else error["msg"]
        case kind if kind in _WORDS:
            problem = _WORDS[kind].format(**error.get("ctx", {}))
        case _:
            problem = error["msg"].removeprefix("Input ").removeprefix("Value ")
    return {"field": name, "problem": problem}


def _success(engine: Engine, action: AnyAction, given: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "success", "action": action.name}
    reply = answer.reply.model_dump(mode="json", exclude_none=True)
    if answer.session is not None:
        body |= _about(engine, engine.of(answer.session), reply.pop("warnings", []), action.name, answer.task)
        if answer.reply.next_cursor is not None:
            rest = reading_on(action.name, given, answer.session, answer.reply.next_cursor)
            body["next_actions"] = [_dumped(rest), *body["next_actions"]]
    if answer.replayed:
        body["replayed"] = True
    return body | reply


def _failure(engine: Engine, given: Mapping[str, Any], error: PosWorkflowError) -> dict[str, Any]:
    body = _error_body(given, error.error_type, clipped(error.message, MESSAGE_BYTES))
    body["remediation"] = clipped(error.remediation, MESSAGE_BYTES)
    body |= error.facts
    return body | _about_session(engine, given, error, body.get("warnings", []))


def _defect(given: Mapping[str, Any], correlation_id: str) -> Answered:
    body = _error_body(given, "RuntimeError", "The server failed: this is a defect of pos-workflow.")
    body["remediation"] = "You cannot fix this. Tell the person; the server's log has the traceback under error_id."
    return Answered({**body, "error_id": correlation_id}, is_error=True)


def _error_body(given: Mapping[str, Any], error_type: str, message: str) -> dict[str, Any]:
    action = given.get("action")
    said = _printable(action[:60]) if isinstance(action, str) else "unknown"
    return {"status": "error", "action": said, "error": message, "error_type": error_type}


def _about_session(
    engine: Engine, given: Mapping[str, Any], error: PosWorkflowError, warnings: list[str]
) -> dict[str, Any]:
    """The common fields of an error about a session that exists; of one that cannot be trusted only its id."""
    session_id = _named(given)
    if session_id is None:
        return {}
    # Only a refusal has told what an action reads: after any other error that reading may still be the next step.
    after = "complete_phase" if isinstance(error, GateError) else None
    try:
        return _about(engine, engine.view(session_id), warnings, after)
    except CorruptStateError:
        return {"session_id": session_id}
    except PosWorkflowError:
        return {}


def _about(
    engine: Engine, view: View, warnings: list[str], after: str | None = None, task: int | None = None
) -> dict[str, Any]:
    """The common fields of a reply about a session; its budget is warned of after the reply's own ``warnings``."""
    session = view.session
    suggested = next_actions(session, view.workflow, after=after, task=task)
    warnings = [*warnings, *budgeting.warnings(session, view.workflow, engine.now())]
    return {
        "session_id": session.session_id,
        "version": session.version,
        "session_status": "deleted" if session.deleted_at else session.session_status.value,
        "next_actions": [_dumped(one) for one in suggested],
        **({"warnings": warnings} if warnings else {}),
    }


def _dumped(suggested: NextAction) -> dict[str, Any]:
    return suggested.model_dump(mode="json", exclude_none=True)


def _quoted(value: str) -> str:
    return repr(value) if len(value) <= 60 else repr(f"{value[:57]}...")


def _printable(text: str) -> str:
    """The text as UTF-8 can carry it: half a surrogate pair would make the whole reply unsendable."""
    return text.encode("utf-8", "replace").decode()
