"""The application's settings with the floor's address added."""

from pratique.config.settings import *  # noqa: F403

ROOT_URLCONF = "serving_urls"
