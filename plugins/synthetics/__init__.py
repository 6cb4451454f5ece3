"""Synthetic-features pipelines: feature queries, the release gate, releases, and the steps made of them."""
