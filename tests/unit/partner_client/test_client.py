"""The client keeps its session, renews it in time, and says plainly what went wrong."""

import json
import threading
from datetime import UTC, date, datetime

import httpx
import pytest

from pratique.partner_client import protocol
from pratique.partner_client.answers import Item, PackageRow
from pratique.partner_client.client import PartnerClient
from pratique.partner_client.errors import NotAuthenticated, PartnerError, RateLimited, Unreachable

KEY = bytes(range(32))
CLIENT_ID = "demo_" + "c" * 22
BASE = "https://health.example.edu"


class FakeServer:
    """The contract in forty lines: opens what comes with keys of its own deriving, and answers what it is told to."""

    def __init__(self):
        self.sessions = {}
        self.opened = []  # (method, plaintext as data)
        self.authentications = 0
        self.answer = lambda method, told: (200, {})
        self.headers = {}
        self.alter = lambda response: response
        self.lock = threading.Lock()

    def __call__(self, request):
        method = request.url.path.removeprefix("/partner/v1/")
        with self.lock:
            return self.alter(
                self.authenticate(request) if method == "authenticate" else self.call(method, request)
            )

    def authenticate(self, request):
        assert request.headers["Content-Type"] == "application/json"
        token = json.loads(request.content)["assertion"]
        try:
            claims = protocol.read_assertion(token, protocol.assertion_key(KEY))
        except protocol.ProtocolError:
            return not_authenticated()
        assert claims["iss"] == protocol.assertion_header(token)["kid"] == CLIENT_ID
        self.authentications += 1
        session, server_nonce = f"{CLIENT_ID}.{self.authentications:022}", bytes([self.authentications] * 16)
        names = (protocol.from_base64url(claims["jti"]), server_nonce, session)
        self.sessions[session] = (protocol.request_key(KEY, *names), protocol.response_key(KEY, *names))
        return httpx.Response(
            200,
            json={
                "sessionId": session,
                "serverNonce": protocol.to_base64url(server_nonce),
                "expiresIn": 600,
            },
        )

    def call(self, method, request):
        assert request.headers["Content-Type"] == "application/jose"
        kid = protocol.sealed_header(request.content)["kid"]
        if kid not in self.sessions:
            return not_authenticated()
        request_key, response_key = self.sessions[kid]
        header, plaintext = protocol.open_sealed(request.content, request_key)
        assert header["method"] == method
        self.opened.append((method, json.loads(plaintext)))
        status, told = self.answer(method, json.loads(plaintext))
        compact = protocol.seal(
            json.dumps(told).encode(), response_key, session_id=kid, method=method, now=header["iat"]
        )
        return httpx.Response(
            status, content=compact, headers={"Content-Type": "application/jose"} | self.headers
        )


def not_authenticated():
    return httpx.Response(401, json={"error": {"code": "NOT_AUTHENTICATED", "message": "No session."}})


class Clock:
    def __init__(self):
        self.now = 1786795200.5

    def __call__(self):
        return self.now


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def steps():
    return []


@pytest.fixture
def client(server, clock, steps):
    with httpx.Client(transport=httpx.MockTransport(server)) as http:
        key = protocol.to_base64url(KEY)
        yield PartnerClient(f"{BASE}/", CLIENT_ID, key, http=http, now=clock, trace=steps.append)


# --- the session ----------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_the_first_call(client, server):
    assert server.authentications == 0


def test_one_session_serves_many_calls(client, server):
    for _ in range(5):
        client.call("getUser")
    assert server.authentications == 1
    assert len(server.opened) == 5


@pytest.mark.parametrize(("later", "sessions"), [(500, 1), (569, 1), (571, 2), (5000, 2)])
def test_a_session_is_renewed_shortly_before_it_ends(client, server, clock, later, sessions):
    client.call("getUser")
    clock.now += later
    client.call("getUser")
    assert server.authentications == sessions


def test_a_session_that_the_server_forgot_is_opened_anew_once(client, server):
    client.call("getUser", nonce="one")
    server.sessions.clear()
    client.call("getUser", nonce="two")
    assert server.authentications == 2
    assert [told["nonce"] for _, told in server.opened] == ["one", "two"]


