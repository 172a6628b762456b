"""The tasks of a phase: those that the metadata lists, and the files that it does not."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from mcp_server.definitions.markdown import first_heading, read_markdown
from mcp_server.definitions.nodes import Node
from mcp_server.definitions.problems import Problem
from mcp_server.domain.definition import Task

_TASK_FILE = re.compile(r"task-(\d{1,6})(?:[-_.](.*))?\.md", re.IGNORECASE)
_TASK_PREFIX = re.compile(r"^task\s+[\d.]+\s*[:.\u2013\u2014-]*\s*", re.IGNORECASE)
_NOTHING_TO_READ = "Whoever comes there is given a title and no instructions."
_DURATION_KEYS = ("estimated_duration", "estimated_time", "estimated_effort", "duration")


def find_file(files: Mapping[str, bytes], folder: str, named: str) -> str | None:
    """The file that a metadata entry means: relative to the phase's folder, to ``phases`` or to the definition."""
    for base in (folder, "", "phases"):
        path = posixpath.normpath(posixpath.join(base, named))
        if path in files:
            return path
    return None


def report_missing(node: Node, spoken: str, named: str) -> None:
    """Say that the file which ``node`` names is not in the definition: an error when it was sought outside of it."""
    if posixpath.isabs(named) or ".." in named.replace("\\", "/").split("/"):
        why = "What lies outside is no part of what a session pins, so it is never read."
        node.error(f"{spoken} leads out of the definition", "Name a file inside the definition's folder.", why)
    else:
        node.warning(f"{spoken} is not there", "Write the file, or mend its name.", _NOTHING_TO_READ)


def read_tasks(
    entries: list[Node], folder: str, files: Mapping[str, bytes], problems: list[Problem]
) -> tuple[Task, ...]:
    """The tasks of the phase whose files lie in ``folder``, by number; ``problems`` takes those of the files."""
    return _Tasks(folder, files, problems).read(entries)


class _Tasks:
    def __init__(self, folder: str, files: Mapping[str, bytes], problems: list[Problem]) -> None:
        self._folder = folder
        self._files = files
        self._problems = problems
        self._found: dict[int, Task] = {}
        self._own = {
            path: int(match.group(1))
            for path in sorted(files)
            if posixpath.dirname(path) == folder and (match := _TASK_FILE.fullmatch(posixpath.basename(path)))
        }

    def read(self, entries: list[Node]) -> tuple[Task, ...]:
        named = {path for entry in entries if (path := self._named(entry))}
        for position, entry in enumerate(entries, start=1):
            self._add_listed(entry, position, named)
        for path, number in sorted(self._own.items(), key=lambda item: (item[1], item[0])):
            if path not in named:
                self._add_unlisted(path, number)
        return tuple(self._found[number] for number in sorted(self._found))

    def _named(self, entry: Node) -> str | None:
        file = entry.child("file").text()
        return find_file(self._files, self._folder, file) if file else None

    def _add_listed(self, entry: Node, position: int, named: set[str]) -> None:
        path = self._named(entry)
        file = entry.child("file").text()
        match = _TASK_FILE.fullmatch(posixpath.basename(file))
        number = entry.child("task_number").integer(int(match.group(1)) if match else position)
        if path is None and not file:
            alike = [own for own, own_number in self._own.items() if own_number == number and own not in named]
            path = alike[0] if len(alike) == 1 else None
            named.update(alike[:1] if path else [])
        if number in self._found:
            why = "get_task asks for a task by its number, and gives one."
            entry.error(f"the task number {number} is there twice", "Give each task of a phase its own number.", why)
            return
        if path is None and file:
            report_missing(entry, f"the file of task {number}, {file},", file)
        elif path is None:
            entry.warning(f"task {number} has no file", "Write the file, or mend its name.", _NOTHING_TO_READ)
        self._found[number] = self._task(
            number,
            path,
            name=entry.first("name", "task_name", "title").text(),
            purpose=entry.first("purpose", "description").text(),
            file=file,
            duration=entry.first(*_DURATION_KEYS).text(severity="warning"),
        )

    def _add_unlisted(self, path: str, number: int) -> None:
        if number in self._found:
            number = max(self._found) + 1
            message = f"has the number of another task and became task {number}"
            why = "Its place among the tasks is other than its name says."
            self._problems.append(Problem("warning", path, None, message, "Give it a number of its own.", why))
        self._found[number] = self._task(number, path)

    def _task(
        self, number: int, path: str | None, *, name: str = "", purpose: str = "", file: str = "", duration: str = ""
    ) -> Task:
        if path is None:
            return Task(
                number=number,
                title=name or f"Task {number}",
                purpose=purpose,
                file=file or None,
                missing=True,
                estimated_duration=duration or None,
            )
        content = read_markdown(self._files[path])
        if content.problem is not None:
            message = f"has front matter that cannot be read: {content.problem}"
            why = "What it says, such as produces or a duration, is left out."
            self._problems.append(Problem("warning", path, content.problem.line + 1, message, "Mend the YAML.", why))
        told = next((content.front_matter[key] for key in _DURATION_KEYS if key in content.front_matter), None)
        return Task(
            number=number,
            title=name or _title(content.body, path) or f"Task {number}",
            purpose=purpose,
            body=content.body,
            front_matter=content.front_matter,
            file=path,
            estimated_duration=duration or (None if told is None else str(told)),
        )


def _title(body: str, path: str) -> str:
    heading = _TASK_PREFIX.sub("", first_heading(body))
    match = _TASK_FILE.fullmatch(posixpath.basename(path))
    slug = match.group(2) if match else posixpath.basename(path).removesuffix(".md")
    return heading or (slug or "").replace("-", " ").replace("_", " ").strip().capitalize()
