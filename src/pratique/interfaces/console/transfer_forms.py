"""Forms about file transfer. They translate; what can be kept is decided by `transfers.actions`."""

from django import forms
from django.utils.translation import gettext_lazy as _

from pratique.transfers import account_rules as rules

_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class TextArea(forms.Textarea):
    """A field of several lines, drawn as a field rather than as a choice."""

    input_type = "textarea"


class AccountForm(forms.Form):
    """Who brings files."""

    name = forms.CharField(
        label=_("Name"),
        max_length=rules.LONGEST_NAME,
        help_text=_("The system that brings files, such as “Student information system”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    username_part = forms.CharField(
        label=_("Username"),
        max_length=rules.LONGEST_PART,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    contact_email = forms.CharField(
        label=_("E-mail of the people who run it"),
        required=False,
        max_length=254,
        help_text=_("They are told when a file was processed or not, and when the account is suspended."),
        widget=forms.TextInput(attrs={"type": "email", **_PLAIN}),
    )


class ChangeForm(AccountForm):
    """What of an account may change: all but its username."""

    username_part = None  # type: ignore[assignment]
    networks = forms.CharField(
        label=_("Networks that it may come from"),
        required=False,
        max_length=4000,
        help_text=_(
            "One in a line, such as 203.0.113.0/24 or 203.0.113.7. Empty: it may come from anywhere."
        ),
        widget=TextArea(attrs={"rows": 3, **_PLAIN}),
    )
    most_sessions = forms.IntegerField(
        label=_("Sessions at once"),
        min_value=1,
        max_value=rules.MOST_SESSIONS,
        help_text=_("From 1 to 50. Some clients open several to move many files."),
        error_messages=dict.fromkeys(
            ("min_value", "max_value", "invalid"), _("Choose a number from 1 to 50.")
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class ReasonForm(forms.Form):
    """Why an account is suspended, or let in again."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=rules.LONGEST_REASON,
        help_text=_("Your colleagues read it here and in the activity list."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class KeyForm(forms.Form):
    """A public key, pasted or as a file."""

    text = forms.CharField(
        label=_("Public key"),
        required=False,
        strip=False,
        help_text=_("It begins with ssh-rsa AAAA. What PuTTYgen saves as public key is fine, too."),
        widget=TextArea(attrs={"rows": 5, **_PLAIN}),
    )
    file = forms.FileField(label=_("Or its file"), required=False, allow_empty_file=True)
    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=rules.LONGEST_LABEL,
        help_text=_(
            "Where it is used, such as the server’s name. Empty: the comment that stands in the key."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class SettingsForm(forms.Form):
    """What holds for all accounts of the school."""

    repeated_file = forms.ChoiceField(
        label=_("When a file comes with the same bytes as the last one"),
        choices=[
            ("suspend", _("Suspend the account")),
            ("ignore", _("Ignore the file")),
        ],
        help_text=_(
            "It is not processed a second time in either case. A suspended account waits for an administrator; an "
            "ignored file is noted in the log."
        ),
    )


class DestinationForm(forms.Form):
    """A folder on somebody else's server."""

    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("What you call it, such as “Housing office”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    host = forms.CharField(
        label=_("Host"),
        max_length=253,
        help_text=_("Such as sftp.example.edu, without sftp:// in front."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    port = forms.IntegerField(
        label=_("Port"),
        min_value=1,
        max_value=65535,
        initial=22,
        error_messages=dict.fromkeys(
            ("min_value", "max_value", "invalid"), _("Choose a number from 1 to 65535.")
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    username = forms.CharField(
        label=_("Username there"), max_length=120, widget=forms.TextInput(attrs=_PLAIN)
    )
    folder = forms.CharField(
        label=_("Folder there"),
        required=False,
        max_length=400,
        help_text=_("Empty: the folder in which the sign-in ends."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    contact_email = forms.CharField(
        label=_("E-mail of the people who run it"),
        required=False,
        max_length=254,
        help_text=_("They are told when deliveries stop or keep failing."),
        widget=forms.TextInput(attrs={"type": "email", **_PLAIN}),
    )
    allow_old_algorithms = forms.BooleanField(
        label=_("Allow old algorithms (SHA-1): only for a server that knows no others"), required=False
    )


class PasswordForm(forms.Form):
    """The password that our client signs in with. It is never shown again."""

    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        help_text=_("It is kept encrypted, and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class KeyKindForm(forms.Form):
    """Which kind of key pair our client gets."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            ("ed25519", _("Ed25519, for servers of the last ten years")),
            ("rsa", _("RSA with 3072 bits, for older ones")),
        ],
    )


class HostKeyForm(forms.Form):
    """A host key that their people sent."""

    host_key = forms.CharField(
        label=_("Their host key"),
        max_length=8000,
        help_text=_("A line of known_hosts, or what the file ending in .pub says."),
        widget=TextArea(attrs={"rows": 3, **_PLAIN}),
    )
