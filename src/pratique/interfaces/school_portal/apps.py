from django.apps import AppConfig


class SchoolPortalConfig(AppConfig):
    name = "pratique.interfaces.school_portal"
    label = "school_portal"
