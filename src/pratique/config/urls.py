"""Every address of the web process."""

from django.urls import include, path

from pratique.config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("account/", include("allauth.urls")),
    path("", include("pratique.interfaces.console.urls")),
]

handler400 = "pratique.interfaces.console.views.errors.bad_request"
handler403 = "pratique.interfaces.console.views.errors.forbidden"
handler404 = "pratique.interfaces.console.views.errors.not_found"
handler429 = "pratique.interfaces.console.views.errors.too_many_requests"
handler500 = "pratique.interfaces.console.views.errors.server_error"
