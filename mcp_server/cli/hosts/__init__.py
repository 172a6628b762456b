"""The hosts that start this server, and the careful editing of the files in which people configure them."""
