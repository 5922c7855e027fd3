"""The addresses of the portal, under /my/. Those that lead to a first sign-in are in `entry_urls`."""

from django.urls import include, path

urlpatterns = [
    path("", include("pratique.interfaces.portal.page_urls")),
    path("settings/", include("pratique.interfaces.portal.settings_urls")),
    path("", include("pratique.interfaces.portal.file_urls")),
]
