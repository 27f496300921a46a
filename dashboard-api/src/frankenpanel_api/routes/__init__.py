"""HTTP only: a path, a status code, a schema, one call."""
