"""Which certificates of tenants can be shown to the visitors of a host, and what is said of the others."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from authority import Authority, new_key, pem, pem_of_key, self_signed
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from frankenpanel_operator.desired.certificate_check import (
    CertificateUnusableError,
    check_certificate,
    covers,
)

HOST = "shop.example.com"
START = datetime(2026, 8, 1, tzinfo=UTC)
END = START + timedelta(days=90)
WEAK_BITS = 1024


@pytest.fixture(scope="module")
def root():
    return Authority("Test Root", start=START, end=START + timedelta(days=4000))


@pytest.fixture(scope="module")
def between(root):
    return Authority("Test Issuer", above=root, start=START, end=START + timedelta(days=1000))


@pytest.fixture(scope="module")
def issued(between):
    return between.issue(HOST, start=START, end=END)


def _refusal(chain, key, host=HOST):
    with pytest.raises(CertificateUnusableError) as caught:
        check_certificate(chain, key, host)
    return str(caught.value)


def test_a_complete_chain_with_its_key_is_usable(issued):
    usable = check_certificate(issued.chain, issued.key_pem, HOST)
    assert (usable.issuer, usable.not_before, usable.not_after) == ("Test Issuer", START, END)
    assert not usable.is_self_signed


def test_a_certificate_without_its_issuers_is_usable_and_so_is_one_with_the_root(issued, root):
    assert check_certificate(issued.leaf, issued.key_pem, HOST).not_after == END
    assert check_certificate(issued.chain + pem(root.certificate), issued.key_pem, HOST).not_after == END


def test_a_chain_ends_with_the_first_of_its_certificates_and_the_root_does_not_count():
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)
    short_root = Authority("Short Root", end=soon - timedelta(days=1))
    short = Authority("Short Issuer", above=short_root, end=soon)
    issued = short.issue(HOST)
    assert (
        check_certificate(issued.chain + pem(short_root.certificate), issued.key_pem, HOST).not_after == soon
    )


def test_one_that_nobody_vouches_for_is_usable_and_told_apart():
    issued = self_signed(HOST)
    assert check_certificate(issued.chain, issued.key_pem, HOST).is_self_signed


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_the_curves_of_browsers_are_usable(root, curve):
    issued = root.issue(HOST, key=new_key(curve))
    assert check_certificate(issued.chain, issued.key_pem, HOST)


def test_keys_are_taken_as_openssl_writes_them(root):
    issued = root.issue(HOST, key=rsa.generate_private_key(65537, 2048))
    old = issued.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert old.startswith(b"-----BEGIN RSA PRIVATE KEY")
    assert check_certificate(issued.chain, old, HOST)
    curved = root.issue(HOST)
    old = curved.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    # `openssl ecparam -genkey` puts the name of the curve in front.
    curve = base64.b64encode(bytes.fromhex("06082a8648ce3d030107")).decode()
    parameters = f"-----BEGIN EC PARAMETERS-----\n{curve}\n-----END EC PARAMETERS-----\n".encode()
    assert check_certificate(curved.chain, parameters + old, HOST)


@pytest.mark.parametrize(
    ("pattern", "host", "is_covered"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("SHOP.Example.COM.", "shop.example.com", True),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.shop.example.com", False),
        ("*.example.com", "*.example.com", True),
        ("shop.example.com", "*.example.com", False),
        ("*.*.com", "*.example.com", False),
        ("s*.example.com", "shop.example.com", False),
        ("*p.example.com", "shop.example.com", False),
        ("shop.*.com", "shop.example.com", False),
        ("*.*.com", "shop.example.com", False),
        ("*", "com", False),
        ("*.com", "example.com", True),
        ("other.example.com", "shop.example.com", False),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", True),
    ],
)
def test_a_name_covers_as_the_rules_of_the_web_say(pattern, host, is_covered):
    assert covers(pattern, host) is is_covered


def test_a_wildcard_certificate_is_for_a_name_below_and_for_the_wildcard(root):
    issued = root.issue("example.com", "*.example.com")
    for host in ("example.com", "www.example.com", "*.example.com"):
        assert check_certificate(issued.chain, issued.key_pem, host)
    assert _refusal(issued.chain, issued.key_pem, "a.b.example.com") == (
        "the certificate is for example.com, *.example.com, not for a.b.example.com"
    )


def test_a_long_list_of_names_is_cut_short(root):
    issued = root.issue(*(f"{number}.example.org" for number in range(6)))
    assert _refusal(issued.chain, issued.key_pem) == (
        "the certificate is for 0.example.org, 1.example.org, 2.example.org and 3 more, "
        "not for shop.example.com"
    )


def test_another_s_key_is_told(root, issued):
    other = root.issue(HOST)
    assert _refusal(issued.chain, other.key_pem) == (
        "tls.key is not the key of the first certificate in tls.crt"
    )
    large = rsa.generate_private_key(65537, 2048)
    assert "is not the key" in _refusal(issued.chain, pem_of_key(large))


@pytest.mark.parametrize("order", ["issuer first", "gap", "foreign"])
def test_a_chain_in_the_wrong_order_is_told(root, between, issued, order):
    below = Authority("Third", above=between)
    deep = below.issue(HOST)
    chain, key = {
        "issuer first": (pem(between.certificate, issued.certificate), issued.key_pem),
        "gap": (pem(deep.certificate, between.certificate), deep.key_pem),
        "foreign": (pem(issued.certificate, Authority("Test Issuer").certificate), issued.key_pem),
    }[order]
    # An issuer is not for any host, which is found first.
    expected = "names no host" if order == "issuer first" else "certificate 2 of tls.crt has not signed"
    assert expected in _refusal(chain, key)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"key": rsa.generate_private_key(65537, WEAK_BITS)}, "the RSA key has less than 2048 bits"),
        ({"key": new_key(ec.SECP224R1())}, "neither RSA nor on the curves"),
        ({"key": ed25519.Ed25519PrivateKey.generate()}, "neither RSA nor on the curves"),
        ({"usages": [ExtendedKeyUsageOID.CLIENT_AUTH]}, "not meant for servers"),
    ],
)
def test_what_browsers_refuse_is_told(root, change, cause):
    issued = root.issue(HOST, **change)
    assert cause in _refusal(issued.chain, issued.key_pem)


def test_a_certificate_without_names_is_told(root):
    issued = root.issue()
    assert "names no host (subjectAltName)" in _refusal(issued.chain, issued.key_pem)


@pytest.mark.parametrize(
    ("chain", "key", "cause"),
    [
        (b"", None, "the Secret has no tls.crt, or an empty one"),
        (None, b" \n", "the Secret has no tls.key, or an empty one"),
        (b"hunter2", None, "tls.crt cannot be read as certificates in PEM form"),
        (None, b"hunter2", "tls.key cannot be read as a private key in PEM form"),
        (b"x" * 70_000, None, "tls.crt has more than 65536 bytes"),
        (None, b"x" * 9_000, "tls.key has more than 8192 bytes"),
    ],
)
def test_what_is_no_certificate_is_told_and_never_quoted(issued, chain, key, cause):
    text = _refusal(chain if chain is not None else issued.chain, key if key is not None else issued.key_pem)
    assert text == cause
    assert "hunter2" not in text


def test_a_key_with_a_password_is_told(issued):
    locked = pem_of_key(issued.key, password=b"hunter2")
    assert _refusal(issued.chain, locked) == "tls.key is protected by a password; remove that"


def _der(tag, content):
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    length = bytes([size]) if size < 0x80 else bytes([0x80 + len(octets)]) + octets
    return bytes([tag]) + length + content


def _rsa_pem(*numbers):
    """Write an RSA key by hand (RFC 8017, A.1.2): the library refuses to make one that is damaged."""
    integers = b"".join(_der(2, number.to_bytes(number.bit_length() // 8 + 1)) for number in (0, *numbers))
    body = base64.encodebytes(_der(0x30, integers)).decode()
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n".encode()


def test_a_damaged_rsa_key_is_told(root):
    """Its public part is right, and each of its other parts is wrong once."""
    key = rsa.generate_private_key(65537, 2048)
    issued, numbers = root.issue(HOST, key=key), key.private_numbers()
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    right = {name: getattr(numbers, name) for name in ("d", "p", "q", "dmp1", "dmq1", "iqmp")}
    for changed in (*({name: right[name] + 2} for name in right), {"p": n, "q": 1}):
        wrong = {**right, **changed}
        told = _refusal(issued.chain, _rsa_pem(n, e, *wrong.values()))
        assert told in (
            "tls.key is damaged: its parts do not fit together",
            "tls.key cannot be read as a private key in PEM form",
        )
    assert check_certificate(issued.chain, _rsa_pem(n, e, *right.values()), HOST)


def test_a_public_key_or_certificate_in_place_of_the_key_is_told(issued):
    assert "cannot be read as a private key" in _refusal(issued.chain, issued.chain)


def test_a_chain_without_end_is_told(issued):
    assert _refusal(issued.leaf * 11, issued.key_pem) == "tls.crt has more than 10 certificates"


def test_damage_anywhere_in_the_certificate_is_told_and_nothing_else_happens(issued):
    """Whatever bytes a tenant writes, the answer is a sentence."""
    der = issued.certificate.public_bytes(Encoding.DER)
    for position in range(0, len(der), 7):
        damaged = bytearray(der)
        damaged[position] ^= 0xFF
        body = base64.encodebytes(bytes(damaged)).decode()
        chain = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n".encode()
        with suppress(CertificateUnusableError):
            check_certificate(chain, issued.key_pem, HOST)


def test_what_a_certificate_says_of_itself_is_fit_for_a_message():
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A\nB\x1b[31m" + "x" * 50)])
    authority = Authority("replaced")
    authority.name = name
    issued = authority.issue(HOST)
    issuer = check_certificate(issued.leaf, issued.key_pem, HOST).issuer
    assert issuer.startswith("A?B?[31mxxx")
    assert issuer.isprintable()


@pytest.mark.parametrize("digit", [b"\x04", b"\x05"], ids=["MD5", "SHA-1"])
def test_a_broken_signature_algorithm_is_told(digit):
    """The library does not sign by these any more, so the name of the algorithm is put in by hand."""
    authority = Authority("Old", key=rsa.generate_private_key(65537, 2048))
    issued = authority.issue(HOST)
    der = issued.certificate.public_bytes(Encoding.DER)
    by_rsa = bytes.fromhex("2a864886f70d0101")
    assert der.count(by_rsa + b"\x0b") == 2
    body = base64.encodebytes(der.replace(by_rsa + b"\x0b", by_rsa + digit)).decode()
    chain = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n".encode()
    assert "MD5 or SHA-1" in _refusal(chain, issued.key_pem)
