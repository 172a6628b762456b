"""What a host runs of the bundle: the server, from the wheel beside this file."""

from mcp_server.__main__ import main

main()
