from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "pratique.reports"
    label = "reports"