def test_it_is_not_tried_for_ever(client, server):
    client.call("getUser")
    posts = []

    def forget(response):
        server.sessions.clear()
        posts.append(response.status_code)
        return response

    server.sessions.clear()
    server.alter = forget
    with pytest.raises(NotAuthenticated) as error:
        client.call("getUser")
    assert posts == [401, 200, 401]
    assert server.authentications == 2
    assert (error.value.code, error.value.status) == ("NOT_AUTHENTICATED", 401)


def test_after_a_refusal_the_next_call_starts_anew(client, server):
    server.alter = lambda _response: not_authenticated()
    with pytest.raises(NotAuthenticated):
        client.call("getUser")
    server.alter = lambda response: response
    client.call("getUser")
    assert len(server.opened) == 1


def test_a_wrong_key_is_told_plainly(server):
    with httpx.Client(transport=httpx.MockTransport(server)) as http:
        client = PartnerClient(BASE, CLIENT_ID, protocol.to_base64url(bytes(32)), http=http)
        with pytest.raises(NotAuthenticated):
            client.call("getUser")


def test_threads_share_one_session(client, server):
    start = threading.Barrier(8)

    def work():
        start.wait()
        for _ in range(10):
            client.call("getUser")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.authentications == 1
    assert len({told["nonce"] for _, told in server.opened}) == 80


def test_threads_renew_a_forgotten_session_together(client, server):
    client.call("getUser")
    server.sessions.clear()
    start = threading.Barrier(8)

    def work():
        start.wait()
        client.call("getUser")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.authentications == 2
    assert len(server.opened) == 9


# --- errors ---------------------------------------------------------------------------------------------------


def error(code, message="What to do.", **more):
    return {"error": {"code": code, "message": message} | more}


def test_an_error_is_an_exception_with_all_of_it(client, server):
    server.answer = lambda _method, _told: (409, error("NONCE_REPEATED", field="nonce"))
    with pytest.raises(PartnerError) as raised:
        client.call("getUser")
    told = raised.value
    assert (told.code, told.message, told.field, told.status) == (
        "NONCE_REPEATED", "What to do.", "nonce", 409,
    )  # fmt: skip
    assert str(told) == "NONCE_REPEATED: What to do. (field nonce)"
    assert len(server.opened) == 1


def test_a_limit_says_how_long_to_wait(client, server):
    server.answer = lambda _method, _told: (429, error("RATE_LIMITED"))
    server.headers = {"Retry-After": "17"}
    with pytest.raises(RateLimited) as raised:
        client.call("getUser")
    assert raised.value.retry_after == 17
    assert len(server.opened) == 1


def test_a_sealed_error_counts_whatever_the_status_around_it(client, server):
    server.answer = lambda _method, _told: (200, error("STUDENT_UNKNOWN"))
    with pytest.raises(PartnerError, match="STUDENT_UNKNOWN"):
        client.call("getUser")


def test_nobody_there(clock):
    def refuse(request):
        raise httpx.ConnectError("proxy http://user:secret@proxy refused", request=request)

    with httpx.Client(transport=httpx.MockTransport(refuse)) as http:
        client = PartnerClient(BASE, CLIENT_ID, protocol.to_base64url(KEY), http=http)
        with pytest.raises(Unreachable) as raised:
            client.call("getUser")
    assert raised.value.code == "UNREACHABLE"
    assert str(raised.value) == f"UNREACHABLE: {BASE} does not answer (ConnectError)."


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, html="<h1>Bad gateway</h1>"),
        httpx.Response(200, html="<h1>Welcome</h1>"),
        httpx.Response(302, headers={"Location": "/"}),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"sessionId": "x", "serverNonce": "!", "expiresIn": 600}),
        httpx.Response(200, json=[1]),
        httpx.Response(400, json={"error": "no"}),
    ],
    ids=["gateway", "page", "redirect", "empty", "bad nonce", "list", "another error"],
)
def test_something_else_answers_authenticate(client, server, answer):
    server.alter = lambda _response: answer
    with pytest.raises(Unreachable) as raised:
        client.call("getUser")
    assert raised.value.code == "UNREADABLE_ANSWER"


JOSE = {"Content-Type": "application/jose"}


def replaced(response, **changes):
    """Return the answer with other content or media type."""
    content = changes.get("content", response.content)
    return httpx.Response(changes.get("status", response.status_code), content=content, headers=JOSE)


