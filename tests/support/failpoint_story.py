"""What a story is: what people do, where the operator dies in it, and how it ends all the same."""

from __future__ import annotations

from failpoint_stage import Scene
from frankenpanel_operator.failpoints import Failpoint
from killable_operator import Kill


class Story:
    """One story; `kills` are the deaths in it."""

    kills: tuple[Kill, ...]
    while_down = False
    """Whether people act while no operator runs; the one that is to die starts after that."""

    def prepare(self, scene: Scene) -> None:
        """Bring about what the story begins with."""

    def act(self, scene: Scene) -> None:
        """Do what people do."""
        raise NotImplementedError

    def go_on(self, scene: Scene) -> None:
        """Do what people do once the operator is dead, or has done its part."""

    def is_over(self, scene: Scene) -> bool:
        """Say whether the end is reached, by the operator's own word."""
        raise NotImplementedError


def kills_at(*points: Failpoint | tuple[Failpoint, int]) -> tuple[Kill, ...]:
    """Return deaths at the first time that a point is reached, unless another is named."""
    return tuple(Kill(point) if isinstance(point, Failpoint) else Kill(*point) for point in points)
