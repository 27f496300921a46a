from __future__ import annotations

import base64
import hashlib
import hmac

from frankenpanel_operator.credentials import WORDPRESS_KEYS, derive_site_credentials, digest

KEY = bytes(range(32))


def secrets_of(credentials):
    return [
        credentials.database_password.get_secret_value(),
        credentials.admin_password.get_secret_value(),
        credentials.digest_key.get_secret_value(),
        *(value.get_secret_value() for _, value in credentials.keys),
    ]


def test_credentials_are_the_same_after_a_crash():
    assert secrets_of(derive_site_credentials(KEY, "demo", "data")) == secrets_of(
        derive_site_credentials(KEY, "demo", "data")
    )


def test_no_two_secrets_of_a_site_are_equal():
    values = secrets_of(derive_site_credentials(KEY, "demo", "data"))
    assert len(set(values)) == len(values) == 3 + len(WORDPRESS_KEYS)


def test_other_data_another_namespace_or_another_key_give_other_secrets():
    own = set(secrets_of(derive_site_credentials(KEY, "demo", "data")))
    for foreign in (
        derive_site_credentials(KEY, "demo", "data2"),
        derive_site_credentials(KEY, "other", "data"),
        derive_site_credentials(bytes(32), "demo", "data"),
    ):
        assert not own & set(secrets_of(foreign))


def test_passwords_are_long_enough_and_need_no_quoting():
    credentials = derive_site_credentials(KEY, "demo", "data")
    for value in secrets_of(credentials):
        assert len(value) >= 24
        assert value.replace("-", "").replace("_", "").isalnum()


def test_the_wordpress_keys_are_complete_and_long():
    keys = derive_site_credentials(KEY, "demo", "data").keys
    assert tuple(name for name, _ in keys) == WORDPRESS_KEYS
    assert all(len(value.get_secret_value()) == 64 for _, value in keys)


def test_derivation_is_hkdf_expand_with_sha256():
    first_block = hmac.new(KEY, b"frankenpanel/admin/demo/data\x01", hashlib.sha256).digest()
    expected = base64.urlsafe_b64encode(first_block[:18]).decode().rstrip("=")
    assert derive_site_credentials(KEY, "demo", "data").admin_password.get_secret_value() == expected


def test_secrets_do_not_show_when_printed():
    credentials = derive_site_credentials(KEY, "demo", "data")
    assert credentials.admin_password.get_secret_value() not in repr(credentials)
    assert credentials.digest_key.get_secret_value() not in repr(credentials)


def test_a_digest_depends_on_text_and_key_and_is_short():
    assert digest(KEY, "a") == digest(KEY, "a")
    assert len({digest(KEY, "a"), digest(KEY, "b"), digest(bytes(32), "a")}) == 3
    assert len(digest(KEY, "a")) == 16
