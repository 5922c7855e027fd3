"""The addresses of the portal, under /my/. Those that lead to a first sign-in are in `entry_urls`."""

from django.urls import include, path

from pratique.interfaces.portal.views import home, settings

urlpatterns = [
    path("", home.home, name="portal_home"),
    path("settings/", settings.settings, name="portal_settings"),
    path("", include("pratique.interfaces.portal.file_urls")),
]
