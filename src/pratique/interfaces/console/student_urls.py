"""What the console does about one student, beside the pages in `urls`."""

from django.urls import path

from pratique.interfaces.console.views import student_links

urlpatterns = [
    path("students/<uuid:student_id>/link/", student_links.send, name="student_send_link"),
]
