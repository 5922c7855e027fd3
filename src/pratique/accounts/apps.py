from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "pratique.accounts"
    label = "accounts"
