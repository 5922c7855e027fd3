"""The addresses of a student's files, under /my/."""

from django.urls import path

from pratique.interfaces.portal.views import files, uploads

urlpatterns = [
    path("submissions/<uuid:submission_id>/files/", files.files, name="portal_files"),
    path("submissions/<uuid:submission_id>/pages/", files.page_order, name="portal_page_order"),
    path("submissions/<uuid:submission_id>/uploads/", uploads.upload, name="portal_upload"),
    path("uploads/<uuid:file_id>/", uploads.upload_part, name="portal_upload_part"),
    path("files/<uuid:file_id>/remove/", files.file, name="portal_file_remove"),
    path("files/<uuid:file_id>/original/", files.original, name="portal_original"),
    path("pages/<uuid:page_id>/", files.page, name="portal_page"),
    path("pages/<uuid:page_id>/image/", files.page_image, name="portal_page_image"),
    path("pages/<uuid:page_id>/thumbnail/", files.page_thumbnail, name="portal_page_thumbnail"),
]
