from django.apps import AppConfig


class PartnersConfig(AppConfig):
    name = "pratique.partners"
    label = "partners"
