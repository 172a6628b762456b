"""What a gate needs to know of the world: files that exist, patterns that match."""
