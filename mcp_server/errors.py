"""Every way in which a call can fail, as one tree; ``dispatch`` turns each into the reply that CONTRACT names.

::

    PosWorkflowError                 error_type in the reply
    ├── InvalidArgumentError         ValueError           what was asked is malformed
    ├── NotFoundError                NotFoundError        no such session, workflow, phase or task
    ├── GateError                    ValidationError      the gate said no (recorded as an attempt)
    ├── StateError                   StateError           not allowed in this status or phase
    ├── ConflictError                ConflictError        expected_version or request_id mismatch
    ├── BusyError                    BusyError            the session is held by someone else
    ├── CorruptStateError            CorruptStateError    the session's files cannot be trusted
    ├── ConfigurationError           ConfigurationError   a person has to set or mend something
    └── StorageError                 StorageError         the disk said no

Whatever else escapes is a defect of ours and becomes ``RuntimeError`` with an id that finds its traceback in the log.
Messages are read by an assistant and by its person: they name what is wrong and never a path outside the project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal


class PosWorkflowError(Exception):
    """A failure that the caller is told about.

    ``message`` says what is wrong, ``remediation`` what to do now, ``facts`` are the further keys of the reply.
    """

    error_type: ClassVar[str] = "RuntimeError"

    def __init__(self, message: str, *, remediation: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remediation = remediation
        self.facts: dict[str, Any] = facts


class InvalidArgumentError(PosWorkflowError):
    """An argument is missing, unknown, malformed or too large; ``fields`` names every one of them."""

    error_type = "ValueError"

    def __init__(self, fields: Sequence[Mapping[str, str]], *, remediation: str) -> None:
        message = "; ".join(f"{entry['field']}: {entry['problem']}" for entry in fields)
        super().__init__(message, remediation=remediation, fields=[dict(entry) for entry in fields])


class UnknownActionError(PosWorkflowError):
    """``action`` is none of the fourteen; ``valid_actions`` lists them."""

    error_type = "ValueError"


class NotFoundError(PosWorkflowError):
    """No such session, workflow, phase or task; ``did_you_mean`` holds the nearest names."""

    error_type = "NotFoundError"

    def __init__(self, message: str, *, remediation: str, did_you_mean: Sequence[str] = ()) -> None:
        super().__init__(message, remediation=remediation, did_you_mean=list(did_you_mean))


class GateError(PosWorkflowError):
    """The gate said no. Unlike the other errors this one was committed: the attempt is on record."""

    error_type = "ValidationError"


class StateError(PosWorkflowError):
    """The session's status or phase does not allow this; nothing was changed."""

    error_type = "StateError"


class ConflictError(PosWorkflowError):
    """The session moved on (``expected_version``), or a ``request_id`` came back with other arguments."""

    error_type = "ConflictError"


class BusyError(PosWorkflowError):
    """Another process held the session for longer than the lock timeout; nothing was changed."""

    error_type = "BusyError"

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(
            message,
            remediation="Wait for retry_after_seconds, then repeat the same call with the same request_id.",
            retry_after_seconds=retry_after_seconds,
        )


class CorruptStateError(PosWorkflowError):
    """The session's files cannot be trusted. They are left exactly as they are.

    ``kind`` is one of ``torn`` (does not parse or its checksum is wrong), ``tampered`` (changed by other hands),
    ``newer`` (written by a later version of the program) and ``foreign`` (sealed with a key this user does not have).
    """

    error_type = "CorruptStateError"

    def __init__(
        self, kind: Literal["torn", "tampered", "newer", "foreign"], finding: str, *, remediation: str
    ) -> None:
        super().__init__(f"{kind}: {finding}", remediation=remediation, finding=f"{kind}: {finding}")
        self.kind: Literal["torn", "tampered", "newer", "foreign"] = kind


class ConfigurationError(PosWorkflowError):
    """A person has to set or mend something: no project root, an invalid definition, a folder that is not ours."""

    error_type = "ConfigurationError"


class StorageError(PosWorkflowError):
    """The disk said no. ``outcome`` tells whether anything was changed."""

    error_type = "StorageError"

    def __init__(self, message: str, *, outcome: Literal["unchanged", "unknown"]) -> None:
        remediation = (
            "Nothing was changed. Free space or mend the permissions, then repeat the call."
            if outcome == "unchanged"
            else "It is not known whether the change was made. Repeat the call with the same request_id to find out."
        )
        super().__init__(message, remediation=remediation, outcome=outcome)
