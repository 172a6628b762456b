# The daily commands; ./scripts/test does what CI does.

check:
    ./scripts/test

fix:
    ruff check --fix .
    ruff format .

test *args:
    pytest {{args}}

# Renew what is generated: reference pages, the scene in the README, the demo's transcript, the schema of the state file.
docs:
    python scripts/demo.py --transcript docs/demo-transcript.txt
    python -m tests.docs.renew
    python -m mcp_server.cli.reference

# See the system think without a client: just call '{"action": "list_workflows"}'
call arguments:
    pos-workflow call '{{arguments}}'
