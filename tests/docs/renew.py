"""Writes the generated pages anew: ``python -m tests.docs.renew``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from mcp_server.actions import reference
from tests.docs import examples, wire
from tests.docs.pages import ROOT


def generated() -> dict[str, str]:
    """Every generated page of this room and what it has to hold."""
    with TemporaryDirectory() as first, TemporaryDirectory() as second, structlog.testing.capture_logs():
        of_actions = examples.of_actions(Path(first))
        of_errors = examples.of_errors(Path(second))
    return {
        "docs/reference/actions.md": reference.actions_page(of_actions),
        "docs/reference/errors.md": reference.errors_page(of_errors, wire.before_the_tool()),
        "docs/reference/states.md": reference.states_page(),
    }


def main() -> None:
    for page, text in generated().items():
        path = ROOT / page
        changed = not path.exists() or path.read_text() != text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sys.stderr.write(f"{page}: {'written' if changed else 'unchanged'}\n")


if __name__ == "__main__":
    main()
