"""Errors the user sees as one clear line."""


class CommandError(Exception):
    """The command cannot do what was asked; the text says why and what to do."""
