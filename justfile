# The daily commands; ./scripts/test does what CI does.

check:
    ./scripts/test

fix:
    ruff check --fix .
    ruff format .

test *args:
    pytest {{args}}

# See the system think without a client: just call '{"action": "list_workflows"}'
call arguments:
    pos-workflow call '{{arguments}}'
