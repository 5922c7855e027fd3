"""The addresses of the console."""

from django.urls import path

from pratique.interfaces.console.views import (
    activity,
    help,
    home,
    outbox,
    reports,
    review_files,
    rosters,
    students,
)

urlpatterns = [
    path("", home.home, name="dashboard"),
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
    path("reports/", reports.reports, name="reports"),
    path("reports/runs/<uuid:run_id>/", reports.report_run, name="report_run"),
    path("reports/runs/<uuid:run_id>/cancel/", reports.report_run_cancel, name="report_run_cancel"),
    path("reports/runs/<uuid:run_id>/file/", reports.report_run_file, name="report_run_file"),
    path("reports/<slug:key>/", reports.report, name="report"),
    path("reports/<slug:key>/download/", reports.report_download, name="report_download"),
    path("activity/", activity.activity, name="activity"),
    path("activity/export.csv", activity.activity_export, name="activity_export"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<int:message_id>/", outbox.outbox_message, name="outbox_message"),
    path("help/", help.help_page, name="help"),
    path("review/pages/<uuid:page_id>/", review_files.review_page_image, name="review_page_image"),
    path(
        "review/pages/<uuid:page_id>/thumbnail/",
        review_files.review_page_thumbnail,
        name="review_page_thumbnail",
    ),
]
