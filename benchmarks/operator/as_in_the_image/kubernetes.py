"""Hides the official client, which only development installs: kopf imports it where it finds it.

Loading it costs time and memory that no operator in its image pays.
"""

raise ImportError("not in the operator's image")
