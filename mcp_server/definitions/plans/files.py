"""The plan of a session: read from the project when it starts, and compared with what is there later."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_server.definitions.library import Found
from mcp_server.definitions.parse import parse
from mcp_server.domain.definition import PlanSource
from mcp_server.errors import InvalidArgumentError

MAX_PLAN_BYTES = 1024 * 1024
FILE_IN_FOLDER = {"spec_tasks_parser": "tasks.md", "workflow_definition_parser": "workflow-definition.yaml"}

Read = Callable[[str, int], bytes]
"""Reads a file by its path relative to the project's root, up to so many bytes; raises OSError for what is no file."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan as it was found; ``name`` is the file's own, without its folder."""

    name: str
    data: bytes


class PlanFileError(ValueError):
    """The plan cannot be read; the message says what was looked for."""


def read_plan_file(source: PlanSource, path: object, read: Read) -> PlanFile:
    """The plan that an option names: a file, or the folder that holds it. Raises PlanFileError."""
    usual = FILE_IN_FOLDER[source.parser]
    if not isinstance(path, str) or not path.strip():
        raise PlanFileError(f"is required: the path of the plan, a folder that holds {usual} or the file itself")
    try:
        data, found = read(path, MAX_PLAN_BYTES + 1), path
    except IsADirectoryError:
        found = posixpath.join(path, usual)
        data = _in_folder(found, path, usual, read)
    except (OSError, ValueError) as error:
        raise PlanFileError(f"leads to no plan: {_reason(error)}: {path[:200]!r}") from None
    if len(data) > MAX_PLAN_BYTES:
        raise PlanFileError(f"leads to a plan of more than {MAX_PLAN_BYTES // 2**20} MiB ({found})")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise PlanFileError(f"leads to a plan that is not UTF-8 ({found}, byte {error.start})") from None
    return PlanFile(posixpath.basename(found), data)


def _in_folder(found: str, folder: str, usual: str, read: Read) -> bytes:
    try:
        return read(found, MAX_PLAN_BYTES + 1)
    except FileNotFoundError:
        raise PlanFileError(f"leads to no plan: the folder {folder[:200]} has no {usual}") from None
    except (OSError, ValueError) as error:
        raise PlanFileError(f"leads to no plan: {_reason(error)}: {found[:200]!r}") from None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it cannot be read"


def with_plan(found: Found, options: Mapping[str, object], read: Read) -> Found:
    """A definition with the plan that the options name, which then is a part of what a session pins.

    A definition that is not dynamic is given back as it is. Raises InvalidArgumentError that says what was looked for.
    """
    source = found.workflow.plan
    if source is None:
        return found
    try:
        plan = read_plan_file(source, options.get(source.option), read)
    except PlanFileError as error:
        raise _refused(source, str(error)) from None
    bundle = found.bundle.with_plan(plan.name, plan.data)
    parsed = parse(bundle)
    if parsed.errors or parsed.workflow is None:
        said = "; ".join(map(str, parsed.errors[:5]))
        more = f"; and {len(parsed.errors) - 5} more" if len(parsed.errors) > 5 else ""
        raise _refused(source, f"leads to a plan that cannot be worked off: {said}{more}")
    notes = tuple(str(problem) for problem in parsed.problems if problem.file == plan.name)
    return Found(parsed.workflow, bundle, bundle.digest, found.source, found.shadows, notes)


def _refused(source: PlanSource, problem: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        [{"field": f"options.{source.option}", "problem": problem}],
        remediation=f'Call start again with options {{"{source.option}": PATH}}, relative to the project\'s root, '
        "of a plan that can be read. No session was created.",
    )
