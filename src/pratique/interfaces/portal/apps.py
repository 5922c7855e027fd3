from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "pratique.interfaces.portal"
    label = "portal"
