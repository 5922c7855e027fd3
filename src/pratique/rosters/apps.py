from django.apps import AppConfig


class RostersConfig(AppConfig):
    name = "pratique.rosters"
    label = "rosters"
