from __future__ import annotations

import re

import pytest
from frankenpanel_operator import naming
from hypothesis import given
from hypothesis import strategies as st

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
DATA_ID = naming.data_id("some uid")

site_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
storage_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


def all_names(site: str, storage: str = "content") -> dict[str, str]:
    """Name every object of a Site by its component."""
    return {
        "web": naming.web_name(site),
        "policy": naming.network_policy_name(site),
        "config": naming.config_name(site),
        "admin": naming.admin_secret_name(site),
        "database": naming.database_secret_name(site, DATA_ID),
        "volume": naming.volume_claim_name(site, storage, DATA_ID),
        "job": naming.install_job_name(site, "0123456789abcdef"),
    }


@given(site_names, storage_names)
def test_every_name_is_a_dns_label(site, storage):
    for name in all_names(site, storage).values():
        assert len(name) <= 63
        assert LABEL.fullmatch(name)
        assert naming.is_dns_label(name)


@given(site_names)
def test_a_service_name_starts_with_a_letter(site):
    assert SERVICE.fullmatch(naming.web_name(site))


@given(site_names)
def test_the_secrets_of_a_site_have_different_names(site):
    names = all_names(site)
    assert len({names["config"], names["admin"], names["database"]}) == 3


@given(site_names, site_names)
def test_two_sites_share_no_name(one, other):
    if one != other:
        assert not set(all_names(one).values()) & set(all_names(other).values()) - {one, other}
        assert naming.web_name(one) != naming.web_name(other)


@given(site_names, storage_names, storage_names)
def test_two_volumes_of_a_site_share_no_name(site, one, other):
    if one != other:
        names = {naming.volume_claim_name(site, storage, DATA_ID) for storage in (one, other)}
        assert len(names) == 2


@given(storage_names)
def test_volumes_inside_a_pod_have_legal_names(storage):
    assert LABEL.fullmatch(naming.pod_volume_name(storage))
    assert len(naming.pod_volume_name(storage)) <= 63


@given(st.text(min_size=1))
def test_database_names_hold_letters_and_digits_only(uid):
    name = naming.database_name(naming.data_id(uid))
    assert re.fullmatch(r"fp[a-z2-7]{16}", name)


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("shop", "shop"),
        ("a" * 63, "a" * 63),
        ("1shop", "site-1shop-cruozw76"),
        ("9" * 63, "site-" + "9" * 49 + "-" + naming.web_name("9" * 63)[-8:]),
    ],
    ids=["short", "as long as it may be", "starts with a digit", "long and starts with a digit"],
)
def test_the_web_name_is_the_site_name_where_that_is_legal(site, expected):
    assert naming.web_name(site) == expected


def test_a_name_that_was_changed_cannot_be_chosen_by_another_site_by_accident():
    assert naming.web_name("1shop") != naming.web_name("site-1shop")


def test_long_names_with_the_same_beginning_stay_apart():
    one, other = "a" * 62 + "b", "a" * 62 + "c"
    assert naming.config_name(one) != naming.config_name(other)


def test_names_are_the_same_today_and_tomorrow():
    assert all_names("shop") == {
        "web": "shop",
        "policy": "shop",
        "config": "shop-config",
        "admin": "shop-admin",
        "database": "shop-database-7cyc6",
        "volume": "shop-content-7cyc6",
        "job": "shop-install-01234567",
    }
    assert naming.data_id("some uid") == "7cyc6dcq4uf6wdsm"
    assert naming.claim_name("shop.localhost") == "shop.localhost"


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a" * 64, "a\n"])
def test_what_is_no_dns_label_is_told(name):
    assert not naming.is_dns_label(name)
