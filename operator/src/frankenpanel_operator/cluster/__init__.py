"""Talks to the Kubernetes API server; the layer to replace in tests."""
