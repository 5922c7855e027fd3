"""The partner that the benchmarks call as: made once in the parent, known to the children by the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

import population

# Whom the school knows has been here before: each has an account without a password.
_ACCOUNTS = """
    with opened as (
        insert into accounts_user (institution_id, id, username, email, name, role, password, is_integrator,
            is_active, language, created_at)
        select institution_id, gen_random_uuid(), username, email, first_name || ' ' || last_name, 'student', '!',
            false, true, '', created_at
        from students_student where institution_id = %(institution)s
        returning institution_id, id, username
    )
    insert into students_studentaccount (institution_id, id, student_id, user_id, notify_by_mail, notify_by_text,
        text_number, activated_at)
    select o.institution_id, gen_random_uuid(), s.id, o.id, true, false, '', s.created_at
    from opened o join students_student s on s.institution_id = o.institution_id and s.username = o.username
"""
_CLIENT, _KEY = "BENCH_CLIENT_ID", "BENCH_ENCRYPTION_KEY"
_MOST = 60_000


def prepared(n: int) -> population.School:
    """Return the school of `n` students with a partner."""
    school = population.prepared(n)
    if _CLIENT not in os.environ:
        os.environ[_CLIENT], os.environ[_KEY] = _made()
        with psycopg.connect(school.url("postgres")) as owner:
            owner.execute(_ACCOUNTS, {"institution": population.INSTITUTION})
    return school


def _made() -> tuple[str, str]:
    from pratique.foundation import clock
    from pratique.foundation.audit import Actor
    from pratique.foundation.tenancy import institution_scope
    from pratique.institutions.models import Institution
    from pratique.partners.actions.clients import create_client, create_partner
    from pratique.partners.actions.keys import issue_key
    from pratique.partners.models import Environment

    by, now = Actor("command", "bench"), clock.now()
    with institution_scope(population.INSTITUTION):
        institution = Institution.objects.get(id=population.INSTITUTION)
        partner = create_partner(institution=institution, name="Bench", contact_email="", by=by, now=now)
        client = create_client(
            partner=partner, environment=Environment.PRODUCTION, acts_for=institution.id, by=by, now=now,
            calls_per_minute=_MOST,
        )  # fmt: skip
    with institution_scope(population.INSTITUTION):
        issued = issue_key(client=client, by=by, now=now, ends_previous_at=None)
    return client.identifier, issued.encryption_key


def credentials() -> tuple[str, str]:
    """Return the client id and the key (base64url)."""
    return os.environ[_CLIENT], os.environ[_KEY]


@contextmanager
def client(port: int) -> Iterator["object"]:
    """Yield the product's own client for the server on `port`."""
    from pratique.partner_client.client import PartnerClient

    identifier, key = credentials()
    yield PartnerClient(f"http://127.0.0.1:{port}", identifier, key, timeout=120)
