from pathlib import Path

import pytest
from frankenpanel_hack import session as module
from frankenpanel_hack.choice import Way
from frankenpanel_hack.errors import UserError
from frankenpanel_hack.layout import Layout
from frankenpanel_hack.ports import PublicPorts
from frankenpanel_hack.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Session:
    made = Session(Layout(tmp_path, tmp_path / ".build"), PublicPorts(80, 443), "")
    # What the host of the test has does not matter here.
    made.__dict__["way"] = Way.HOST
    made.layout.build_dir.mkdir()
    return made


def owned_by(owner: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "owner_of_cluster", lambda: owner)


def test_a_cluster_of_ours_is_gone_on_with(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    owned_by(session.layout.build_dir, monkeypatch)
    session.layout.kubeconfig.touch()
    session.require_cluster()


def test_without_a_cluster_the_cure_is_named(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    owned_by(None, monkeypatch)
    session.layout.kubeconfig.touch()
    with pytest.raises(UserError, match="make up"):
        session.require_cluster()


def test_the_cluster_of_another_folder_is_not_touched(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned_by(Path("/other/.build"), monkeypatch)
    with pytest.raises(UserError, match=r"that of /other/\.build"):
        session.require_cluster()


def test_programs_compiled_here_come_before_those_of_the_host(session: Session) -> None:
    own = session.layout.bin_dir / "sh"
    assert session.program("sh") != own
    own.parent.mkdir(parents=True)
    own.touch()
    assert session.program("sh") == own
    assert session.program("no-such-program") == session.layout.bin_dir / "no-such-program"
