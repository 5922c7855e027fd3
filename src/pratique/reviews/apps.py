from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "pratique.reviews"
    label = "reviews"
