"""Artifacts of multi-model endpoints: checked, published once, pointed to, retired."""
