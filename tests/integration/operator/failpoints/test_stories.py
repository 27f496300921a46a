"""The operator dies by SIGKILL after each of its steps; the next one finishes what it began."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymysql
import pytest
from failpoint_stage import Scene
from failpoint_stories import STORIES, Story
from installation import Installation
from killable_operator import Kill
from namespace_snapshot import database_logins, passwords

pytestmark = [pytest.mark.integration]

DEATHS = [
    pytest.param(story, kill, id=f"{type(story).__name__}-{kill}")
    for story in STORIES
    for kill in story.kills
]


def begin(scene: Scene, story: Story, kill: Kill | None) -> None:
    """Tell a story up to the point where the operator is dead, or has done its part."""
    story.prepare(scene)
    if story.while_down:
        scene.company.stop()
        story.act(scene)
        scene.company.start(kill)
    else:
        operator = scene.operator
        operator.wait_until(operator.is_idle, "it has nothing to do")
        if kill is not None:
            operator.arm(kill)
        story.act(scene)


@pytest.fixture(scope="module")
def paragons(new_scene: Callable[[], Any]) -> Callable[[Story], dict[str, Any]]:
    """Return a function that says how a story ends in which nobody dies."""
    known: dict[str, dict[str, Any]] = {}

    def paragon(story: Story) -> dict[str, Any]:
        name = type(story).__name__
        if name not in known:
            with new_scene() as scene:
                begin(scene, story, None)
                story.go_on(scene)
                scene.settle(lambda: story.is_over(scene), "the end")
                known[name] = scene.look_twice()
        return known[name]

    return paragon


@pytest.mark.parametrize(("story", "kill"), DEATHS)
def test_a_dead_operator_s_work_is_finished_by_the_next(
    story: Story, kill: Kill, new_scene: Callable[[], Any], paragons: Callable[[Story], dict[str, Any]]
) -> None:
    paragon = paragons(story)
    with new_scene() as scene:
        begin(scene, story, kill)
        victim = scene.victim
        victim.wait_until_dead()
        assert victim.reached()[-1] == kill.point
        before = passwords(scene.installation)
        story.go_on(scene)
        operator = scene.operator
        operator.wait_until(lambda: story.is_over(scene), "the end")
        look_until(scene, paragon)
        assert_kept(before, passwords(scene.installation))
        assert_databases_open(scene.installation)
        assert victim.complaints() + operator.complaints() == []


def look_until(scene: Scene, paragon: dict[str, Any]) -> None:
    """Wait until all is as it is where nobody died, and say what is not."""
    try:
        scene.operator.wait_until(lambda: scene.look() == paragon, "all is as it should be")
    except AssertionError:
        assert scene.look() == paragon
        raise


def assert_kept(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> None:
    """See that no password or key of a Secret that is still there was made anew."""
    for name in before.keys() & now.keys():
        assert before[name].items() <= now[name].items(), name


def assert_databases_open(installation: Installation) -> None:
    """Sign in with what each Site's Secret says, and find exactly its database."""
    for secret in database_logins(installation):
        options = {"host": secret["host"], "port": int(secret["port"]), "user": secret["username"]}
        with (
            pymysql.connect(**options, password=secret["password"], ssl_disabled=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SHOW DATABASES LIKE 'fp%'")
            assert cursor.fetchall() == ((secret["name"],),)
