"""Typed EventBridge events: what SageMaker tells us, and what we tell others."""
