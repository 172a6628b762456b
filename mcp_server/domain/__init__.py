"""Pure rules: what a workflow and a session are, and what may happen to them. No clock, disk or process."""
