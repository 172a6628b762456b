"""``pos-workflow`` and ``python -m mcp_server``: one program."""

from __future__ import annotations

import sys

from mcp_server.cli.imports import put_off_garbage


def main() -> None:
    """Run the program with the process's arguments and leave with its exit code."""
    put_off_garbage()
    try:
        from mcp_server.cli.entry import run  # noqa: PLC0415 - Ctrl-C while it is imported is no traceback either

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
