"""Plans: the files from which a dynamic workflow takes its phases, and the templates that shape them."""
