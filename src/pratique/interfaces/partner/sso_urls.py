"""The addresses of the secure token link, under /sso/. Whatever follows the slash is taken for a token."""

from django.urls import path

from pratique.interfaces.partner.views import sso

urlpatterns = [
    path("", sso.link, name="partner_sso"),
    path("<path:token>", sso.link, name="partner_sso_link"),
]
