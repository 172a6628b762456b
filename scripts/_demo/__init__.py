"""The demo's parts: what it prints, the wire, the work that the assistant does, and the story."""
