"""The addresses of the student's pages, under /my/."""

from django.urls import path

from pratique.interfaces.portal.views import (
    guardians,
    hand_in,
    home,
    item,
    messages,
    receipt,
    record,
    seen,
    signing,
    tracker,
)

urlpatterns = [
    path("", home.home, name="portal_home"),
    path("tracker/", tracker.choose, name="portal_tracker"),
    path("requirements/<uuid:membership_id>/<str:key>/", item.item, name="portal_item"),
    path("requirements/<uuid:membership_id>/<str:key>/date.ics", item.calendar, name="portal_calendar"),
    path("hand-in/", hand_in.start, name="portal_start"),
    path("hand-in/<uuid:submission_id>/send/", receipt.send, name="portal_send"),
    path("hand-in/<uuid:submission_id>/discard/", hand_in.discard, name="portal_discard"),
    path("hand-in/<uuid:submission_id>/<str:step>/", hand_in.step, name="portal_step"),
    path("hand-in/<uuid:submission_id>/<str:step>/check/", hand_in.check, name="portal_check"),
    path("vaccines/", hand_in.vaccines, name="portal_vaccines"),
    path("handed-in/<uuid:submission_id>/", receipt.receipt, name="portal_receipt"),
    path("handed-in/<uuid:submission_id>/change/", receipt.reopen, name="portal_reopen"),
    path("handed-in/<uuid:submission_id>/take-back/", receipt.withdraw, name="portal_withdraw"),
    path("messages/", messages.threads, name="portal_messages"),
    path("messages/<str:key>/", messages.thread, name="portal_thread"),
    path("messages/<str:key>/confidential/", messages.thread_confidential, name="portal_thread_confidential"),
    path("handed-in/<uuid:submission_id>/confidential/", receipt.confidential, name="portal_confidential"),
    path("people/", guardians.people_who_help, name="portal_guardians"),
    path("people/new/", guardians.invite, name="portal_guardian_invite"),
    path("people/<uuid:guardianship_id>/again/", guardians.send_again, name="portal_guardian_again"),
    path("people/<uuid:guardianship_id>/end/", guardians.end, name="portal_guardian_end"),
    path("helping/", guardians.choose, name="portal_helping"),
    path("helping/accept/", guardians.accept, name="portal_guardian_accept"),
    path("sign/", signing.forms_to_sign, name="portal_signing"),
    path("sign/<uuid:answer_id>/", signing.form_to_sign, name="portal_signing_form"),
    path("seen/", seen.seen, name="portal_seen"),
    path("record/", record.record, name="portal_record"),
    path("record/record.pdf", record.record_pdf, name="portal_record_pdf"),
    path("record/record.json", record.record_json, name="portal_record_json"),
]
