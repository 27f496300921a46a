"""The one error for text that a configuration format could read as more than text."""

from __future__ import annotations

import re

from frankenpanel_operator.errors import SpecError

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class UnsafeTextError(SpecError):
    """A string contains characters that its place in a configuration file must not hold.

    Schemas refuse such strings before they are stored, so this is the second fence: it is raised instead of
    escaping in ways that the reading program might understand differently.
    """

    def __init__(self, place: str, text: str) -> None:
        super().__init__(f"{place} contains characters that are not allowed there: {text!r}")


def has_control_characters(text: str) -> bool:
    """Say whether the text has line breaks or other control characters (C0, DEL, C1, Unicode breaks)."""
    return _CONTROL.search(text) is not None
