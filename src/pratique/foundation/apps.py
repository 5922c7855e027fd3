from django.apps import AppConfig


class FoundationConfig(AppConfig):
    name = "pratique.foundation"
    label = "foundation"
    default_auto_field = "django.db.models.UUIDField"
