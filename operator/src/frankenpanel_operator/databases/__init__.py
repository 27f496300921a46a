"""Brings Sites' databases and accounts to their desired state on MariaDB and MySQL servers.

Knows nothing of Kubernetes. SQL text is written in `statements` and nowhere else, decisions are made in
`plan` without a connection, and only `session` opens one.
"""
