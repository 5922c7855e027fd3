from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "pratique.compliance"
    label = "compliance"
