from django.apps import AppConfig


class RequirementsConfig(AppConfig):
    name = "pratique.requirements"
    label = "requirements"
