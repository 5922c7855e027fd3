"""Phase one: an assertion opens one session, and nothing else opens any."""

import json
from datetime import timedelta

import pytest

from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.partner_client import protocol
from pratique.partners.actions.clients import resume, suspend
from pratique.partners.actions.keys import issue_key, revoke_key
from pratique.partners.models import PartnerClient, PartnerSession
from tests.integration.partner import wire
from tests.integration.partner.wire import assertion, authenticate, claims_of, signed
from tests.partners import a_partner
from tests.schools import BY, a_school

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def school():
    return a_school()


@pytest.fixture
def partner(school):
    return a_partner(school)


def refused(answer, message=""):
    """The one answer of phase one to whatever is wrong; `message` if its sender has proved to hold the key."""
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/json"
    error = answer.json()["error"]
    assert error["code"] == "NOT_AUTHENTICATED"
    if message:
        assert message in error["message"]
    else:
        assert set(error) == {"code", "message"}
        assert error["message"].startswith("No session")
    return True


def test_an_assertion_opens_a_session(school, partner):
    session = wire.opened(partner.client_id, partner.encryption_key)
    head, _dot, tail = session.id.partition(".")
    assert head == partner.client_id
    assert len(tail) == 22
    assert len(session.server_nonce) == 16
    with institution_scope(school.id):
        row = PartnerSession.objects.get()
    assert row.expires_at - row.created_at == timedelta(seconds=600)
    assert session.id not in wire.everything_of("partners_partnersession", school)


def test_the_answer_is_what_the_contract_says(partner):
    told = authenticate(assertion(partner.client_id, partner.encryption_key))
    assert set(told.json()) == {"sessionId", "serverNonce", "expiresIn"}
    assert told.json()["expiresIn"] == 600
    assert "no-store" in told.headers["Cache-Control"]
    assert told.headers["Content-Type"] == "application/json"


def test_an_assertion_is_good_once(partner):
    token = assertion(partner.client_id, partner.encryption_key)
    assert authenticate(token).status_code == 200
    again = authenticate(token)
    assert refused(again, "used before")
    assert again.json()["error"]["field"] == "jti"


def test_another_assertion_with_the_same_client_nonce_is_refused(partner):
    jti = protocol.to_base64url(b"0123456789abcdef")
    assert authenticate(assertion(partner.client_id, partner.encryption_key, jti=jti)).status_code == 200
    later = assertion(partner.client_id, partner.encryption_key, jti=jti, exp=wire.seconds() + 200)
    assert refused(authenticate(later), "used before")


def test_of_twenty_equal_assertions_at_once_one_opens_a_session(school, partner):
    token = assertion(partner.client_id, partner.encryption_key)
    statuses = wire.at_once(20, lambda _number: authenticate(token).status_code)
    assert sorted(statuses) == [200] + [401] * 19
    with institution_scope(school.id):
        assert PartnerSession.objects.count() == 1


def test_two_partners_may_draw_the_same_client_nonce(school, partner):
    other, jti = a_partner(school), protocol.to_base64url(b"0123456789abcdef")
    for one in (partner, other):
        assert authenticate(assertion(one.client_id, one.encryption_key, jti=jti)).status_code == 200


# --- who may not ------------------------------------------------------------------------------------------------


def test_signature_of_another_key(school, partner):
    assert refused(authenticate(assertion(partner.client_id, a_partner(school).encryption_key)))


def test_kid_of_another_partner(school, partner):
    """Signed with one's own key, in another's name."""
    other = a_partner(a_school())
    token = assertion(partner.client_id, partner.encryption_key, header={"kid": other.client_id})
    assert refused(authenticate(token))
    named = assertion(partner.client_id, partner.encryption_key, iss=other.client_id)
    assert refused(authenticate(named), "iss must be the client id")


@pytest.mark.parametrize(
    "name", ["", "live_0000000000000000000000", "x" * 128, "%", "live_' or true --"],
    ids=["empty", "right form", "long", "percent", "sql"],
)  # fmt: skip
def test_a_client_that_there_is_not(partner, name):
    assert refused(authenticate(assertion(name, partner.encryption_key)))


