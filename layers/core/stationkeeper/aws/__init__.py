"""Adapters to AWS; nothing outside this package imports boto3."""