@pytest.mark.parametrize(
    "alter",
    [
        lambda _response: httpx.Response(200, json={"status": "active"}),
        lambda _response: httpx.Response(200, content=b'{"status":"active"}', headers=JOSE),
        lambda response: replaced(
            response, content=response.content[:-1] + bytes([response.content[-1] ^ 1])
        ),
        lambda response: replaced(response, content=b""),
        lambda response: replaced(response, status=500),
        lambda _response: httpx.Response(502, html="<h1>Bad gateway</h1>"),
    ],
    ids=["unsealed", "unsealed but said to be", "changed", "empty", "another status", "gateway"],
)
def test_an_answer_that_the_server_did_not_seal_is_no_answer(client, server, alter):
    client.call("getUser")
    server.answer = lambda _method, _told: (200, {"status": "active"})
    server.alter = alter
    with pytest.raises(Unreachable) as raised:
        client.call("getMembershipStatus")
    assert raised.value.code == "UNREADABLE_ANSWER"


def test_the_answer_of_another_method_is_no_answer(client, server):
    kept = []
    server.alter = lambda response: kept.append(response) or response
    client.call("getUser")
    server.alter = lambda _response: replaced(kept[-1])
    with pytest.raises(Unreachable, match="another call"):
        client.call("secureToken")


def test_an_answer_that_lacks_a_field_is_told(client):
    with pytest.raises(Unreachable, match="lacks"):
        client.get_user(account_token="a", vendor_key="v", code="c")


# --- the methods ----------------------------------------------------------------------------------------------

STUDENT = {"account_token": "T", "vendor_key": "V"}
ON_WIRE = {"accountToken": "T", "vendorKey": "V"}
ROW = {
    "vendorKey": "78222000", "numComplete": 6, "numItems": 8, "complete": False,
    "trackerName": "Class of 2012", "userComplete": True,
}  # fmt: skip
READ_ROW = PackageRow("78222000", 6, 8, False, "Class of 2012", True)


