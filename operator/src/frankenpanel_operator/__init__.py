"""The FrankenPanel operator: brings Sites, Domains and database servers to their desired state.

Data flows one way: event -> key -> reconcile -> observed -> desired -> apply -> status.
"""
