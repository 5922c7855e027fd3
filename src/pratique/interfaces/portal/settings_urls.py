"""The addresses of the settings, under /my/settings/."""

from django.urls import path

from pratique.interfaces.portal.views import settings

urlpatterns = [
    path("", settings.settings, name="portal_settings"),
    path("mail/", settings.mail, name="portal_settings_mail"),
    path("number/", settings.text_number, name="portal_settings_number"),
    path("code/", settings.text_code, name="portal_settings_code"),
    path("password/", settings.password, name="portal_password"),
    path("passkeys/new/", settings.passkey_add, name="portal_passkey_add"),
    path("passkeys/<int:passkey_id>/", settings.passkey_remove, name="portal_passkey_remove"),
    path("sign-out-everywhere/", settings.sign_out_everywhere, name="portal_sign_out_everywhere"),
]
