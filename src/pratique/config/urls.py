"""Every address of the web process."""

from django.urls import include, path

from pratique.config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("pratique.interfaces.partner.urls")),
    path("account/", include("allauth.urls")),
    path("", include("pratique.interfaces.portal.entry_urls")),
    path("my/", include("pratique.interfaces.portal.urls")),
    path("", include("pratique.interfaces.console.student_urls")),
    path("", include("pratique.interfaces.console.urls")),
]

handler400 = "pratique.screens.errors.bad_request"
handler403 = "pratique.screens.errors.forbidden"
handler404 = "pratique.screens.errors.not_found"
handler429 = "pratique.screens.errors.too_many_requests"
handler500 = "pratique.screens.errors.server_error"