def test_alg_none_or_changed(partner):
    key = protocol.assertion_key(protocol.decode_key(partner.encryption_key))
    claims = claims_of(partner.client_id)
    for alg in ("none", "None", "HS512", "HS384", "RS256", "dir", "", None, ["HS256"]):
        token = signed({"alg": alg, "kid": partner.client_id}, claims, key)
        assert refused(authenticate(token))
        assert refused(authenticate(token.rpartition(".")[0] + "."))
    bare = {"kid": partner.client_id}
    assert refused(authenticate(signed(bare, claims, key)))


@pytest.mark.parametrize("member", ["crit", "jwk", "jku", "x5c", "b64", "zip", "cty"])
def test_a_header_with_more_members(partner, member):
    header = {member: ["exp"] if member == "crit" else "x"}
    assert refused(authenticate(assertion(partner.client_id, partner.encryption_key, header=header)))


def test_signed_with_the_encryption_key_itself(partner):
    token = signed(
        {"alg": "HS256", "kid": partner.client_id},
        claims_of(partner.client_id),
        protocol.decode_key(partner.encryption_key),
    )
    assert refused(authenticate(token))


def test_flipped_and_cut_assertions(partner):
    token = assertion(partner.client_id, partner.encryption_key)
    head, body, signature = token.split(".")
    other = "A" if signature[0] != "A" else "B"
    for wrong in (
        token[:-1], token[:-10], f"{head}.{body}", f"{head}.{body}.", f"{head}..{signature}", f".{body}.{signature}",
        f"{head}.{body}.{other}{signature[1:]}", token + "=", token + ".x", " " + token, token + "\n", "..", "",
        f"{head}.{body[:-2]}.{signature}",
    ):  # fmt: skip
        assert refused(authenticate(wrong)), wrong
    assert authenticate(token).status_code == 200


@pytest.mark.parametrize("token", [None, 1, True, [], {}, "x" * 900_000, "é.é.é"], ids=str.__class__)
def test_what_is_no_assertion(token, partner):
    assert refused(authenticate(token))


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b"{}", b'{"assertion": "a", "assertion": "b"}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_request(body, partner, client):
    assert refused(client.post(wire.AUTHENTICATE, body, content_type="application/json"))


# --- claims: whoever signs them holds the key, and is told what is wrong ------------------------------------------

WRONG_CLAIMS = {
    "iss missing": ({"iss": ...}, "no iss"),
    "aud missing": ({"aud": ...}, "no aud"),
    "iat missing": ({"iat": ...}, "no iat"),
    "exp missing": ({"exp": ...}, "no exp"),
    "jti missing": ({"jti": ...}, "no jti"),
    "another audience": ({"aud": "pratique"}, "aud must be"),
    "audience in other case": ({"aud": "Pratique-Partner"}, "aud must be"),
    "two audiences": ({"aud": ["pratique-partner", "another"]}, "aud must be a text"),
    "clock 6 minutes behind": (lambda now: {"iat": now - 360, "exp": now - 60}, "6 minutes behind"),
    "clock 6 minutes behind, and still good": (lambda now: {"iat": now - 360, "exp": now + 60}, "6 minutes behind"),
    "clock 6 minutes ahead": (lambda now: {"iat": now + 361, "exp": now + 600}, "6 minutes ahead"),
    "a clock of another age": (lambda _now: {"iat": 10**300, "exp": 10**300 + 1}, "more than two hours ahead"),
    "a clock before all ages": (lambda _now: {"iat": -(10**300)}, "more than two hours behind"),
    "over": (lambda now: {"iat": now - 200, "exp": now - 1}, "time is over"),
    "too long": (lambda now: {"exp": now + 310}, "at most 300 seconds"),
    "ends before it begins": (lambda now: {"iat": now + 200, "exp": now + 100}, "later than iat"),
    "iat as text": (lambda now: {"iat": str(now)}, "iat must be a whole number"),
    "iat with a fraction": (lambda now: {"iat": now + 0.5}, "iat must be a whole number"),
    "iat true": ({"iat": True}, "iat must be a whole number"),
    "exp as text": ({"exp": "tomorrow"}, "exp must be a whole number"),
    "jti a number": ({"jti": 1234567890123456}, "jti must be a text"),
    "jti too short": ({"jti": protocol.to_base64url(b"x" * 15)}, "16 to 64"),
    "jti too long": ({"jti": protocol.to_base64url(b"x" * 65)}, "16 to 64"),
    "jti padded": ({"jti": protocol.to_base64url(b"x" * 16) + "=="}, "base64url"),
    "jti of another alphabet": ({"jti": "+/" * 16}, "base64url"),
}  # fmt: skip


