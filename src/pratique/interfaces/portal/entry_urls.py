"""The addresses that lead into the portal: open to anybody, of no institution until a link or a login names one."""

from django.urls import path

from pratique.interfaces.portal.views import entry, invited, language

urlpatterns = [
    path("start/", entry.start, name="entry"),
    path("start/open/", entry.open_account, name="entry_open"),
    path("start/fresh/", entry.fresh, name="entry_fresh"),
    path("start/ask/", entry.ask, name="entry_ask"),
    path("start/help/", invited.start, name="entry_help"),
    path("start/help/open/", invited.open_account, name="entry_help_open"),
    path("start/<str:token>/", entry.link, name="entry_link"),
    path("language/", language.choose, name="language"),
]
