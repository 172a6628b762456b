"""``pos-workflow`` and ``python -m mcp_server``: one program."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the program with the process's arguments and leave with its exit code."""
    # What is imported lives as long as the process: collecting it again and again while it grows finds nothing, and
    # takes a tenth of a start. Whoever has imported what it needs has garbage collected again.
    gc.disable()
    try:
        from mcp_server.cli.entry import run  # noqa: PLC0415 - Ctrl-C while it is imported is no traceback either

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
