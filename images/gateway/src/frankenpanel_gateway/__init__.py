"""The agent beside the gateway's Caddy: follows DomainClaims and keeps the routing tree on disk.

It never talks to Caddy: Caddy reads the tree, and goes on reading it while this process is down.
"""
