"""From domain objects to files that survive: the session store and everything it stands on."""
