"""Computes conditions and status from what was observed; no I/O, no clock, no randomness."""
