from django.apps import AppConfig


class ScreensConfig(AppConfig):
    name = "pratique.screens"
    label = "screens"
