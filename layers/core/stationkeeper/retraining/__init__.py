"""Retraining: whether drift starts a pipeline now, with which parameters, and why not where not."""