def test_one_audience_may_stand_in_a_list(partner):
    """RFC 7519, section 4.1.3; some libraries write nothing else."""
    token = assertion(partner.client_id, partner.encryption_key, aud=["pratique-partner"])
    assert authenticate(token).status_code == 200


@pytest.mark.parametrize("case", WRONG_CLAIMS)
def test_wrong_claims(school, partner, case):
    changed, message = WRONG_CLAIMS[case]
    changed = changed(wire.seconds()) if callable(changed) else changed
    assert refused(authenticate(assertion(partner.client_id, partner.encryption_key, **changed)), message)
    (line,) = wire.log_of(school)
    assert (line.code, line.status) == ("NOT_AUTHENTICATED", 401)
    assert message in line.detail
    assert line.fingerprint == partner.key.fingerprint


@pytest.mark.parametrize("seconds", [-295, 295], ids=["behind", "ahead"])
def test_a_clock_within_five_minutes_will_do(partner, seconds):
    issued = wire.seconds() + seconds
    token = assertion(partner.client_id, partner.encryption_key, iat=issued, exp=issued + 300)
    assert authenticate(token).status_code == 200


@pytest.mark.parametrize("size", [16, 64])
def test_client_nonces_of_16_to_64_bytes_will_do(partner, size):
    token = assertion(partner.client_id, partner.encryption_key, jti=protocol.to_base64url(b"x" * size))
    assert authenticate(token).status_code == 200


def test_claims_that_are_no_object(partner):
    key = protocol.assertion_key(protocol.decode_key(partner.encryption_key))
    for claims in (b"", b"[]", b"null", b'{"iss": "a", "iss": "b"}', b"\xff"):
        assert refused(authenticate(signed({"alg": "HS256", "kid": partner.client_id}, claims, key)))


def test_another_media_type(partner):
    token = assertion(partner.client_id, partner.encryption_key)
    assert refused(authenticate(token, media_type="text/plain"), "application/json")
    # Nothing was used up by that.
    assert authenticate(token, media_type="application/json; charset=utf-8").status_code == 200


# --- keys -------------------------------------------------------------------------------------------------------


def test_while_a_rotation_lasts_both_keys_work_and_then_the_new_one(school, partner):
    now = clock.now()
    newer = issue_key(client=partner.client, by=BY, now=now, ends_previous_at=now + timedelta(days=7))
    for key in (partner.encryption_key, newer.encryption_key):
        assert wire.code(wire.call(wire.opened(partner.client_id, key), "nothing")[1]) == "METHOD_UNKNOWN"
    assert {line.fingerprint for line in wire.log_of(school)} == {
        partner.key.fingerprint, newer.key.fingerprint,
    }  # fmt: skip
    wire.key_ends(school, partner.key, now)
    assert refused(authenticate(assertion(partner.client_id, partner.encryption_key)))
    assert wire.opened(partner.client_id, newer.encryption_key)


def test_a_revoked_key_opens_nothing(school, partner):
    revoke_key(key=partner.key, by=BY, now=clock.now())
    assert refused(authenticate(assertion(partner.client_id, partner.encryption_key)))
    (line,) = wire.log_of(school)
    assert line.detail == "No key of this client works now: each has ended or was revoked."


def test_a_suspended_client_opens_nothing_until_it_goes_on(school, partner):
    suspend(client=partner.client, reason="Odd calls", by=BY, now=clock.now())
    assert refused(authenticate(assertion(partner.client_id, partner.encryption_key)))
    assert wire.log_of(school)[-1].detail == "The client is suspended."
    resume(client=partner.client, by=BY, now=clock.now())
    assert wire.opened(partner.client_id, partner.encryption_key)


