"""What we hold about people: every field of every model, declared.

`health`: says something about a person's health or beliefs. `personal`: identifies a person or is about them.
`harmless`: neither. A test fails on a field that is missing here, so nobody adds one without thinking of it.
"""

from typing import NamedTuple


class Fields(NamedTuple):
    """A model's fields by kind, each a string of names with spaces between."""

    harmless: str
    personal: str = ""
    health: str = ""


_EVIDENCE = "id institution submission state source submitted_at reviewed_at rejection_code"
_EVIDENCE_PERSONAL = "student reviewed_by"

INVENTORY: dict[str, Fields] = {
    "foundation.AuditEvent": Fields(
        "id institution_id at action subject_type detail transaction_id", personal="by subject_id"
    ),
    "foundation.DataKey": Fields(
        "id institution_id owner_id version wrapped provider provider_key_id created_at retired_at"
    ),
    "foundation.AuditSeal": Fields("pk institution_id sequence event_id digest previous_hash hash sealed_at"),
    "institutions.Institution": Fields(
        "id slug name time_zone student_id_required roster_mapping secure_token_minutes membership_months "
        "repeated_file is_demo demo_institution created_at"
    ),
    "institutions.Package": Fields("id institution code name is_default"),
    "institutions.RequirementGroup": Fields("id institution name"),
    "institutions.Term": Fields("id institution name starts_on due_on"),
    "institutions.Tracker": Fields("id institution package requirement_group term name due_on"),
    "accounts.User": Fields(
        "id institution password role is_integrator is_active language created_at last_login",
        personal="username email name",
    ),
    "students.Student": Fields(
        "id institution account_token created_at updated_at transaction_id",
        personal="username username_key student_id first_name last_name email telephone date_of_birth on_campus "
        "attributes search_text",
    ),
    "students.Membership": Fields(
        "id institution package tracker state expires_on created_at status_changed_at evaluated_at stale_since "
        "transaction_id",
        personal="student",
        health="num_items num_complete num_approved user_complete complete next_action_on changes_on",
    ),
    "students.Invitation": Fields("id institution state queued_at changed_at failure", personal="membership"),
    "students.StudentAccount": Fields(
        "id institution user notify_by_mail notify_by_text activated_at", personal="student text_number"
    ),
    "students.SignInLink": Fields(
        "id institution guardianship purpose token_hash created_at expires_at used_at wrong_tries locked_until",
        personal="student",
    ),
    "students.Guardianship": Fields(
        "id institution user may_see_status may_upload may_sign granted_at expires_on accepted_at revoked_at",
        personal="student name email relation granted_by revoked_by",
    ),
    "students.Notice": Fields(
        "id institution guardianship kind channel state queued_at send_at send_until due_on cause changed_at "
        "failure",
        personal="student",
    ),
    "records.Submission": Fields(
        "id institution number state started_at changed_at confidential follows sent_at queued_at opened_at "
        "decided_at withdrawn_at claimed_until",
        personal="student started_by sent_by opened_by decided_by withdrawn_by claimed_by handed_to "
        "second_opinion_of",
        health="requirement_keys draft note staff_note",
    ),
    "records.File": Fields(
        "id institution submission size received state refusal media_type sha256 active_content position "
        "uploaded_at checked_at",
        personal="student name uploaded_by",
    ),
    "records.Page": Fields(
        "id institution file submission number position width height turned looks picture", personal="sketch"
    ),
    "records.Signature": Fields("id institution form_answer place role signed_at", personal="name signed_by"),
    "records.FormDefinition": Fields("id institution key version definition created_at"),
    "records.Dose": Fields(
        _EVIDENCE,
        _EVIDENCE_PERSONAL,
        "rejection_reason as_handed_in cvx mvx product lot administered_on precision",
    ),
    "records.Titer": Fields(
        _EVIDENCE,
        _EVIDENCE_PERSONAL,
        "rejection_reason as_handed_in antibody result value unit reference_range collected_on",
    ),
    "records.Document": Fields(_EVIDENCE, _EVIDENCE_PERSONAL, "rejection_reason as_handed_in kind issued_on"),
    "records.FormAnswer": Fields(
        _EVIDENCE, _EVIDENCE_PERSONAL, "rejection_reason as_handed_in form form_version answers signed_on"
    ),
    "records.Exemption": Fields(
        _EVIDENCE,
        _EVIDENCE_PERSONAL,
        "rejection_reason as_handed_in kind requirement_key granted_on expires_on has_document statement",
    ),
    "requirements.RequirementSet": Fields(
        "id institution requirement_group version state applies_from published_at", personal="published_by"
    ),
    "requirements.Requirement": Fields("id institution requirement_set key name position rule"),
    "compliance.Item": Fields(
        "pk institution requirement_key status_changed_at last_modified_at digest",
        personal="membership",
        health="status next_action_on administered_on reasons",
    ),
    "compliance.StatusChange": Fields(
        "id institution transaction_id requirement_key at",
        personal="membership",
        health="from_status to_status",
    ),
    "compliance.TrackerDay": Fields("id institution day package tracker students complete user_complete"),
    "compliance.RequirementDay": Fields(
        "id institution day tracker requirement_key incomplete pending approved rejected expired"
    ),
    "reviews.Review": Fields(
        "id institution submission evidence_kind evidence_id reason_code decided_at seconds undone_at",
        personal="decided_by undone_by",
        health="decision",
    ),
    "reviews.ReturnReason": Fields("id institution code name wording place retired_at"),
    "reviews.Message": Fields(
        "id institution submission side confidential sent_at read_at",
        personal="student sent_by read_by",
        health="requirement_key body",
    ),
    "rosters.RosterImport": Fields(
        "id institution file_name source size sha256 mapping state received_at applied_at counts file_error "
        "file_warnings",
        personal="received_by applied_by",
    ),
    "rosters.RosterFile": Fields("id institution roster_import stored_name", personal="content"),
    "rosters.RosterProgress": Fields("id institution roster_import phase done total at"),
    "rosters.RowResult": Fields(
        "pk institution roster_import row line outcome",
        personal="username student_id student_key errors warnings",
    ),
    "transfers.TransferAccount": Fields(
        "id institution username name networks most_sessions created_at suspended_at suspended_for suspended_reason "
        "closed_at last_claimed",
        personal="contact_email suspended_by",
    ),
    "transfers.TransferKey": Fields(
        "id institution account username label algorithm bits public_data fingerprint created_at revoked_at "
        "last_used_at",
        personal="created_by revoked_by",
    ),
    "transfers.InboundFile": Fields(
        "id institution account name size state reason sha256 unanswered session received_at claimed_at finished_at "
        "roster_import"
    ),
    "transfers.OutboundFile": Fields(
        "id institution account folder name size source created_at first_read_at deleted_at",
        personal="deleted_by",
    ),
    "transfers.TransferSession": Fields(
        "id institution account server started_at ended_at end refused address client fingerprint cipher files_in "
        "bytes_in files_out bytes_out"
    ),
    "transfers.TransferEvent": Fields("id institution account session at kind path size reason"),
    "delivery.Destination": Fields(
        "id institution name host port username sign_in_with secret public_key folder host_keys allow_old_algorithms "
        "created_at stopped_at stopped_for failures_in_row last_success_at closed_at",
        personal="contact_email",
    ),
    "delivery.Schedule": Fields(
        "id institution name report_key parameters layout sort format neutralise bom template pgp_key contents "
        "send_empty every_minutes calendar account destination created_at next_at looked_at was_empty cursor "
        "cursor_at delivered_at paused_at paused_for deleted_at",
        personal="staff created_by paused_by deleted_by",
    ),
    "delivery.Delivery": Fields(
        "id institution account destination schedule report_key parameters layout sort format neutralise bom pgp_key "
        "changes_from changes_before resends file_name rows size state requested_at tries next_try_at failure "
        "finished_at sent renaming_at outbound_file",
        personal="staff told requested_by",
    ),
    "reminders.ReminderSettings": Fields(
        "id institution quiet_from quiet_until weekdays most_a_week days_between approval_above"
    ),
    "reminders.Ladder": Fields(
        "id institution requirement_group steps is_on changed_at", personal="changed_by"
    ),
    "reminders.Batch": Fields(
        "id institution kind state students created_at decided_at told", personal="created_by decided_by"
    ),
    "reminders.Reminder": Fields(
        "id institution batch due_on step channels send_at state reason planned_at changed_at",
        personal="membership",
    ),
    "reminders.Escalation": Fields(
        "id institution due_on step kind state created_at decided_at told_at ended_at",
        personal="membership contact decided_by",
    ),
    "partners.Partner": Fields("id institution name created_at", personal="contact_email"),
    "partners.PartnerClient": Fields(
        "id institution partner environment identifier acts_for calls_per_minute suspended_at suspended_reason "
        "created_at"
    ),
    "partners.PartnerKey": Fields(
        "id institution client identifier fingerprint sealed created_at ends_at revoked_at",
        personal="created_by revoked_by",
    ),
    "partners.PartnerSession": Fields(
        "id institution client key identifier id_hash client_nonce server_nonce created_at expires_at"
    ),
    "partners.PartnerNonce": Fields("pk institution client nonce_hash key used_at"),
    "partners.SecureToken": Fields(
        "id institution identifier token_hash created_at expires_at redeemed_at", personal="student"
    ),
    "partners.PartnerCall": Fields(
        "id institution client at method code status fingerprint duration_ms bytes_in bytes_out address detail"
    ),
    "partners.PartnerUsage": Fields("pk institution client minute calls"),
    "reports.ReportRun": Fields(
        "id institution report_key parameters format state requested_at started_at finished_at rows rows_done "
        "size file_name failure neutralise layout sort deleted_at",
        personal="requested_by",
    ),
    "reports.SavedReport": Fields(
        "id institution name description base parameters layout sort shared_with created_at changed_at deleted_at",
        personal="created_by deleted_by",
    ),
    "reports.Favourite": Fields("id institution user report_key"),
    "reports.Look": Fields("id institution user seen_at before_at"),
}
