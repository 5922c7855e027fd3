"""The addresses of the integrators' pages, under /developers/. The manual links to its files from where it is."""

from django.urls import path

from pratique.interfaces.partner.views import documentation

urlpatterns = [
    path("", documentation.developers, name="developers"),
    path("partner-api/", documentation.partner_api, name="developers_partner_api"),
    path("partner-api/vectors.json", documentation.vectors, name="developers_vectors"),
    path("partner-api/examples/<str:name>", documentation.example, name="developers_example"),
]
