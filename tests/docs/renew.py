"""Writes the generated pages anew: ``python -m tests.docs.renew``."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp_server.actions import reference
from tests.adversary.table import table as table_of_cheats
from tests.clients.table import table as table_of_clients
from tests.docs import examples, wire
from tests.docs.pages import ROOT, read


def generated() -> dict[str, str]:
    """Every generated page of this room and what it has to hold."""
    # The examples hold a defect that is made on purpose; nobody has to read of it.
    logging.getLogger("mcp_server").addHandler(logging.NullHandler())
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        of_actions = examples.of_actions(Path(first))
        of_errors = examples.of_errors(Path(second))
    return {
        "README.md": quoted(read("README.md")),
        "docs/explanation/threat-model.md": with_table(read("docs/explanation/threat-model.md"), table_of_cheats()),
        "docs/reference/actions.md": reference.actions_page(of_actions),
        "docs/reference/clients.md": with_table(read("docs/reference/clients.md"), table_of_clients()),
        "docs/reference/errors.md": reference.errors_page(of_errors, wire.before_the_tool()),
        "docs/reference/states.md": reference.states_page(),
    }


def quoted(text: str) -> str:
    """A page with its quotations as they are now: ``from: PATH, scene N`` quotes a scene of the demo's transcript."""

    def quotation(match: re.Match[str]) -> str:
        scene = re.search(rf"^{match[3]}  .*?\n(?=\n|\Z)", read(match[2]), re.DOTALL | re.MULTILINE)
        return f"{match[1]}```text\n{scene[0] if scene else ''}```"

    return re.sub(r"(<!-- from: (\S+), scene (\d+) -->\n)```text\n.*?```", quotation, text, flags=re.DOTALL)


def with_table(text: str, table: str) -> str:
    """A page with its table as it is now: all that follows the mark."""
    return re.sub(r"(<!-- table -->\n).*", lambda match: match[1] + table + "\n", text, flags=re.DOTALL)


def main() -> None:
    for page, text in generated().items():
        path = ROOT / page
        changed = not path.exists() or path.read_text() != text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sys.stderr.write(f"{page}: {'written' if changed else 'unchanged'}\n")


if __name__ == "__main__":
    main()
