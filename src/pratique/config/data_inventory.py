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


_EVIDENCE = "id institution state source submitted_at reviewed_at"
_EVIDENCE_PERSONAL = "student reviewed_by"

INVENTORY: dict[str, Fields] = {
    "foundation.AuditEvent": Fields(
        "id institution_id at action subject_type detail", personal="by subject_id"
    ),
    "institutions.Institution": Fields(
        "id slug name time_zone student_id_required roster_mapping created_at"
    ),
    "institutions.Package": Fields("id institution code name is_default"),
    "institutions.RequirementGroup": Fields("id institution name"),
    "institutions.Term": Fields("id institution name starts_on due_on"),
    "institutions.Tracker": Fields("id institution package requirement_group term name due_on"),
    "accounts.User": Fields(
        "id institution password role is_integrator is_active created_at last_login",
        personal="username email name",
    ),
    "students.Student": Fields(
        "id institution account_token created_at updated_at",
        personal="username username_key student_id first_name last_name email telephone date_of_birth on_campus "
        "attributes search_text",
    ),
    "students.Membership": Fields(
        "id institution package tracker state expires_on created_at status_changed_at evaluated_at stale_since",
        personal="student",
        health="num_items num_complete num_approved user_complete complete next_action_on changes_on",
    ),
    "students.Invitation": Fields("id institution state queued_at changed_at failure", personal="membership"),
    "records.Dose": Fields(
        _EVIDENCE, _EVIDENCE_PERSONAL, "rejection_reason cvx mvx product lot administered_on"
    ),
    "records.Titer": Fields(
        _EVIDENCE, _EVIDENCE_PERSONAL, "rejection_reason antibody result value unit collected_on"
    ),
    "records.Document": Fields(_EVIDENCE, _EVIDENCE_PERSONAL, "rejection_reason kind issued_on"),
    "records.FormAnswer": Fields(_EVIDENCE, _EVIDENCE_PERSONAL, "rejection_reason form answers signed_on"),
    "records.Exemption": Fields(
        _EVIDENCE,
        _EVIDENCE_PERSONAL,
        "rejection_reason kind requirement_key granted_on expires_on has_document",
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
    "rosters.RosterImport": Fields(
        "id institution file_name source size sha256 mapping state received_at applied_at counts file_error "
        "file_warnings",
        personal="received_by applied_by",
    ),
    "rosters.RosterFile": Fields("id institution roster_import", personal="content"),
    "rosters.RosterProgress": Fields("id institution roster_import phase done total at"),
    "rosters.RowResult": Fields(
        "pk institution roster_import row line outcome",
        personal="username student_id student_key errors warnings",
    ),
    "reports.ReportRun": Fields(
        "id institution report_key parameters format state requested_at started_at finished_at rows rows_done "
        "size file_name failure neutralise deleted_at",
        personal="requested_by",
    ),
}
