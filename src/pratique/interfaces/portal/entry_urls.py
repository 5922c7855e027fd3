"""The addresses that lead into the portal: open to anybody, of no institution until a link or a login names one."""

from django.urls import path

from pratique.interfaces.portal.views import entry, language

urlpatterns = [
    path("start/", entry.start, name="portal_start"),
    path("start/open/", entry.open_account, name="portal_start_open"),
    path("start/fresh/", entry.fresh, name="portal_start_fresh"),
    path("start/ask/", entry.ask, name="portal_ask_link"),
    path("start/<str:token>/", entry.link, name="portal_start_link"),
    path("language/", language.choose, name="language"),
]
