"""pos-workflow: an MCP server that leads an AI assistant through a workflow, phase by phase, behind gates that hold."""

__version__ = "0.1.0"
