"""Models of FrankenPanel's custom resources, and the CRDs made from them.

Computes on data; no I/O but in `generate`, no clock, no randomness. Operator, gateway and dashboard API
share this package and nothing else.
"""
