"""The addresses of the partner API, the secure token link and the integrators' pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