def test_keys_of_the_demo_environment_are_unknown_in_production_and_the_other_way_round(school):
    live = a_partner(school)
    demo = a_partner(school, environment="demo", acts_for=a_school(is_demo=True))
    assert refused(authenticate(assertion(live.client_id, demo.encryption_key)))
    assert refused(authenticate(assertion(demo.client_id, live.encryption_key)))
    assert wire.opened(demo.client_id, demo.encryption_key).id.startswith("demo_")
    assert wire.opened(live.client_id, live.encryption_key).id.startswith("live_")


# --- limits and the log -----------------------------------------------------------------------------------------


def test_right_signatures_count_towards_the_limit_and_wrong_ones_do_not(school, monkeypatch):
    partner, still = a_partner(school, calls_per_minute=2), clock.now()
    monkeypatch.setattr(clock, "now", lambda: still)
    other = a_partner(school).encryption_key
    for _attempt in range(5):
        assert refused(authenticate(assertion(partner.client_id, other)))
    assert wire.opened(partner.client_id, partner.encryption_key)
    # Wrong in itself, rightly signed.
    assert refused(authenticate(assertion(partner.client_id, partner.encryption_key, aud="x")), "aud")
    limited = authenticate(assertion(partner.client_id, partner.encryption_key))
    assert limited.status_code == 429
    assert limited.json()["error"]["code"] == "RATE_LIMITED"
    assert limited.headers["Retry-After"] == str(60 - still.second)


def test_failures_in_the_name_of_a_known_client_are_logged_but_do_not_fill_the_log(
    school, partner, monkeypatch
):
    still = clock.now()
    monkeypatch.setattr(clock, "now", lambda: still)
    other = a_partner(school).encryption_key
    for _attempt in range(30):
        assert refused(authenticate(assertion(partner.client_id, other)))
    lines = wire.log_of(school)
    assert len(lines) == 20
    assert {line.detail for line in lines} == {"The assertion is not signed with a key of this client."}
    assert {line.client_id for line in lines} == {partner.client.id}
    # What the client does itself is logged none the less, and again in the next minute.
    assert wire.opened(partner.client_id, partner.encryption_key)
    monkeypatch.setattr(clock, "now", lambda: still + timedelta(minutes=1))
    assert refused(authenticate(assertion(partner.client_id, other)))
    assert len(wire.log_of(school)) == 22


def test_strangers_are_not_logged(school, partner):
    assert refused(authenticate(assertion("live_0000000000000000000000", partner.encryption_key)))
    assert wire.log_of(school) == []


def test_the_log_says_what_came_when_and_from_where(school, partner):
    answer = authenticate(assertion(partner.client_id, partner.encryption_key))
    (line,) = wire.log_of(school)
    assert (line.method, line.code, line.status) == ("authenticate", "OK", 200)
    assert line.fingerprint == partner.key.fingerprint
    assert line.bytes_out == len(answer.content)
    assert line.bytes_in == int(answer.wsgi_request.META["CONTENT_LENGTH"])
    assert line.address == "127.0.0.1"
    assert line.detail == ""
    assert abs((line.at - clock.now()).total_seconds()) < 60


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (1, "2001:db8::7", "2001:db8::7"),
        (1, "not an address", None),
        (2, "203.0.113.9", None),
    ],
    ids=["nobody is believed", "one proxy", "one proxy, and what a client says", "IPv6", "nonsense", "past a proxy"],
)  # fmt: skip
def test_the_address_is_the_one_that_our_proxies_say(school, partner, settings, proxies, forwarded, address):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    token = assertion(partner.client_id, partner.encryption_key)
    assert authenticate(token, **{"X-Forwarded-For": forwarded}).status_code == 200
    assert wire.log_of(school)[0].address == address


def test_a_client_is_found_by_its_id_alone(school, partner):
    """The look-up shows one client's rows and no institution's."""
    a_partner(school), a_partner(a_school())
    assert wire.opened(partner.client_id, partner.encryption_key)
    assert PartnerClient.objects.count() == 0
    assert (
        json.dumps([str(line.client_id) for line in wire.log_of(school)]).count(str(partner.client.id)) == 1
    )
