"""Every address of the web process, and the floor's."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

import population
from pratique.config.urls import *  # noqa: F403
from pratique.config.urls import urlpatterns as _of_the_product
from pratique.foundation.tenancy import institution_scope
from pratique.screens.permissions import Access, requires
from pratique.students.models import Student


@requires(Access.PUBLIC)
def one_select(request: HttpRequest, student_id: str) -> HttpResponse:
    """Answer with one row, found by its index, as any page of a school would."""
    with institution_scope(population.INSTITUTION):
        found = Student.objects.filter(student_id=student_id).values_list("username", "account_token").first()
    return HttpResponse(" ".join(found or ()), content_type="text/plain")


urlpatterns = [path("bench/one/<str:student_id>/", one_select), *_of_the_product]
