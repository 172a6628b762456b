"""What people type: ``entry.run`` is the program, ``application`` its commands, one module for each group of them.

Nothing here is imported on the way to a server but ``direct``, ``context`` and ``serving``: hosts wait for its start.
"""
