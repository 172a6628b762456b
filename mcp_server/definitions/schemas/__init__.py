"""JSON Schemas of a definition's files, by which editors complete and check them. ``validate`` judges; these help."""
