"""Every address of the web process."""

from django.urls import include, path

urlpatterns = [
    path("account/", include("allauth.urls")),
    path("", include("pratique.interfaces.console.urls")),
]
