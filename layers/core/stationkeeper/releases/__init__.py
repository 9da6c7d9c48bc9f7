"""Releases: what an endpoint should run, what it runs, and the difference."""
