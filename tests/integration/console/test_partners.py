"""Partners in the console: who may, health, set-up, keys shown once."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.accounts.roles import Permission, Role, permissions_of, user_allows
from pratique.institutions.models import Institution
from pratique.partners import queries
from pratique.partners.actions import clients, keys
from pratique.partners.models import Environment, Partner, PartnerClient, PartnerKey
from tests.integration.console.conftest import text_of
from tests.partners import a_partner, with_calls
from tests.schools import BY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(school):
    return a_partner(school.institution, name="Student portal")


@pytest.fixture
def address(held):
    return f"/partners/{held.client.partner_id}/"


@pytest.fixture
def admin(signed_in):
    return signed_in(Role.ADMINISTRATOR)


@pytest.fixture
def integrator(school, signed_in):
    with school.scope():
        user = school.staff[Role.REVIEWER]
        user.is_integrator = True
        user.save(update_fields=["is_integrator"])
    return signed_in(Role.REVIEWER)


def rows_of(school, model):
    with school.scope():
        return list(model.objects.order_by("id"))


# --- who may --------------------------------------------------------------------------------------------------------


class Somebody:
    def __init__(self, role, is_integrator=False):
        self.role, self.is_integrator = role, is_integrator


WHO = [
    ("reviewer", "reviewer", False, set()),
    ("reviewer and integrator", "reviewer", True, {Permission.VIEW_PARTNERS}),
    ("coordinator and integrator", "coordinator", True, {Permission.VIEW_PARTNERS}),
    ("administrator", "administrator", False, {Permission.VIEW_PARTNERS, Permission.MANAGE_PARTNERS}),
    ("administrator and integrator", "administrator", True, {Permission.VIEW_PARTNERS, Permission.MANAGE_PARTNERS}),
    ("a student marked so by mistake", "student", True, set()),
    ("a role that nobody knows", "boss", True, set()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "is_integrator", "allowed"), [one[1:] for one in WHO], ids=[one[0] for one in WHO]
)
def test_who_may_do_what_with_partners(role, is_integrator, allowed):
    about = {Permission.VIEW_PARTNERS, Permission.MANAGE_PARTNERS}
    somebody = Somebody(role, is_integrator)
    assert permissions_of(somebody) & about == allowed
    assert {one for one in about if user_allows(somebody, one)} == allowed


READS = ["/partners/", "{at}", "{at}calls/"]
MANAGES = [
    "/partners/new/", "/partners/settings/", "{at}change/", "{at}production/key/", "{at}production/suspend/",
    "{at}production/limit/", "{at}keys/{key}/revoke/",
]  # fmt: skip
DEEDS = [
    "/partners/new/", "/partners/settings/", "{at}change/", "{at}demo/client/", "{at}production/key/",
    "{at}production/suspend/", "{at}production/resume/", "{at}production/limit/", "{at}prepare-demo/",
    "{at}keys/{key}/revoke/",
]  # fmt: skip


def all_of(patterns, address, held):
    return [one.format(at=address, key=held.key.id) for one in patterns]


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.COORDINATOR, Role.ADMINISTRATOR])
def test_each_role_gets_its_pages(role, signed_in, address, held):
    client = signed_in(role)
    expected = 200 if role is Role.ADMINISTRATOR else 403
    for path in all_of(READS + MANAGES, address, held):
        assert client.get(path).status_code == expected, path
    if expected == 403:
        for path in all_of([*DEEDS, "{at}calls/export.csv"], address, held):
            assert client.post(path).status_code == 403, path


def test_an_integrator_reads_and_manages_nothing(integrator, address, held, school):
    for path in all_of(READS, address, held):
        assert integrator.get(path).status_code == 200, path
    assert integrator.post(f"{address}calls/export.csv").status_code == 200
    for path in all_of(MANAGES, address, held):
        assert integrator.get(path).status_code == 403, path
    for path in all_of(DEEDS, address, held):
        assert integrator.post(path, {"reason": "x", "name": "y"}).status_code == 403, path
    page = integrator.get(address).content.decode()
    assert held.key.fingerprint in page
    for word in ("Revoke", "New key", "Suspend", "Set up demo", "Change name"):
        assert word not in page
    assert 'href="/partners/"' in integrator.get("/students/").content.decode()


def test_staff_without_the_permission_have_no_such_section(signed_in):
    assert 'href="/partners/"' not in signed_in(Role.COORDINATOR).get("/students/").content.decode()


def test_another_schools_partner_is_nobodys(admin, other_school, held, school):
    theirs = a_partner(other_school.institution)
    at, nowhere = f"/partners/{theirs.client.partner_id}/", f"/partners/{uuid.uuid4()}/"
    for pattern in [*READS[1:], *MANAGES[2:]]:
        found, never = (admin.get(pattern.format(at=one, key=theirs.key.id)) for one in (at, nowhere))
        assert (found.status_code, never.status_code) == (404, 404), pattern
        assert text_of(found) == text_of(never)
    for pattern in DEEDS[2:]:
        assert admin.post(pattern.format(at=at, key=theirs.key.id), {"reason": "x"}).status_code == 404
    # A key of theirs under a partner of ours, and a key of one partner under another.
    other = a_partner(school.institution)
    for key in (theirs.key.id, other.key.id):
        assert admin.post(f"/partners/{held.client.partner_id}/keys/{key}/revoke/").status_code == 404
    with other_school.scope():
        assert PartnerKey.objects.get().revoked_at is None
    assert all(key.revoked_at is None for key in rows_of(school, PartnerKey))


@pytest.mark.parametrize("environment", ["staging", "PRODUCTION", "demo"])
def test_an_environment_that_is_not_there_is_not_found(admin, address, environment):
    assert admin.post(f"{address}{environment}/resume/").status_code == 404
    assert admin.get(f"{address}{environment}/key/").status_code == 404


# --- set-up ---------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_how_it_fills(admin, integrator):
    page = admin.get("/partners/").content.decode()
    assert "No partners yet" in page
    assert 'href="/partners/new/"' in page
    assert 'href="/partners/new/"' not in integrator.get("/partners/").content.decode()


def test_a_partner_is_added_and_let_into_production(admin, school):
    answer = admin.post("/partners/new/", {"name": "  Portal ", "contact_email": "it@portal.example"})
    (partner,) = rows_of(school, Partner)
    assert answer.headers["Location"] == f"/partners/{partner.id}/"
    assert (partner.name, partner.contact_email) == ("Portal", "it@portal.example")
    admin.post(f"/partners/{partner.id}/production/client/")
    admin.post(f"/partners/{partner.id}/production/client/")
    (client,) = rows_of(school, PartnerClient)
    assert (client.environment, client.acts_for) == ("production", school.institution.id)
    assert client.identifier in admin.get(f"/partners/{partner.id}/").content.decode()


def test_a_demo_client_acts_for_the_schools_twin(admin, school, address):
    answer = admin.post(f"{address}demo/client/", follow=True)
    with school.scope():
        twin = Institution.objects.get(id=school.institution.id).demo_institution
        assert PartnerClient.objects.get(environment="demo").acts_for == twin != school.institution.id
    assert "is being prepared" in text_of(answer)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "student PORTAL"}, "There is a partner of this name already"),
        ({"name": "x" * 121}, "at most 120 characters"),
        ({"name": "Other", "contact_email": "nobody"}, "Write an e-mail address"),
    ],
    ids=["no name", "taken", "too long", "no address"],
)
def test_what_is_wrong_stands_beside_its_field(admin, held, given, sentence, school):
    answer = admin.post("/partners/new/", given)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert len(rows_of(school, Partner)) == 1


def test_name_and_contact_change(admin, address, school):
    admin.post(f"{address}change/", {"name": "Gateway", "contact_email": ""})
    (partner,) = rows_of(school, Partner)
    assert (partner.name, partner.contact_email) == ("Gateway", "")


def test_a_name_is_never_markup(admin, address):
    admin.post(f"{address}change/", {"name": "<script>alert(1)</script>", "contact_email": ""})
    for path in (address, "/partners/", f"{address}calls/", f"{address}production/key/"):
        assert "<script>alert" not in admin.get(path).content.decode()


def test_suspending_asks_why_and_is_shown(admin, address, school):
    assert admin.post(f"{address}production/suspend/", {"reason": " "}).status_code == 422
    page = admin.post(f"{address}production/suspend/", {"reason": "A key was mailed"}, follow=True)
    assert "A key was mailed" in text_of(page)
    assert "Suspended" in text_of(admin.get("/partners/"))
    (client,) = rows_of(school, PartnerClient)
    assert client.suspended_at == NOW
    admin.post(f"{address}production/resume/")
    (client,) = rows_of(school, PartnerClient)
    assert client.suspended_at is None


@pytest.mark.parametrize("given", ["", "-1", "60001", "many", "1e3", "٣"])
def test_a_limit_that_cannot_be_is_refused(admin, address, given, school):
    answer = admin.post(f"{address}production/limit/", {"calls_per_minute": given})
    kept = rows_of(school, PartnerClient)[0].calls_per_minute
    assert (answer.status_code, kept) == ((302, 3) if given == "٣" else (422, 60_000))


def test_settings_are_kept_and_empty_months_mean_no_end(admin, school):
    admin.post("/partners/settings/", {"secure_token_minutes": "5", "membership_months": ""})
    with school.scope():
        kept = Institution.objects.get(id=school.institution.id)
        assert (kept.secure_token_minutes, kept.membership_months) == (5, None)
    assert admin.post("/partners/settings/", {"secure_token_minutes": "61"}).status_code == 422
    assert 'value="5"' in admin.get("/partners/settings/").content.decode()


# --- keys -----------------------------------------------------------------------------------------------------------


def seen_in(page):
    return re.search(r'name="seen"[^>]*value="([^"]*)"|name="seen"', page.content.decode()).group(1) or ""


def made_key(client, path, **given):
    form = client.get(path)
    return client.post(path, {"seen": seen_in(form), **given})


def shown_key(answer):
    found = re.search(r'id="encryption-key">([\w-]{43})<', answer.content.decode())
    return found.group(1) if found else None


def test_a_key_is_shown_once_in_the_answer_and_nowhere_else(admin, address, school):
    answer = made_key(admin, f"{address}production/key/", overlap="7")
    secret = shown_key(answer)
    assert answer.status_code == 200
    assert secret
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in str(dict(admin.session))
    assert secret not in "".join(map(str, answer.headers.values()))
    for path in (address, f"{address}production/key/", f"{address}calls/", "/partners/", "/activity/"):
        assert secret not in admin.get(path).content.decode()


def test_the_same_form_sent_again_makes_no_second_key(admin, address, school):
    path = f"{address}production/key/"
    seen = seen_in(admin.get(path))
    first = admin.post(path, {"seen": seen, "overlap": "7"})
    again = admin.post(path, {"seen": seen, "overlap": "7"}, follow=True)
    assert shown_key(first)
    assert not shown_key(again)
    assert "A key was made already" in text_of(again)
    assert len(rows_of(school, PartnerKey)) == 2


@pytest.mark.parametrize(("overlap", "days"), [("0", 0), ("1", 1), ("7", 7), ("30", 30)])
def test_the_older_key_stops_when_the_person_chose(admin, address, held, school, overlap, days):
    made_key(admin, f"{address}production/key/", overlap=overlap)
    ends = {key.id: key.ends_at for key in rows_of(school, PartnerKey)}
    assert ends.pop(held.key.id) == NOW + timedelta(days=days)
    assert list(ends.values()) == [None]


@pytest.mark.parametrize("overlap", ["", "2", "-1", "7 days", "\0"])
def test_an_overlap_that_is_not_offered_makes_no_key(admin, address, school, overlap):
    assert made_key(admin, f"{address}production/key/", overlap=overlap).status_code == 422
    assert len(rows_of(school, PartnerKey)) == 1


def test_beside_two_keys_a_third_can_only_take_their_place(admin, address, school):
    path = f"{address}production/key/"
    made_key(admin, path, overlap="7")
    assert "Two keys work now" in text_of(admin.get(path))
    assert made_key(admin, path, overlap="7").status_code == 422
    assert shown_key(made_key(admin, path, overlap="0"))
    living = [key for key in rows_of(school, PartnerKey) if key.ends_at is None]
    assert len(living) == 1


def test_the_first_key_asks_nothing(admin, school):
    admin.post("/partners/new/", {"name": "Portal"})
    (partner,) = rows_of(school, Partner)
    admin.post(f"/partners/{partner.id}/production/client/")
    path = f"/partners/{partner.id}/production/key/"
    assert "older" not in text_of(admin.get(path))
    assert shown_key(made_key(admin, path))


def test_revoking_says_what_stops_and_stops_it(admin, address, held, school):
    path = f"{address}keys/{held.key.id}/revoke/"
    asked = text_of(admin.get(path))
    assert "everything stops that Student portal does here" in asked
    assert rows_of(school, PartnerKey)[0].revoked_at is None
    keys.issue_key(client=held.client, by=BY, now=NOW)
    assert "calls under the other key go on" in text_of(admin.get(path))
    answer = admin.post(path, follow=True)
    assert "The key is revoked" in text_of(answer)
    assert rows_of(school, PartnerKey)[0].revoked_at == NOW
    assert "does not work any more" in text_of(admin.post(path, follow=True))


def test_revoking_the_newer_key_says_that_the_older_one_stops_too(admin, address, held, school):
    keys.issue_key(client=held.client, by=BY, now=NOW, ends_previous_at=NOW + timedelta(days=7))
    (newer,) = [key for key in rows_of(school, PartnerKey) if key.ends_at is None]
    assert "go on only until" in text_of(admin.get(f"{address}keys/{newer.id}/revoke/"))
    older = f"{address}keys/{held.key.id}/revoke/"
    assert "calls under the other key go on." in text_of(admin.get(older))


# --- health and the list --------------------------------------------------------------------------------------------


def names_in(page):
    table = re.search(r"<tbody>(.*?)</tbody>", page.content.decode(), re.S)
    return re.findall(r'<th scope="row"[^>]*><a[^>]*>([^<]*)<', table.group(1)) if table else []


@pytest.fixture
def three(school):
    """One that works and calls, one whose key is gone, one that is not set up."""
    busy = a_partner(school.institution, name="Busy")
    with_calls(busy, 16)
    broken = a_partner(school.institution, name="Broken")
    keys.revoke_key(key=broken.key, by=BY, now=NOW)
    with school.scope():
        clients.create_partner(institution=school.institution, name="New", contact_email="", by=BY, now=NOW)
    return busy, broken


def test_the_list_begins_with_health(admin, three):
    page = text_of(admin.get("/partners/"))
    assert "Last call" in page
    assert "Calls in 24 hours 16 6 were refused" in page
    assert "Needs attention 2" in page
    assert "Not set up yet" in page
    assert "38%" in page


LISTS = [
    ("", ["Broken", "Busy", "New"]),
    ("?sort=-name", ["New", "Busy", "Broken"]),
    ("?sort=-calls", ["Busy", "Broken", "New"]),
    ("?sort=standing", ["Broken", "Busy", "New"]),
    ("?sort=-last", ["Busy", "Broken", "New"]),
    ("?sort=-refused", ["Busy", "Broken", "New"]),
    ("?sort=environment", ["New", "Broken", "Busy"]),
    ("?q=bUs", ["Busy"]),
    ("?state=care", ["Broken", "New"]),
    ("?state=no_key", ["Broken"]),
    ("?environment=production", ["Broken", "Busy"]),
    ("?environment=demo", []),
    ("?sort=drop&state=x&environment=%00&q=%00&page=-1&size=9", ["Broken", "Busy", "New"]),
]


@pytest.mark.parametrize(("query", "names"), LISTS, ids=[one[0] or "plain" for one in LISTS])
def test_the_list_is_filtered_and_sorted(admin, three, query, names):
    assert names_in(admin.get(f"/partners/{query}")) == names


def test_the_list_has_pages(admin, school):
    with school.scope():
        Partner.objects.bulk_create(
            Partner(institution=school.institution, name=f"Partner {n:03}", created_at=NOW) for n in range(30)
        )
    assert names_in(admin.get("/partners/?page=2"))[0] == "Partner 025"
    assert names_in(admin.get("/partners/?page=999"))[0] == "Partner 025"


def test_the_number_of_queries_does_not_grow_with_the_partners(admin, school):
    a_partner(school.institution)
    with CaptureQueriesContext(
        connection,
    ) as few:
        admin.get("/partners/")
    for _ in range(5):
        a_partner(school.institution)
    with CaptureQueriesContext(connection) as many:
        admin.get("/partners/")
    assert len(many) == len(few)


def test_a_key_tells_when_it_was_last_used_while_it_worked(admin, school):
    made = a_partner(school.institution, now=NOW - timedelta(days=9))
    unused = keys.issue_key(client=made.client, by=BY, now=NOW - timedelta(days=1),
        ends_previous_at=NOW - timedelta(hours=1),
    )  # fmt: skip
    with_calls(made, 3, until=NOW - timedelta(hours=5))
    with school.scope():
        lines = queries.clients_of(Partner.objects.get(), now=NOW)[Environment.PRODUCTION].keys
    used = {line.key.id: line.last_used for line in lines}
    assert used == {made.key.id: NOW - timedelta(hours=5), unused.key.id: None}
