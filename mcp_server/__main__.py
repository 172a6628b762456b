"""``pos-workflow`` and ``python -m mcp_server``: one program."""

from __future__ import annotations

import sys

from mcp_server.cli.entry import run


def main() -> None:
    """Run the program with the process's arguments and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
