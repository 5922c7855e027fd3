from django.apps import AppConfig


class InstitutionsConfig(AppConfig):
    name = "pratique.institutions"
    label = "institutions"
