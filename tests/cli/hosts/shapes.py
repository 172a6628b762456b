"""Files as the hosts document them, and as people leave them: by name, what a host's file may hold."""

from __future__ import annotations

CLAUDE_CODE = """\
{
  "mcpServers": {
    "airtable": {
      "type": "stdio",
      "command": "npx",
      "args": ["-y", "airtable-mcp-server"],
      "env": {"AIRTABLE_API_KEY": "${AIRTABLE_API_KEY:-none}"}
    },
    "remote": {"type": "http", "url": "https://mcp.example.com/mcp"}
  }
}
"""
CLAUDE_CODE_USER = """\
{
  "numStartups": 12,
  "projects": {
    "/home/me/shop": {"allowedTools": [], "mcpServers": {"pos-workflow": {"command": "of a project, not ours"}}}
  },
  "mcpServers": {
    "github": {"type": "http", "url": "https://mcp.example.com/github"}
  },
  "oauthAccount": {"emailAddress": "me@example.com", "name": "Zoë \\u00e9"}
}"""
CLAUDE_DESKTOP = """\
{
    "globalShortcut": "",
    "mcpServers": {
        "filesystem": {
            "command": "npx",
            "args": [
                "-y",
                "@modelcontextprotocol/server-filesystem",
                "C:\\\\Users\\\\me\\\\Desktop"
            ]
        }
    },
    "preferences": {"menuBarEnabled": false}
}
"""
CURSOR = """\
{
\t"mcpServers": {
\t\t"docs": {
\t\t\t"url": "https://mcp.example.com/docs",
\t\t\t"headers": {"Authorization": "Bearer ${env:TOKEN}"}
\t\t}
\t}
}
"""
VSCODE = """\
{
  // The team's servers: see https://example.com/mcp // and more
  "inputs": [
    {"type": "promptString", "id": "key", "description": "API key", "password": true},
  ],
  "servers": {
    /* the browser */
    "playwright": {
      "type": "stdio",
      "command": "npx",
      "args": ["-y", "@microsoft/mcp-server-playwright"], // latest
    }, // end of the browser
    // "pos-workflow": {"command": "commented out"},
  },
}
"""
VSCODE_USER = """\
{
  "servers": {
    "fetch": { "command": "uvx", "args": ["mcp-server-fetch"] } // the last one
    /* nothing here */
  },
  "inputs": []
}
"""
CODEX = """\
# The model.
model = "o9"
notify = [
  "python3",
  "/home/me/notify.py", # a comment
]

[mcp_servers.docs]
command = "npx"
args = ["-y", "docs-mcp"]
env = { "TOKEN" = "x" }

# What it may do.
[mcp_servers.docs.tools.search]
approval_mode = "prompt"

[projects."/home/me/shop"]
trust_level = "trusted"
"""

WITH_SERVERS = {
    "claude-code": [CLAUDE_CODE, CLAUDE_CODE_USER],
    "claude-desktop": [CLAUDE_DESKTOP],
    "cursor": [CURSOR, CURSOR.replace("\n", "").replace("\t", "")],
    "vscode": [VSCODE, VSCODE_USER],
    "codex": [CODEX, CODEX.rstrip("\n")],
}
"""What each host's file looks like when other servers are in it."""

WITHOUT_SERVERS = {
    "claude-code": ["", "{}", "{}\n", '{"mcpServers": {}}', '{\n  "mcpServers": {\n  }\n}\n'],
    "claude-desktop": ['{\n  "globalShortcut": ""\n}\n', '{"mcpServers":{ },"a":1}'],
    "cursor": ["\n", '{ "mcpServers" : { } }'],
    "vscode": [
        "// nothing yet\n",
        "// nothing yet",
        '{\n\t"servers": {}, // none\n\t"inputs": []\n}',
        '{"inputs": [], /* none */}',
    ],
    "codex": ["", "\n", "# nothing yet", 'model = "o9"\n\n\n', "[mcp_servers]\n"],
}
"""What it looks like before there is any."""

LEFT_ALONE = {
    "claude-code": ["[]", '"text"', '{"mcpServers": []}', '{"mcpServers": {"pos-workflow": 1}}', '{"a": 1', "{'a': 1}"],
    "claude-desktop": ['{"mcpServers": {}} trailing', '{"mcpServers": null}', "[" * 500, '{"a": "\\x"}'],
    "cursor": [
        '{"mcpServers": {"pos-workflow": {"url": "https://example.com"}}}',
        "{,}",
        '{"a" 1}',
        "nul",
        "1" * 5000,
        '{"a": [1 2]}',
    ],
    "vscode": ['{"servers": {}, "servers": {}}', '{"servers": {"a": {}, "a": {}} /* open', "{1: 2}", '{"a": 1 "b": 2}'],
    "codex": [
        "[mcp_servers",
        "mcp_servers = 1",
        "a = 1\na = 2",
        "mcp_servers = {}",
        "[[mcp_servers]]\na = 1",
        "a = " + "1" * 5000,
    ],
}
"""What no program should touch: broken, of another shape, or not to be extended."""
