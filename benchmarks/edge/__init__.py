"""The gateway beside other layouts of the same work, by number of hosts."""
