"""Adapters of the two questions that are asked outside of the cluster: to name servers and to web servers."""
