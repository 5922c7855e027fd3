"""The addresses of the console."""

from django.urls import path

from pratique.interfaces.console.views import activity, help, outbox, rosters, students

urlpatterns = [
    path("", students.students, name="dashboard"),
    path("reports/", students.students, name="reports"),
    path("students/", students.students, name="students"),
    path("students/columns/", students.student_columns, name="student_columns"),
    path("students/<uuid:student_id>/", students.student, name="student"),
    path("rosters/", rosters.rosters, name="rosters"),
    path("rosters/new/", rosters.roster_upload, name="roster_upload"),
    path("rosters/<uuid:import_id>/", rosters.roster, name="roster"),
    path("rosters/<uuid:import_id>/columns/", rosters.roster_columns, name="roster_columns"),
    path("rosters/<uuid:import_id>/confirm/", rosters.roster_confirm, name="roster_confirm"),
    path("rosters/<uuid:import_id>/cancel/", rosters.roster_cancel, name="roster_cancel"),
    path("rosters/<uuid:import_id>/results.csv", rosters.roster_results, name="roster_results"),
    path("activity/", activity.activity, name="activity"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("help/", help.help_page, name="help"),
]
