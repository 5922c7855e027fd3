"""What a guardian may open: each route with what must be allowed. A route that is not here is closed to them."""

from enum import StrEnum


class Needs(StrEnum):
    """What the student or the school must have allowed."""

    NOTHING = "nothing"
    STATUS = "status"
    UPLOAD = "upload"
    SIGN = "sign"


GUARDIAN_ROUTES = {
    "portal_home": Needs.STATUS,
    "portal_item": Needs.STATUS,
    "portal_calendar": Needs.STATUS,
    "portal_messages": Needs.STATUS,
    "portal_thread": Needs.STATUS,
    "portal_start": Needs.UPLOAD,
    "portal_step": Needs.UPLOAD,
    "portal_check": Needs.UPLOAD,
    "portal_send": Needs.UPLOAD,
    "portal_discard": Needs.UPLOAD,
    "portal_receipt": Needs.UPLOAD,
    "portal_reopen": Needs.UPLOAD,
    "portal_withdraw": Needs.UPLOAD,
    "portal_vaccines": Needs.UPLOAD,
    "portal_files": Needs.UPLOAD,
    "portal_page_order": Needs.UPLOAD,
    "portal_upload": Needs.UPLOAD,
    "portal_upload_part": Needs.UPLOAD,
    "portal_file_remove": Needs.UPLOAD,
    "portal_original": Needs.UPLOAD,
    "portal_page": Needs.UPLOAD,
    "portal_page_image": Needs.UPLOAD,
    "portal_page_thumbnail": Needs.UPLOAD,
    "portal_signing": Needs.SIGN,
    "portal_signing_form": Needs.SIGN,
    # Their own account; nothing there is the student's.
    "portal_settings": Needs.NOTHING,
    "portal_password": Needs.NOTHING,
    "portal_passkey_add": Needs.NOTHING,
    "portal_passkey_remove": Needs.NOTHING,
    "portal_sign_out_everywhere": Needs.NOTHING,
}
# Looking at these is told to the student.
LOOKED_AT = {
    "portal_home": "portal:record:viewed",
    "portal_item": "portal:record:viewed",
    "portal_calendar": "portal:record:viewed",
    "portal_messages": "portal:message:viewed",
    "portal_thread": "portal:message:viewed",
    "portal_receipt": "portal:submission:viewed",
    "portal_original": "portal:submission:viewed",
    "portal_signing_form": "portal:submission:viewed",
}
