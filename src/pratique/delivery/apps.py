from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "pratique.delivery"
    label = "delivery"
