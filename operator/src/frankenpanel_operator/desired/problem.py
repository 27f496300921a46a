"""Why something could not be decided, in the words of a condition."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.conditions import SiteCondition, SiteReason


@dataclass(frozen=True, slots=True)
class Problem:
    """One obstacle: the condition that it makes False, the reason, and one sentence with the cure."""

    condition: SiteCondition
    reason: SiteReason
    message: str
