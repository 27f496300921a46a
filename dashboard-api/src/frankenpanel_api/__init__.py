"""The dashboard API: routes speak HTTP and nothing else; nothing is done when a module is imported."""
