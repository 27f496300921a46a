"""One reconcile per kind: observe, compute, apply, report; the same for every cause."""