@pytest.mark.parametrize(
    ("call", "method", "sent", "answer", "returned"),
    [
        (
            lambda client: client.secure_token(**STUDENT, nonce="n"),
            "secureToken", ON_WIRE, {"secureToken": "S"}, "S",
        ),
        (
            lambda client: client.set_tracker(**STUDENT, tracker_name="Class of 2012", code="C", nonce="n"),
            "setTracker", ON_WIRE | {"code": "C", "trackerName": "Class of 2012"}, {"setSuccessfully": True}, True,
        ),
        (
            lambda client: client.set_membership_status(**STUDENT, code="C", status="archive", nonce="n"),
            "setMembershipStatus", ON_WIRE | {"code": "C", "status": "archive"},
            {"status": "success", "membershipStatus": "archive"}, "archive",
        ),
        (
            lambda client: client.get_membership_status(**STUDENT, code="C", nonce="n"),
            "getMembershipStatus", ON_WIRE | {"code": "C"}, {"status": "active"}, "active",
        ),
        (
            lambda client: client.get_package_counts(code="C", nonce="n"),
            "getPackageCounts", {"code": "C"}, {"packageDetails": [ROW]}, [READ_ROW],
        ),
        (
            lambda client: client.get_package_counts_since(
                code="C", delta_start_date=datetime(2011, 10, 24, 23, 14, 4, 338000, UTC), nonce="n"
            ),
            "getPackageCountsSince", {"code": "C", "deltaStartDate": 1319498044338},
            {"packageDetails": [ROW]}, [READ_ROW],
        ),
        (
            lambda client: client.get_package_counts_since(
                code="C", delta_start_date=date(2026, 7, 1), nonce="n"
            ),
            "getPackageCountsSince", {"code": "C", "deltaStartDate": 1782882000000}, {"packageDetails": []}, [],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_method(client, server, call, method, sent, answer, returned):
    server.answer = lambda _method, _told: (200, answer)
    assert call(client) == returned
    assert server.opened == [(method, sent | {"nonce": "n"})]


def test_create_user(client, server):
    server.answer = lambda _method, _told: (
        200, {"secureToken": "S" * 32, "accountToken": "T", "username": "amagnus1"},
    )  # fmt: skip
    given = {
        "username": "amagnus", "vendor_key": "V", "first_name": "Albert", "last_name": "O'Brien",
        "phone": "919", "email": "", "registration_code": "MHP123456",
    }  # fmt: skip
    made = client.create_user(
        **given, date_of_birth=date(1978, 3, 2), expiration_date=date(2027, 7, 1), nonce="n"
    )
    assert (made.secure_token, made.account_token, made.username) == ("S" * 32, "T", "amagnus1")
    client.create_user(**given, nonce="m")
    always = {
        "username": "amagnus", "vendorKey": "V", "firstName": "Albert", "lastName": "O'Brien",
        "phone": "919", "email": "", "registrationCode": "MHP123456",
    }  # fmt: skip
    assert [told for _, told in server.opened] == [
        always | {"dateOfBirthString": "03/02/1978", "expirationDate": 1814418000000, "nonce": "n"},
        always | {"nonce": "m"},
    ]


def test_get_user(client, server):
    server.answer = lambda _method, _told: (
        200,
        {
            "trackerName": "Class of 2030", "dueDate": 1782882000000, "numComplete": 1, "numItems": 2,
            "complete": False,
            "Items": [{
                "itemName": "Physical", "itemStatus": "pending", "nextActionDate": 0,
                "administeredDate": 1782882000000, "lastModifiedDate": 1782882000001, "recordType": "",
            }],
        },
    )  # fmt: skip
    told = client.get_user(**STUDENT, code="C")
    assert (told.tracker_name, told.due_date, told.num_complete, told.num_items, told.complete) == (
        "Class of 2030", date(2026, 7, 1), 1, 2, False,
    )  # fmt: skip
    assert told.items == (
        Item("Physical", "pending", None, date(2026, 7, 1), datetime(2026, 7, 1, 5, 0, 0, 1000, UTC), ""),
    )
    server.answer = lambda _method, _told: (
        200,
        {"trackerName": "None Selected", "dueDate": 0, "numComplete": 0, "numItems": 0, "complete": False,
         "Items": []},
    )  # fmt: skip
    nothing = client.get_user(**STUDENT, code="C")
    assert (nothing.due_date, nothing.items) == (None, ())


def test_a_nonce_is_made_where_none_is_given(client, server):
    client.call("getUser")
    client.call("getUser", nonce="mine")
    client.call("getUser", nonce=7)
    assert [told["nonce"] for _, told in server.opened][1:] == ["mine", 7]
    assert 20 < len(server.opened[0][1]["nonce"]) <= 128


# --- nothing of the secret is told ----------------------------------------------------------------------------


def test_no_secret_and_no_person_is_in_a_repr_or_a_step(client, server, steps):
    server.answer = lambda _method, _told: (
        200, {"secureToken": "SECURETOKEN", "accountToken": "ACCOUNTTOKEN", "username": "amagnus"},
    )  # fmt: skip
    made = client.create_user(
        username="amagnus", vendor_key="VENDORKEY", first_name="Albert", last_name="Magnus", phone="919",
        email="albert@example.org", registration_code="CODE",
    )  # fmt: skip
    told = " ".join([*steps, repr(client), repr(made), repr(client._session)])
    assert "createUser: HTTP 200" in told
    secrets = (
        protocol.to_base64url(KEY), repr(KEY), KEY.hex(), "SECURETOKEN", "ACCOUNTTOKEN", "amagnus", "VENDORKEY",
        "Albert", "albert@", client._session.id, repr(client._session.request_key),
    )  # fmt: skip
    assert [secret for secret in secrets if secret in told] == []


def test_the_link_to_sign_in_with(client):
    assert client.sign_in_address("ea5F") == f"{BASE}/sso/ea5F"


@pytest.mark.parametrize("address", ["health.example.edu", "ftp://health.example.edu", ""])
def test_an_address_says_how_to_get_there(address):
    with pytest.raises(ValueError, match="https://"):
        PartnerClient(address, CLIENT_ID, protocol.to_base64url(KEY))


def test_only_an_http_client_of_its_own_is_closed(server):
    with httpx.Client(transport=httpx.MockTransport(server)) as http:
        with PartnerClient(BASE, CLIENT_ID, protocol.to_base64url(KEY), http=http):
            pass
        assert not http.is_closed
    with PartnerClient(BASE, CLIENT_ID, protocol.to_base64url(KEY)) as client:
        own = client._http
    assert own.is_closed
