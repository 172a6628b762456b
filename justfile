# The daily commands; ./scripts/test does what CI does.

check:
    ./scripts/test

fix:
    ruff check --fix .
    ruff format .

test *args:
    pytest {{args}}

# What it costs, beside the floors: just bench --quick --only calls
bench *args:
    ./scripts/bench {{args}}

# Renew what is generated: the demo's transcript, reference pages, the scene in the README, the schema of the state file.
docs:
    python scripts/demo.py --transcript docs/demo-transcript.txt
    python -m tests.docs.renew
    python -m mcp_server.cli.reference
    python -c 'import json; from mcp_server.storage.head import json_schema; print(json.dumps(json_schema(), indent=2, ensure_ascii=False))' > state/schema/session-v1.json
    python -m tests.storage.golden_files

# See the system think without a client: just call '{"action": "list_workflows"}'
call arguments:
    pos-workflow call '{{arguments}}'
