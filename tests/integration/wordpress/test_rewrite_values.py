"""Single values through images/wordpress/rewrite-text.php: nothing but hosts of addresses may change."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from wordpress_code import WordPressCode

pytestmark = pytest.mark.integration

OLD, NEW = "old.example", "shop.new-name.example"
DRIVER = Path(__file__).with_name("rewrite_values.php")
Rewrite = Callable[[Iterable[bytes]], list[tuple[bytes, bool]]]


@pytest.fixture(scope="module")
def rewrite(wordpress: WordPressCode) -> Rewrite:
    def run(values: Iterable[bytes], old: str = OLD, new: str = NEW) -> list[tuple[bytes, bool]]:
        packed = json.dumps([base64.b64encode(value).decode() for value in values])
        done = wordpress.run(DRIVER, old, new, stdin=packed)
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return [(base64.b64decode(text), skipped) for text, skipped in json.loads(done.stdout)]

    return run


def php(value: Any) -> bytes:
    """Serialize as PHP does."""
    if isinstance(value, str):
        return php(value.encode())
    if isinstance(value, bytes):
        return b's:%d:"%s";' % (len(value), value)
    if isinstance(value, bool):
        return b"b:%d;" % value
    if isinstance(value, int):
        return b"i:%d;" % value
    if value is None:
        return b"N;"
    if isinstance(value, float):
        return b"d:%s;" % repr(value).encode()
    pairs = enumerate(value) if isinstance(value, list) else value.items()
    members = [php(key) + php(item) for key, item in pairs]
    return b"a:%d:{%s}" % (len(members), b"".join(members))


def php_object(name: str, members: dict[str, Any]) -> bytes:
    body = php(members)
    return b'O:%d:"%s":%s' % (len(name), name.encode(), body[2:])


def with_escaped_slashes(value: Any, *, ascii_only: bool = True) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).replace("/", "\\/")


def nest(host: str) -> dict[str, bytes]:
    """Return values that have to be rewritten, by what they are, with a host in them."""
    url = f"http://{host}/wp-content/uploads/ä.png"
    widget = {
        "title": "Über uns",
        "text": f'<a href="{url}">文字</a>',
        "n": 7,
        "x": 1.5,
        "y": None,
        "z": True,
    }
    inner = php(widget)
    page = [{"id": "a1", "settings": {"image": {"url": url, "id": 4}, "html": f"<p>//{host}/x</p>"}}]
    holder = {"data": inner.decode(), "url": url, "price": 1.0, "none": {}}
    return {
        "an address": url.encode(),
        "with a port": f"https://{host}:8443/x".encode(),
        "at the end of a sentence": f"See http://{host}.".encode(),
        "in a query": f"https://other.example/share?u=http%3A%2F%2F{host}%2Fa%20b".encode(),
        "encoded twice": f"x?u=http%253A%252F%252F{host}%252Fa".encode(),
        "without a scheme": f'<img src="//{host}/a" srcset="//{host}/b 2x,//{host}/c 3x">'.encode(),
        "web sockets": f"wss://{host}/live".encode(),
        "in HTML": f"<a href='http://{host}?a=1&#038;b=2'>http://{host}</a>&quot;//{host}/&quot;".encode(),
        "in a comment of the block editor": f'<!-- wp:image {{"url":"http://{host}/a"}} -->'.encode(),
        "serialized text": php(url),
        "a widget": inner,
        "serialized twice": php(inner),
        "serialized three times, deep": php({"a": [php([inner, {"b": [url]}]), 1], url: "key stays"})
        .replace(php(url) + php("key stays"), b"")
        .replace(b"a:2:{s:1:", b"a:1:{s:1:"),
        "with white space around": b" " + inner + b"\n",
        "stdClass": php_object("stdClass", {"url": url, "list": [url]}),
        "a class nobody knows": php_object("Some_Plugin_Data", {"\0*\0url": url, "\0Some_Plugin_Data\0n": 3}),
        "an enumeration beside": b'a:2:{i:0;E:9:"Suit:Hand";i:1;' + php(url) + b"}",
        "references": b"a:2:{i:0;" + php(url) + b"i:1;R:2;}",
        "JSON": with_escaped_slashes(page).encode(),
        "JSON with raw letters": with_escaped_slashes(page, ascii_only=False).encode(),
        "JSON without escaped slashes": json.dumps(page, indent=2).encode(),
        "JSON in JSON in JSON": with_escaped_slashes(
            [with_escaped_slashes(with_escaped_slashes(page))]
        ).encode(),
        "serialized in JSON": with_escaped_slashes(holder).encode(),
        "serialized in JSON in serialized": php({"meta": with_escaped_slashes(holder), "n": 1}),
        "serialized in JSON in serialized in serialized": php([php([with_escaped_slashes([holder])])]),
        "JSON in serialized in JSON": with_escaped_slashes(
            [php([with_escaped_slashes(page)]).decode()]
        ).encode(),
        "bytes of no encoding": b"\xff\xfe http://" + host.encode() + b"/ \x80",
        "serialized bytes of no encoding": php(b"\xff http://" + host.encode() + b"/ \x80"),
        "new lines in JSON": with_escaped_slashes(f"one\nhttp://{host}/two").encode(),
        "many": b" ".join([url.encode()] * 2000),
    }


KINDS = list(nest(OLD))
UNTOUCHED = [
    b"http://notold.example/",
    b"http://www.old.example/",
    b"http://old.example.evil/",
    b"http://old.example-evil.test/",
    b"http://old.examples/",
    "http://old.exampleé/".encode(),
    "http://old.example。evil/".encode(),
    b"http%3A%2F%2Fold.example%2Eevil%2F",
    b'"http:\\/\\/old.example\\u00e9.test"',
    b"http://old.example@evil.test/",
    b"http://old.example:secret@evil.test/",
    b"ftp://old.example/",
    b"https://web.archive.test/x//old.example/",
    b"https://i0.wp.test/old.example/a.png",
    b"mail info@old.example, or visit old.example today",
    b"mailto:info@old.example",
    b"old.example",
    b"http://oldXexample/",
    b"",
]
DAMAGED = [
    b's:99:"http://old.example/";',
    b'a:1:{s:3:"url";s:20:"http://old.example/a',
    b'a:2:{s:3:"url";s:19:"http://old.example/";}',
    b'a:99999999999999999999:{s:3:"url";s:19:"http://old.example/";}',
    b'a:1:{s:3:"url";s:99999999999999999999:"http://old.example/";}',
    b'a:1:{i:0;S:19:"http://old.example/";}',
    b'O:8:"stdClass":1:{s:3:"url";s:18:"http://old.example/";}',
    b'C:11:"ArrayObject":41:{x:i:0;a:1:{i:0;s:19:"http://old.example/";};m:a:0:{}}',
    b"a:1:{i:0;" * 150 + php("http://old.example/") + b"}" * 150,
]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_the_host_changes(rewrite: Rewrite, kind: str) -> None:
    assert rewrite([nest(OLD)[kind]]) == [(nest(NEW)[kind], False)]


def test_a_value_that_was_rewritten_is_not_rewritten_again(rewrite: Rewrite) -> None:
    values = list(nest(NEW).values())
    assert rewrite(values) == [(value, False) for value in values]


def test_other_hosts_mail_addresses_and_mentions_stay(rewrite: Rewrite) -> None:
    values = [*UNTOUCHED, *map(php, UNTOUCHED), *(php([value]) for value in UNTOUCHED)]
    assert rewrite(values) == [(value, False) for value in values]


def test_what_is_damaged_or_opaque_stays_and_is_told(rewrite: Rewrite) -> None:
    assert rewrite(DAMAGED) == [(value, True) for value in DAMAGED]


def test_damage_inside_keeps_nothing_else_from_being_rewritten(rewrite: Rewrite) -> None:
    for damaged in DAMAGED:
        value, expected = ([damaged, f"http://{host}/"] for host in (OLD, NEW))
        assert rewrite([php(value)]) == [(php(expected), True)]


def test_damage_that_names_nothing_is_no_news(rewrite: Rewrite) -> None:
    values = [value.replace(b"old.example", b"its.example") for value in DAMAGED]
    values += [b's:99:"mail info@old.example";']
    assert rewrite(values) == [(value, False) for value in values]


def test_a_new_host_within_the_old_one_and_the_other_way_round(rewrite: Rewrite) -> None:
    for old, new in (("shop.example", "www.shop.example"), ("www.shop.example", "shop.example")):
        once = rewrite([php(f"http://{old}/ //{old}/")], old, new)
        assert once == [(php(f"http://{new}/ //{new}/"), False)]
        assert rewrite([once[0][0]], old, new) == once


def test_several_old_hosts_become_one(rewrite: Rewrite) -> None:
    value = php(["http://a.example/", "http://www.a.example/", "http://b.example/"])
    expected = php([f"http://{NEW}/"] * 3)
    assert rewrite([value], "a.example b.example www.a.example", NEW) == [(expected, False)]


def test_a_host_of_another_script_is_found_in_its_own_letters(rewrite: Rewrite) -> None:
    value = "http://xn--mnchen-3ya.example/ und https://MÜNCHEN.example/".encode()
    (text, _), *_ = rewrite([value], "xn--mnchen-3ya.example", NEW)
    assert text in (
        f"http://{NEW}/ und https://{NEW}/".encode(),
        # Without PHP's intl, which the image has.
        f"http://{NEW}/ und https://MÜNCHEN.example/".encode(),
    )


def test_capital_letters_are_found(rewrite: Rewrite) -> None:
    assert rewrite([b"HTTP://Old.Example/A"]) == [(f"HTTP://{NEW}/A".encode(), False)]
