from django.apps import AppConfig


class StudentsConfig(AppConfig):
    name = "pratique.students"
    label = "students"
