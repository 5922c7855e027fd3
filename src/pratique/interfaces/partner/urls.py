"""The addresses of the partner API, the secure token link and the integrators' pages."""

from django.urls import include, path, re_path

from pratique.interfaces.partner.views import calls

urlpatterns = [
    path("partner/v1/authenticate", calls.authenticate, name="partner_authenticate"),
    path("partner/v1/<str:method>", calls.call, name="partner_call"),
    # A machine that has mistaken the address must not be sent a page.
    re_path("^partner/", calls.elsewhere, name="partner_elsewhere"),
    path("sso/", include("pratique.interfaces.partner.sso_urls")),
    path("developers/", include("pratique.interfaces.partner.developers_urls")),
]
