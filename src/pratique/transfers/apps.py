from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "pratique.transfers"
    label = "transfers"
