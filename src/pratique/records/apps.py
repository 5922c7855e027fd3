from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "pratique.records"
    label = "records"
