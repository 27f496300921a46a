"""Errors that end a command with one message and no traceback."""

from __future__ import annotations


class UserError(Exception):
    """Something the person at the keyboard must change; the text says what."""
