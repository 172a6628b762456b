"""Each check and each rule of the store is needed: a store whose source lacks one does not stand a trial."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

pytestmark = pytest.mark.integration

MUTANTS: Final = {
    "a head's checksum is not looked at": (
        "head", 'tail is None or tail["checksum"].decode() != sha256(raw[: tail.start() + 2])', "tail is None",
        "bits of a head",
    ),
    "a seal is not looked at": ("guard", "if not page.sealed_by(key):", "if False:", "an edited head"),
    "an anchor is not looked at": (
        "guard", "if anchor is not None and is_behind(page, anchor):", "if False:", "old files put back",
    ),
    "the end of a log is not held against its head": (
        "log", "if _end(raw) != mark.hash or", "if", "bits of a log",
    ),
    "the lines of a log are not chained": ("log", "or record.prev != previous", "", "bits of a log"),
    "the length of a log is not looked at": ("pages", "if found.st_size < length:", "if False:", "a log cut off"),
    "a log is added to unseen": (
        "pages", "if sha256(read_span(self._fs, fd, mark.last, mark.length)) != mark.hash:", "if False:",
        "a log edited at its end",
    ),
    "a blob is not held against its name": ("blobs", "if sha256(content) != digest:", "if False:", "bits of a blob"),
    "an audit log is anchored anew unseen": (
        "audit", "if not self._trusted(fd, size):", "if False:", "an audit log cut off",
    ),
    "a request is not known again": (
        "writer", "requests:\n                return self._replay(found, request, outcome)\n            event, session",
        "requests:\n                pass\n            event, session", "kills at a pause",
    ),
    "what was done before is not made durable": (
        "writer", "        self._parts.pages.write(found.place, found.page, outcome)", "        pass",
        "kills at an undeletion",
    ),
    "a start that is remembered is not made durable": (
        "writer", "            parts.starts.remember(request, reserved)",
        "            if parts.starts.find(request) is None:\n                parts.starts.remember(request, reserved)",
        "kills at a start",
    ),
    "a start is not remembered": (
        "writer", "            parts.starts.remember(request, reserved)", "            pass", "kills at a start",
    ),
    "an acceptance is not made durable": (
        "acceptance", "                parts.pages.write(found.place, found.page, outcome)", "                pass",
        "kills at an acceptance",
    ),
    "a log that was chained anew is not written anew": (
        "acceptance", "        write_file(parts.fs, place.log(session.session_id), content)",
        "        if content != raw:\n            write_file(parts.fs, place.log(session.session_id), content)",
        "faults at an acceptance",
    ),
    "an audit line is written each time": ("audit", "there = once and", "there = False and", "kills at a deletion"),
    "a torn audit line is taken for one": (
        "audit", "    while whole and not _is_json(last := _last_line(whole)):", "    while last := b'':",
        "power lost at a deletion",
    ),
    "an undeleted session is moved later": (
        "writer",
        "            parts.move(session_id, parts.layout.trash, parts.layout.live)\n",
        "",
        "power lost at an undeletion",
    ),
    "a failure after the commit is told as one before it": (
        "pages", "        outcome.committing()\n", "", "faults at a pause",
    ),
}  # fmt: skip
"""What is left out, of which module, by which change, and what then must not stand."""


def judged(mutants: list[tuple[str, str, str, str]]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.storage.proof.mutated"],
        cwd=Path(__file__).parents[3],
        input=json.dumps(mutants),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_whatever_is_left_out_of_the_source_is_missed(tally: Counter[str]) -> None:
    verdicts = dict(zip(MUTANTS, judged(list(MUTANTS.values())), strict=True))
    assert [name for name, verdict in verdicts.items() if verdict == "stands"] == []
    tally["mutants caught"] += len(MUTANTS)


def test_the_source_as_it_is_stands() -> None:
    needed = sorted({verdict for *_, verdict in MUTANTS.values()})
    same = '"""The session store'
    assert judged([("store", same, same, verdict) for verdict in needed]) == ["stands"] * len(needed)
