from django.apps import AppConfig


class PartnerConfig(AppConfig):
    name = "pratique.interfaces.partner"
    label = "partner"
