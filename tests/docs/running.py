"""Runs a page: its blocks, in their order, in one shell and one scratch project."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests import terminal
from tests.docs.pages import Block, blocks

BIN = Path(sys.executable).parent
ANYTHING = "…"


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a page and what the page says of it."""

    block: Block
    command: str
    expected: str | None
    exit_code: int


def run(page: str, folder: Path) -> list[str]:
    """Run every block of a page that can be run; what went otherwise than the page says."""
    project, kept = folder / "project", folder / "kept"
    (project / ".git").mkdir(parents=True)
    kept.mkdir()
    steps = [step for block in blocks(page) for step in _steps(block, kept)]
    lines = ["set -a", f"cd {shlex.quote(str(project))}"]
    for number, step in enumerate(steps):
        lines += [f"{{ {step.command}\n}} > {kept}/{number}.out 2>&1 < /dev/null", f"echo $? > {kept}/{number}.code"]
    script = kept / "page.sh"
    script.write_text("\n".join(lines) + "\n")
    subprocess.run(["bash", script], env=_environment(folder), timeout=300, check=True)
    return [problem for number, step in enumerate(steps) for problem in _compared(step, kept, number)]


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        # The user's folders follow from it, also in a server that the SDK's client starts with little environment.
        "HOME": str(folder),
        "COLUMNS": "300",
        "NO_COLOR": "1",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _steps(block: Block, kept: Path) -> list[Step]:
    match block:
        case Block(directive="not run" | "from"):
            return []
        case Block(directive="file", argument=path):
            source = kept / f"{block.page.replace('/', '_')}.{block.line}"
            source.write_text(block.text)
            # Relative to the project, wherever the page has gone since.
            target = shlex.quote(str(kept.parent / "project" / path))
            return [Step(block, f'mkdir -p "$(dirname {target})" && cp {source} {target}', None, 0)]
        case Block(language="console"):
            return list(_commands(block))
        case Block(language="python"):
            source = kept / f"{block.line}.py"
            source.write_text(block.text)
            return [Step(block, f"python {source}", None, 0)]
        case Block(language="json") if is_call(block):
            source = kept / f"{block.line}.json"
            source.write_text(block.text)
            return [Step(block, f'pos-workflow call "$(sed "s/SESSION/$session/" {source})"', None, 0)]
        case _:
            return []


def is_call(block: Block) -> bool:
    """Whether a block of JSON is a call."""
    return block.directive is None and "action" in json.loads(block.text) and "status" not in json.loads(block.text)


def _commands(block: Block) -> list[Step]:
    found: list[Step] = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        code = re.search(r"^\[(\d+)\]\n\Z", expected, re.MULTILINE)
        if code:
            expected = expected[: code.start()]
        if block.directive == "typed":
            command = f'python {terminal.__file__} "{block.argument}" bash -c {shlex.quote(command)}'
        found.append(Step(block, command, expected or None, int(code[1]) if code else 0))
    return found


def _compared(step: Step, kept: Path, number: int) -> list[str]:
    said = (kept / f"{number}.out").read_text()
    code = int((kept / f"{number}.code").read_text())
    about = f"{step.block}: {step.command}\n{said}"
    if code != step.exit_code:
        return [f"exit code {code} instead of {step.exit_code}: {about}"]
    if step.expected is not None and not _matches(step.expected, said):
        return [f"other output than\n{step.expected}\n{about}"]
    return []


def _matches(expected: str, said: str) -> bool:
    """Whether output is as expected; spaces at the ends of lines do not count."""
    wanted, got = ("\n".join(map(str.rstrip, text.strip().split("\n"))) for text in (expected, said))
    pattern = ".*?".join(re.escape(part) for part in wanted.split(ANYTHING))
    return re.fullmatch(pattern, got, re.DOTALL) is not None
