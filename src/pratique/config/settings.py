"""Django's settings. Every value comes from the environment (`.env.example` explains each) with a safe default."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from pratique.config import environment
from pratique.foundation import logging as pratique_logging

ROOT = environment.project_root()
environment.load_env_file(ROOT / ".env")
VAR = Path(os.environ.get("PRATIQUE_VAR", ROOT / "var"))
PACKAGE = Path(__file__).resolve().parents[1]

# --- who reaches us, and how -----------------------------------------------------------------------------------

PORT = int(os.environ.get("PRATIQUE_PORT", "8000"))
BASE_URL = os.environ.get("PRATIQUE_BASE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
_address = urlsplit(BASE_URL)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
if _address.scheme not in {"http", "https"} or not _address.hostname:
    raise ImproperlyConfigured(
        "PRATIQUE_BASE_URL must be a whole address, such as https://health.example.edu."
    )
if _address.scheme == "http" and _address.hostname not in _LOOPBACK:
    raise ImproperlyConfigured(
        "PRATIQUE_BASE_URL names a host of the network over http: health records need https. "
        "Put a TLS proxy in front and write https://..."
    )
HTTPS = _address.scheme == "https"
ALLOWED_HOSTS = [_address.hostname, *_LOOPBACK] if _address.hostname in _LOOPBACK else [_address.hostname]
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "pratique.accounts.store"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
# A message ends with the session, as a cookie would not.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

DEBUG = False
SECRET_KEY = os.environ.get("PRATIQUE_SECRET_KEY") or environment.persistent_secret(
    VAR / "secrets" / "django"
)

# --- the parts -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
    "pratique.foundation",
    "pratique.institutions",
    "pratique.accounts",
    "pratique.students",
    "pratique.records",
    "pratique.requirements",
    "pratique.compliance",
    "pratique.reviews",
    "pratique.rosters",
    "pratique.transfers",
    "pratique.partners",
    "pratique.reminders",
    "pratique.reports",
    "pratique.delivery",
    "pratique.screens",
    "pratique.interfaces.console",
    "pratique.interfaces.portal",
    "pratique.interfaces.partner",
    "pratique.interfaces.school_portal",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "pratique.screens.middleware.ContentSecurityPolicy",
    "pratique.interfaces.school_portal.middleware.AnotherSystem",
    "pratique.screens.machines.ForMachines",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pratique.screens.body_limit.LimitBody",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "pratique.accounts.middleware.InstitutionOfSession",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pratique.screens.middleware.RequirePermission",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "pratique.config.urls"
WSGI_APPLICATION = "pratique.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "screens" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "pratique.interfaces.console.context.console",
                "pratique.interfaces.portal.context.portal",
            ],
        },
    }
]

# --- database: `default` is the application's role, `owner` makes and changes tables ------------------------------

DATABASE_IS_EMBEDDED = not os.environ.get("DATABASE_URL")
EMBEDDED_POSTGRES = environment.embedded(VAR)
DATABASES = {
    "default": environment.django_database(environment.database_url(VAR), pool=True),
    "owner": environment.django_database(environment.database_url(VAR, owner=True), pool=False),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- sign-in ---------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["pratique.accounts.backends.StaffBackend"]
ACCOUNT_ADAPTER = "pratique.accounts.adapter.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False  # a shared desk is the rule: closing the browser signs out
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",  # a campus comes from one address; allauth's 30 would keep out most of a class
    "login_failed": "10/m/ip,5/5m/key",
    "ask_link": "20/h/ip",
    "text_code": "5/h/user",
}
# Limits are by address of the person, which only the proxies in front of us know: else one attacker locks out all.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("PRATIQUE_PROXIES", "1" if HTTPS else "0"))
ACCOUNT_FORMS = {
    "login": "pratique.accounts.forms.SignIn",
    "reset_password": "pratique.accounts.forms.ResetPassword",
}
CSRF_FAILURE_VIEW = "pratique.screens.errors.csrf_failed"
MFA_ADAPTER = "pratique.accounts.adapter.SecondStep"
MFA_FORMS = {
    "login_webauthn": "pratique.accounts.forms.PasskeySignIn",
    "authenticate_webauthn": "pratique.accounts.forms.SecurityKey",
    "reauthenticate_webauthn": "pratique.accounts.forms.PasskeyAgain",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # a username is unique within its institution, not in the installation
]

# Limits on tries are counted here, by all processes that serve together; nothing about a person is kept in it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR / "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# --- mail: a local outbox that can be browsed, or SMTP -------------------------------------------------------------

EMAIL_HOST = os.environ.get("PRATIQUE_SMTP_HOST", "")
EMAIL_PORT = int(os.environ.get("PRATIQUE_SMTP_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("PRATIQUE_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("PRATIQUE_SMTP_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("PRATIQUE_SMTP_TLS", "1") == "1"
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "pratique.connectors.mail.outbox.OutboxBackend"
)
DEFAULT_FROM_EMAIL = os.environ.get("PRATIQUE_MAIL_FROM", "Pratique <no-reply@pratique.invalid>")
MAIL_OUTBOX = VAR / "outbox.sqlite3"

# --- texts: the same outbox, or a provider over HTTP (connectors/sms/http.py says what it must speak) ---------------

TEXT_URL = os.environ.get("PRATIQUE_SMS_URL", "")
TEXT_TOKEN = os.environ.get("PRATIQUE_SMS_TOKEN", "")
TEXT_SENDER = (
    "pratique.connectors.sms.http.HttpTexts" if TEXT_URL else "pratique.connectors.sms.outbox.OutboxTexts"
)
_provider = urlsplit(TEXT_URL)
if TEXT_URL and not (
    _provider.scheme == "https" or (_provider.scheme == "http" and _provider.hostname in _LOOPBACK)
):
    raise ImproperlyConfigured("PRATIQUE_SMS_URL must begin with https://: it is sent numbers and a token.")

# --- words, times, files -----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
# Each is called as its own readers call it.
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [PACKAGE / "locale"]
FORMAT_MODULE_PATH = "pratique.config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [("vendor", ROOT / "assets")]
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
REPORT_FILES = VAR / "reports"
# A roster has at most 64 MiB; the form around it needs a little.
LARGEST_UPLOAD = 66 * 1024 * 1024
LARGEST_BODY_OF_STRANGERS = 1024 * 1024
# A large file waits here while it comes in: never in a folder that others can read.
FILE_UPLOAD_TEMP_DIR = VAR / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- files of students: sealed by the vault, scanned where there is a scanner ---------------------------------------

# Who holds the key that wraps each institution's data key (foundation.vault.providers).
VAULT_PROVIDER = os.environ.get("PRATIQUE_VAULT_PROVIDER", "local")
VAULT_MASTER_KEY = VAR / "secrets" / "vault"
environment.persistent_secret(VAULT_MASTER_KEY)
# With `pkcs11`: the HSM's library, the label of its token, the file that holds its PIN, the label of the wrapping key.
PKCS11_MODULE = os.environ.get("PRATIQUE_PKCS11_MODULE", "")
PKCS11_TOKEN = os.environ.get("PRATIQUE_PKCS11_TOKEN", "pratique")
PKCS11_PIN_FILE = os.environ.get("PRATIQUE_PKCS11_PIN_FILE", "")
PKCS11_KEY = os.environ.get("PRATIQUE_PKCS11_KEY", "pratique-vault")
# With `kms`: the key's id, ARN or alias; another address than Amazon's, for what speaks like it.
KMS_KEY = os.environ.get("PRATIQUE_KMS_KEY", "")
KMS_ENDPOINT = os.environ.get("PRATIQUE_KMS_ENDPOINT", "")
AWS_REGION = os.environ.get("PRATIQUE_AWS_REGION", "us-east-1")
# Where sealed files are kept (foundation.storage): a folder, or a bucket of S3 or of what speaks like it.
S3_BUCKET = os.environ.get("PRATIQUE_S3_BUCKET", "")
S3_ENDPOINT = os.environ.get("PRATIQUE_S3_ENDPOINT", "")
S3_PREFIX = os.environ.get("PRATIQUE_S3_PREFIX", "")
FILE_STORE = (
    "pratique.foundation.object_storage.Bucket" if S3_BUCKET else "pratique.foundation.storage.LocalFolder"
)
FILES = VAR / "files"
# ClamAV's daemon, `host:port` or the path of a socket; empty: files are not scanned.
CLAMD = os.environ.get("CLAMD", "")

# --- file transfer (SFTP) ---------------------------------------------------------------------------------------

SFTP_ADDRESS = os.environ.get("PRATIQUE_SFTP_ADDRESS", "127.0.0.1")
SFTP_PORT = int(os.environ.get("PRATIQUE_SFTP_PORT", "2222"))
# The host and port that schools are told; they differ from ours behind a load balancer.
SFTP_PUBLIC_HOST = os.environ.get("PRATIQUE_SFTP_PUBLIC_HOST", _address.hostname)
SFTP_PUBLIC_PORT = int(os.environ.get("PRATIQUE_SFTP_PUBLIC_PORT", str(SFTP_PORT)))
SFTP_PROCESSES = int(os.environ.get("PRATIQUE_SFTP_PROCESSES", "0"))  # 0: by the number of cores
SFTP_ED25519 = os.environ.get("PRATIQUE_SFTP_ED25519", "0") == "1"
# How long nothing must have happened to a complete upload before it is taken.
SFTP_SETTLE_SECONDS = float(os.environ.get("PRATIQUE_SFTP_SETTLE_SECONDS", "3"))
# A session in which nothing came for so long ends.
SFTP_IDLE_SECONDS = float(os.environ.get("PRATIQUE_SFTP_IDLE_SECONDS", "600"))
# Connections that one source may open in a minute (0: any number), and networks that are never slowed down or turned
# away for what others do there: a load balancer's, ours. Those that accounts list are so too.
SFTP_LOGINS_A_MINUTE = int(os.environ.get("PRATIQUE_SFTP_LOGINS_A_MINUTE", "30"))
SFTP_TRUSTED = os.environ.get("PRATIQUE_SFTP_TRUSTED", "127.0.0.1/32 ::1/128").split()
SFTP_HOST_KEYS = VAR / "secrets" / "ssh"
SFTP_SPOOL = VAR / "spool"
# Networks inside of which a customer's server may lie that we deliver to. Other addresses that are not public are never
# connected to: whoever may set up a destination could ask for the ports of our own machines by them.
DELIVERY_NETWORKS = os.environ.get(
    "PRATIQUE_DELIVERY_NETWORKS", "127.0.0.0/8 ::1/128" if _address.hostname in _LOOPBACK else ""
).split()
# Where figures can be read (Prometheus), on 127.0.0.1; 0: nowhere.
SFTP_METRICS_PORT = int(os.environ.get("PRATIQUE_SFTP_METRICS_PORT", "0"))

PROCRASTINATE_IMPORT_PATHS = [
    "pratique.institutions.tasks",
    "pratique.records.tasks",
    "pratique.compliance.tasks",
    "pratique.rosters.tasks",
    "pratique.reports.tasks",
    "pratique.students.tasks",
    "pratique.partners.tasks",
    "pratique.transfers.tasks",
    "pratique.reminders.tasks",
    "pratique.delivery.tasks",
]

LOGGING_CONFIG = None
pratique_logging.configure(
    json=os.environ.get("PRATIQUE_LOG_FORMAT", "console") == "json",
    level=os.environ.get("PRATIQUE_LOG_LEVEL", "INFO"),
)
