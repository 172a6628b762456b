"""Sessions of other programs, brought into the store of this one."""
