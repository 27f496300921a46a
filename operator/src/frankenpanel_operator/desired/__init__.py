"""Computes the objects a Site should own; no I/O, no clock, no randomness, no environment."""
