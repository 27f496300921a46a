"""The one error for text that a configuration format could read as more than text."""

from __future__ import annotations

from frankenpanel_operator.errors import SpecError


class UnsafeTextError(SpecError):
    """A string contains characters that its place in a configuration file must not hold.

    Schemas refuse such strings before they are stored, so this is the second fence: it is raised instead of
    escaping in ways that the reading program might understand differently.
    """

    def __init__(self, place: str, text: str) -> None:
        super().__init__(f"{place} contains characters that are not allowed there: {text!r}")


def has_control_characters(text: str) -> bool:
    """Say whether the text has line breaks or other control characters (C0, DEL, C1, Unicode breaks)."""
    return any(
        ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F or character in "\u2028\u2029"
        for character in text
    )
