from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "pratique.reminders"
    label = "reminders"
