"""What `make up` promises: a WordPress installed without a click, in which a person can sign in and work."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

DEMO = "demo"
HOME = "http://shop.localhost"
TINY_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def sign_in(visitor: Any, account: dict[str, str], home: str = HOME) -> Any:
    visitor.get(f"{home}/wp-login.php")
    return visitor.post(
        f"{home}/wp-login.php",
        {"log": account["username"], "pwd": account["password"], "wp-submit": "Log In", "testcookie": "1"},
    )


def upload_picture(visitor: Any, name: str, home: str = HOME) -> str:
    form = visitor.get(f"{home}/wp-admin/media-new.php?browser-uploader").text
    nonce = re.search(r'name="_wpnonce" value="([0-9a-f]+)"', form)
    assert nonce, "the upload form has no nonce: not signed in?"
    visitor.post(
        f"{home}/wp-admin/media-new.php?browser-uploader",
        {
            "_wpnonce": nonce[1],
            "html-upload": "Upload",
            "post_id": "0",
            "async-upload": (name, TINY_PNG, "image/png"),
        },
    )
    library = visitor.get(f"{home}/wp-admin/upload.php?mode=list&s={name.removesuffix('.png')}").text
    found = re.search(rf'{re.escape(home)}/wp-content/uploads/[^"\']*{re.escape(name)}', library)
    if found:
        return found[0]
    item = re.search(r"post\.php\?post=(\d+)", library)
    assert item, "the picture is not in the media library"
    return re.search(
        rf"{re.escape(home)}/wp-content/uploads/[^\"'\s]*\.png",
        visitor.get(f"{home}/wp-admin/post.php?post={item[1]}&action=edit").text,
    )[0]


def test_front_page_shows_the_title_of_an_installed_wordpress(cluster: Any, visitor: Any) -> None:
    title = cluster.get("site", "shop", DEMO)["spec"]["source"]["preset"]["install"]["title"]
    page = visitor.get(f"{HOME}/")
    assert page.status == 200
    assert f"<title>{title}" in page.text


def test_sign_in_works_with_the_generated_password_and_no_other(cluster: Any, visitor: Any) -> None:
    account = cluster.secret("shop-admin", DEMO)
    refused = sign_in(visitor, {**account, "password": "not-the-password"})
    assert "login_error" in refused.text
    page = sign_in(visitor, account)
    assert page.status == 200
    assert "wp-admin-bar-my-account" in page.text


def test_uploaded_picture_survives_the_deletion_of_the_pod(
    cluster: Any, visitor: Any, eventually: Callable[..., Any]
) -> None:
    sign_in(visitor, cluster.secret("shop-admin", DEMO))
    url = upload_picture(visitor, f"picture-{uuid.uuid4().hex[:6]}.png")
    assert visitor.raw(url) == TINY_PNG
    pods = "frankenpanel.io/site=shop,app.kubernetes.io/component=web"
    before = {pod["metadata"]["uid"] for pod in cluster.list("pods", DEMO, pods)}
    cluster.kubectl("delete", "pods", "-n", DEMO, "-l", pods)
    eventually(
        lambda: all(p["metadata"]["uid"] not in before for p in cluster.list("pods", DEMO, pods)),
        seconds=60,
        what="the old pods are gone",
    )
    cluster.wait_for("site", "shop", DEMO)
    eventually(lambda: visitor.get(f"{HOME}/").status == 200, seconds=60, what="the site answers again")
    assert visitor.raw(url) == TINY_PNG


def test_client_cannot_forge_forwarded_headers_or_reach_a_site_by_an_unknown_name(visitor: Any) -> None:
    page = visitor.get("http://nobody-owns-this.localhost/")
    assert page.status == 404
    assert "WordPress" not in page.text


def test_code_is_read_only_and_opcache_is_on(cluster: Any, visitor: Any) -> None:
    pod = cluster.list("pods", DEMO, "frankenpanel.io/site=shop,app.kubernetes.io/component=web")[0]
    inside = ["exec", "-i", "-n", DEMO, pod["metadata"]["name"], "-c", "web", "--", "sh", "-c"]
    denied = cluster.kubectl(*inside, "touch /app/index.php 2>&1 || echo denied")
    assert "denied" in denied
    # Only the volume can be written; a script there answers for the PHP that serves visitors.
    name = f"probe-{uuid.uuid4().hex[:8]}.php"
    script = "<?php echo opcache_get_status(false)['opcache_enabled'] ? 'opcache on' : 'opcache off';"
    cluster.kubectl(*inside, f"cat > /app/wp-content/{name}", stdin=script)
    try:
        assert visitor.get(f"{HOME}/wp-content/{name}").text == "opcache on"
    finally:
        cluster.kubectl(*inside, f"rm /app/wp-content/{name}")
