"""What a gate needs of the world: files and their digests, patterns that match, programs that are run."""
