"""Doorways from kopf: turn an event into keys, answer probes; decide nothing."""
