"""Whatever is not exactly what the protocol says is refused, before anything of it is decrypted."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from pratique.partner_client import protocol
from pratique.partner_client.protocol import ProtocolError

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SESSION_ID = "live_" + "a" * 22 + "." + "b" * 22
NOW = 1786795200
SIGNING = protocol.assertion_key(KEY)
NONCE = bytes(range(16))
HEADER = {"alg": "dir", "enc": "A256GCM", "kid": SESSION_ID, "iat": NOW, "method": "getUser"}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def sealed(plaintext=b'{"nonce":"1"}', key=KEY):
    return protocol.seal(plaintext, key, session_id=SESSION_ID, method="getUser", now=NOW)


def encoded(value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def sealed_with(header, plaintext=b"{}"):
    """Return a message that is sealed as it should be, under a header of our choice."""
    piece = encoded(header)
    iv = bytes(12)
    made = AESGCM(KEY).encrypt(iv, plaintext, piece.encode())
    return ".".join((piece, "", encoded(iv), encoded(made[:-16]), encoded(made[-16:])))


def signed_with(header, claims=None, key=SIGNING):
    content = json.dumps(claims or {"iss": "live_x"}).encode()
    return jws.serialize_compact(header, content, OctKey.import_key(key), algorithms=[header["alg"]])


# --- keys -----------------------------------------------------------------------------------------------------


def test_every_use_has_a_key_of_its_own():
    names = (NONCE, bytes(16), SESSION_ID)
    keys = {SIGNING, protocol.request_key(KEY, *names), protocol.response_key(KEY, *names), KEY}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize(
    "other",
    [
        (bytes(16), bytes(16), SESSION_ID),
        (NONCE, bytes(15) + b"\x01", SESSION_ID),
        (NONCE, bytes(16), SESSION_ID[:-1] + "c"),
    ],
    ids=["another client nonce", "another server nonce", "another session"],
)
def test_another_session_has_other_keys(other):
    this = (NONCE, bytes(16), SESSION_ID)
    assert protocol.request_key(KEY, *this) != protocol.request_key(KEY, *other)
    assert protocol.response_key(KEY, *this) != protocol.response_key(KEY, *other)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused_everywhere(length):
    for use in (
        lambda key: protocol.derive(key, "x"),
        lambda key: protocol.make_assertion("c", key, now=NOW, nonce=NONCE),
        lambda key: sealed(key=key),
        lambda key: protocol.open_sealed(sealed(), key),
        lambda key: protocol.read_assertion(ASSERTION, key),
    ):
        with pytest.raises(ProtocolError):
            use(bytes(length))


def test_a_key_is_read_as_it_was_shown():
    text = protocol.to_base64url(KEY)
    assert len(text) == 43
    assert protocol.decode_key(text) == protocol.decode_key(f" {text}=\n") == KEY


@pytest.mark.parametrize(
    "text", ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "+", KEY.hex(), "Ä" * 43]
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ProtocolError, match="43 characters"):
        protocol.decode_key(text)


@given(st.binary(max_size=80))
def test_base64url_both_ways(content):
    text = protocol.to_base64url(content)
    assert protocol.from_base64url(text) == content
    assert "=" not in text


@pytest.mark.parametrize(
    "text",
    ["A", "AA==", "AB", "AAB", "A+AA", "A/AA", "AA A", "AAA\n", "AAAA\n", "é", None, 7, b"AAAA"],
)
def test_base64url_has_one_way_to_write_a_thing(text):
    with pytest.raises(ProtocolError):
        protocol.from_base64url(text)


# --- sealed messages ------------------------------------------------------------------------------------------


@given(plaintext=st.binary(max_size=500), key=st.binary(min_size=32, max_size=32))
def test_what_is_sealed_opens(plaintext, key):
    header, opened = protocol.open_sealed(sealed(plaintext, key), key)
    assert opened == plaintext
    assert header == HEADER


def test_bytes_open_like_text():
    compact = sealed()
    assert protocol.open_sealed(compact.encode(), KEY) == protocol.open_sealed(compact, KEY)
    assert protocol.sealed_header(compact.encode()) == protocol.sealed_header(compact) == HEADER


def test_two_messages_never_look_alike():
    assert len({sealed().split(".")[2] for _ in range(50)}) == 50


def test_a_long_answer_opens():
    plaintext = b'{"packageDetails":[' + b" " * 6_000_000 + b"]}"
    assert protocol.open_sealed(sealed(plaintext), KEY)[1] == plaintext


def test_another_key_does_not_open_it():
    with pytest.raises(ProtocolError, match="does not open"):
        protocol.open_sealed(sealed(), OTHER)


COMPACT = sealed_with(HEADER, b'{"nonce":"1"}')


def test_the_message_that_is_broken_below_is_right_at_first():
    assert protocol.open_sealed(COMPACT, KEY) == (HEADER, b'{"nonce":"1"}')


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_refused(bit):
    content = COMPACT.encode()
    for place in range(len(content)):
        broken = content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]
        with pytest.raises(ProtocolError):
            protocol.open_sealed(broken, KEY)


def test_every_truncation_is_refused():
    for length in range(len(COMPACT)):
        with pytest.raises(ProtocolError):
            protocol.open_sealed(COMPACT[:length], KEY)


@given(place=st.integers(0, len(COMPACT)), more=st.text(min_size=1, max_size=3))
@settings(max_examples=300)
def test_every_insertion_is_refused(place, more):
    with pytest.raises(ProtocolError):
        protocol.open_sealed(COMPACT[:place] + more + COMPACT[place:], KEY)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200), st.text(ALPHABET + ".", max_size=200)))
def test_rubbish_is_refused_with_the_one_exception(content):
    for read in (protocol.sealed_header, lambda c: protocol.open_sealed(c, KEY)):
        with pytest.raises(ProtocolError):
            read(content)


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"zip": "DEF"},
        HEADER | {"zip": None},
        HEADER | {"crit": []},
        HEADER | {"crit": ["iat"], "exp": 1},
        HEADER | {"typ": "JWE"},
        HEADER | {"epk": {}},
        HEADER | {"jku": "https://example.org"},
        HEADER | {"alg": "none"},
        HEADER | {"alg": "A256KW"},
        HEADER | {"alg": "PBES2-HS256+A128KW", "p2s": "AAAA", "p2c": 2_000_000_000},
        HEADER | {"alg": "DIR"},
        HEADER | {"alg": ["dir"]},
        HEADER | {"enc": "A128GCM"},
        HEADER | {"enc": "A256CBC-HS512"},
        HEADER | {"iat": "1"},
        HEADER | {"iat": 1.0},
        HEADER | {"iat": True},
        HEADER | {"iat": -1},
        HEADER | {"iat": 2**53},
        HEADER | {"kid": ""},
        HEADER | {"kid": 7},
        HEADER | {"kid": "a" * 129},
        HEADER | {"kid": "\ud800"},
        HEADER | {"kid": "a\x00b"},
        HEADER | {"method": ["getUser"]},
        HEADER | {"method": ""},
        *({name: HEADER[name] for name in HEADER if name != left} for left in HEADER),
        [HEADER],
        "dir",
        None,
        b"",
        b"{",
        b'{"alg":"none",' + json.dumps(HEADER).encode()[1:],
        json.dumps(HEADER).encode()[:-1] + b',"method":"getUser"}',
        json.dumps(HEADER).encode() + b" {}",
        b"\xef\xbb\xbf" + json.dumps(HEADER).encode(),
        json.dumps(HEADER).encode("utf-16"),
        json.dumps(HEADER).encode().replace(str(NOW).encode(), b"NaN"),
        json.dumps(HEADER).encode().replace(b"getUser", b"get\xffUser"),
        b'{"a":' * 150,
        b"[" * 760,
    ],
    ids=str,
)
def test_another_header_is_refused_though_the_message_is_sealed_rightly(header, monkeypatch):
    monkeypatch.setattr(
        protocol.jwe, "decrypt_compact", lambda *_args, **_kw: pytest.fail("It was decrypted all the same.")
    )
    for read in (protocol.sealed_header, lambda compact: protocol.open_sealed(compact, KEY)):
        with pytest.raises(ProtocolError) as error:
            read(sealed_with(header))
        assert "PBES2" not in str(error.value)
        assert SESSION_ID not in str(error.value)


def test_a_header_that_is_too_long_is_refused():
    message = sealed_with(json.dumps(HEADER).encode() + b" " * protocol.LONGEST_HEADER)
    for read in (protocol.sealed_header, lambda compact: protocol.open_sealed(compact, KEY)):
        with pytest.raises(ProtocolError, match="header is too long"):
            read(message)


@pytest.mark.parametrize(
    "change",
    [
        lambda head, key, iv, text, tag: (head, "AAAA", iv, text, tag),
        lambda head, key, iv, text, tag: (head, key, encoded(bytes(8)), text, tag),
        lambda head, key, iv, text, tag: (head, key, encoded(bytes(16)), text, tag),
        lambda head, key, iv, text, tag: (head, key, iv, text, tag[:16]),
        lambda head, key, iv, text, tag: (head, key, iv, text, tag[:6]),
        lambda head, key, iv, text, tag: (head, key, iv, text, ""),
        lambda head, key, iv, text, tag: (head, key, iv, text, tag + "=="),
        lambda head, key, iv, text, tag: (head + "=", key, iv, text, tag),
        lambda head, key, iv, text, tag: (head, key, iv, text + "=", tag),
        lambda head, key, iv, text, tag: (head, key, iv, text + "\n", tag),
        lambda head, key, iv, text, tag: (head, key, iv, text, tag, ""),
        lambda head, key, iv, text, tag: (head, key, iv, text),
    ],
    ids=[
        "an encrypted key",
        "an IV of 64 bits",
        "an IV of 128 bits",
        "a tag of 96 bits",
        "a tag of 32 bits",
        "no tag",
        "padding after the tag",
        "padding after the header",
        "padding after the ciphertext",
        "a line's end",
        "six pieces",
        "four pieces",
    ],
)
def test_other_pieces_are_refused(change):
    message = ".".join(change(*COMPACT.split(".")))
    with pytest.raises(ProtocolError):
        protocol.open_sealed(message, KEY)
    # What only the ciphertext shows is seen when it is decrypted; everything else before a session is looked up.
    if message.split(".")[3] in COMPACT:
        with pytest.raises(ProtocolError):
            protocol.sealed_header(message)


def test_a_piece_has_one_way_to_be_written():
    """The last letter of the tag stands for two bits; the sixteen letters with the same two are refused but one."""
    taken = 0
    for letter in ALPHABET:
        try:
            protocol.open_sealed(COMPACT[:-1] + letter, KEY)
        except ProtocolError:
            continue
        taken += 1
    assert taken == 1


def test_what_is_much_too_long_is_not_read(monkeypatch):
    monkeypatch.setattr(protocol, "LONGEST_SEALED", len(COMPACT) - 1)
    with pytest.raises(ProtocolError, match="too long"):
        protocol.open_sealed(COMPACT, KEY)


# --- assertions -----------------------------------------------------------------------------------------------

ASSERTION = protocol.make_assertion("live_x", SIGNING, now=NOW, nonce=NONCE)


def test_an_assertion_says_what_the_contract_says():
    assert protocol.assertion_header(ASSERTION)["kid"] == "live_x"
    assert protocol.read_assertion(ASSERTION, SIGNING) == {
        "iss": "live_x",
        "aud": "pratique-partner",
        "iat": NOW,
        "exp": NOW + 300,
        "jti": encoded(NONCE),
    }


def test_a_library_that_leaves_typ_out_or_writes_it_small_is_understood():
    for more in ({}, {"typ": "jwt"}, {"typ": "JWT"}):
        assert protocol.read_assertion(signed_with({"alg": "HS256", "kid": "c"} | more), SIGNING)


def test_another_key_has_not_signed_it():
    for key in (protocol.assertion_key(OTHER), KEY):
        with pytest.raises(ProtocolError, match="signature"):
            protocol.read_assertion(ASSERTION, key)


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_of_an_assertion_is_refused(bit):
    content = ASSERTION.encode()
    for place in range(len(content)):
        broken = content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]
        with pytest.raises(ProtocolError):
            protocol.read_assertion(broken.decode("latin-1"), SIGNING)


def test_every_truncation_of_an_assertion_is_refused():
    for length in range(len(ASSERTION)):
        with pytest.raises(ProtocolError):
            protocol.read_assertion(ASSERTION[:length], SIGNING)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS512", "kid": "c"},
        {"alg": "HS384", "kid": "c"},
        {"alg": "HS256"},
        {"alg": "HS256", "kid": ""},
        {"alg": "HS256", "kid": "c" * 129},
        {"alg": "HS256", "kid": "c", "typ": "at+jwt"},
        {"alg": "HS256", "kid": "c", "crit": ["b64"], "b64": True},
        {"alg": "HS256", "kid": "c", "jku": "https://example.org/keys"},
        {"alg": "HS256", "kid": "c", "cty": "JWT"},
    ],
    ids=str,
)
def test_another_header_of_an_assertion_is_refused_though_its_signature_is_right(header):
    for read in (protocol.assertion_header, lambda token: protocol.read_assertion(token, SIGNING)):
        with pytest.raises(ProtocolError):
            read(signed_with(header))


@pytest.mark.parametrize("signature", ["", "AAAA"])
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None])
def test_an_unsigned_assertion_is_refused(alg, signature):
    claims = ASSERTION.split(".")[1]
    with pytest.raises(ProtocolError):
        protocol.read_assertion(f"{encoded({'alg': alg, 'kid': 'live_x'})}.{claims}.{signature}", SIGNING)


def test_an_assertion_signed_with_a_private_key_is_refused():
    private = RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    token = jws.serialize_compact({"alg": "RS256", "kid": "live_x"}, b"{}", private, algorithms=["RS256"])
    with pytest.raises(ProtocolError):
        protocol.read_assertion(token, SIGNING)


@pytest.mark.parametrize(
    "claims", [b"[]", b"", b'"x"', b'{"iss":"a","iss":"b"}', b"{", b'{"iat":NaN}', b"\xff", b"[" * 2500]
)
def test_claims_that_are_not_one_plain_object_are_refused(claims):
    header = {"alg": "HS256", "kid": "c"}
    token = jws.serialize_compact(header, claims, OctKey.import_key(SIGNING), algorithms=["HS256"])
    with pytest.raises(ProtocolError):
        protocol.read_assertion(token, SIGNING)


def test_an_assertion_that_is_much_too_long_is_not_read():
    token = signed_with({"alg": "HS256", "kid": "c"}, {"iss": "c" * protocol.LONGEST_ASSERTION})
    with pytest.raises(ProtocolError, match="too long"):
        protocol.read_assertion(token, SIGNING)


@given(st.one_of(st.text(max_size=100), st.text(ALPHABET + ".", max_size=100)))
def test_rubbish_for_an_assertion_is_refused_with_the_one_exception(token):
    for read in (protocol.assertion_header, lambda each: protocol.read_assertion(each, SIGNING)):
        with pytest.raises(ProtocolError):
            read(token)
