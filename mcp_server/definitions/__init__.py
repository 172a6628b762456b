"""From folders on disk to domain objects: discovery, parsing, validation and pinning."""
