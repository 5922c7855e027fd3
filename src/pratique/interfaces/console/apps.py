from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "pratique.interfaces.console"
    label = "console"
