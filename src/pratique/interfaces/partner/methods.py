"""The eight methods of the partner API: values in, the JSON of the answer out (contracts/partner-api.md, "Methods").

`answer` runs inside the call's transaction, in the scope of the institution that the caller acts for; the nonce is
taken already. What is only about the wire (sessions, sealing, nonces, limits) is elsewhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from pratique.foundation import clock
from pratique.interfaces.partner import fields
from pratique.interfaces.partner.dates import day_to_long, instant_to_long
from pratique.partners import finding
from pratique.partners.actions import students
from pratique.partners.counts import NO_TRACKER, counts
from pratique.partners.standing import ItemTold, standing_of
from pratique.partners.types import Caller, Refusal
from pratique.students.models import MembershipState

Values = Mapping[str, Any]
_STATES = tuple(state.value for state in MembershipState)


@dataclass(frozen=True)
class Field:
    """A field of a call or of an answer: its name, its JSON type in words, and what it says."""

    name: str
    kind: str
    sentence: str
    required: bool = True


@dataclass(frozen=True)
class Method:
    """A method as the documentation describes it, and what carries it out."""

    sentence: str
    fields: tuple[Field, ...]
    answers: tuple[Field, ...]
    run: Callable[[Values, Caller, datetime], bytes]


def answer(method: str, values: Values, *, caller: Caller, now: datetime) -> bytes:
    """Carry out a method and return its answer as JSON. Raises Refusal before anything is written."""
    known = METHODS.get(method)
    if known is None:
        raise Refusal("METHOD_UNKNOWN")
    return known.run(values, caller, now)


def _create_user(values: Values, caller: Caller, now: datetime) -> bytes:
    named = finding.naming(
        caller.acts_for,
        vendor_key=fields.text(values, "vendorKey"),
        username=fields.as_far_as_good(values, "username"),
        code=fields.as_far_as_good(values, "registrationCode"),
    )
    if named.known is not None:
        # Everything else is ignored, so nothing else may be wrong.
        entrance = students.let_in(known=named.known, institution=named.institution, caller=caller, now=now)
    else:
        today = clock.today(named.institution.time_zone, at=now)
        given = fields.registration(values, today=today)
        entrance = students.register(named=named, given=given, caller=caller, now=now)
    return orjson.dumps(
        {
            "secureToken": entrance.secure_token,
            "accountToken": entrance.account_token,
            "username": entrance.username,
        }
    )


def _secure_token(values: Values, caller: Caller, now: datetime) -> bytes:
    about = finding.about(caller.acts_for, **_named(values))
    token = students.secure_token(
        institution=about.institution, student_id=about.student_id, caller=caller, now=now
    )
    return orjson.dumps({"secureToken": token})


def _set_tracker(values: Values, caller: Caller, now: datetime) -> bytes:
    about, on_package = _on_package(values, caller, tracker_name=fields.exact(values, "trackerName"))
    students.set_tracker(about=about, on_package=on_package, caller=caller, now=now)
    return orjson.dumps({"setSuccessfully": True})


def _set_membership_status(values: Values, caller: Caller, now: datetime) -> bytes:
    state = MembershipState(fields.one_of(values, "status", _STATES))
    about, on_package = _on_package(values, caller)
    students.set_membership_status(about=about, on_package=on_package, state=state, caller=caller, now=now)
    return orjson.dumps({"status": "success", "membershipStatus": state.value})


def _get_membership_status(values: Values, caller: Caller, now: datetime) -> bytes:
    _about, on_package = _on_package(values, caller)
    return orjson.dumps({"status": on_package.state})


def _get_package_counts(values: Values, caller: Caller, now: datetime) -> bytes:
    return _counts(values, None, caller, now)


def _get_package_counts_since(values: Values, caller: Caller, now: datetime) -> bytes:
    return _counts(values, fields.instant(values, "deltaStartDate"), caller, now)


def _counts(values: Values, since: datetime | None, caller: Caller, now: datetime) -> bytes:
    counted = counts(caller.acts_for, code=fields.exact(values, "code"), since=since)
    if counted is None:
        raise Refusal("PACKAGE_UNKNOWN", field="code")
    students.record_listed(package_id=counted.package_id, since=since, caller=caller, now=now)
    return counted.answer


def _get_user(values: Values, caller: Caller, now: datetime) -> bytes:
    about, on_package = _on_package(values, caller)
    standing = standing_of(on_package.membership_id, clock.today(about.institution.time_zone, at=now))
    students.record_viewed(about=about, on_package=on_package, caller=caller, now=now)
    return orjson.dumps(
        {
            "trackerName": on_package.tracker_name or NO_TRACKER,
            "dueDate": day_to_long(on_package.tracker_due_on),
            "numComplete": standing.num_complete,
            "numItems": len(standing.items),
            "complete": standing.complete,
            "Items": [_item(item) for item in standing.items],
        }
    )


def _item(item: ItemTold) -> dict[str, str | int]:
    return {
        "itemName": item.name,
        "itemStatus": item.status,
        "nextActionDate": day_to_long(item.next_action_on),
        "administeredDate": day_to_long(item.administered_on),
        "lastModifiedDate": instant_to_long(item.last_modified_at),
        "recordType": item.record_type,
    }


def _named(values: Values) -> dict[str, str]:
    return {
        "account_token": fields.exact(values, "accountToken"),
        "vendor_key": fields.text(values, "vendorKey"),
    }


def _on_package(
    values: Values, caller: Caller, *, tracker_name: str = ""
) -> tuple[finding.About, finding.OnPackage]:
    """Find the student and the membership that a call names. Raises Refusal."""
    named = _named(values)
    about = finding.about(
        caller.acts_for, **named, code=fields.exact(values, "code"), tracker_name=tracker_name
    )
    assert about.on_package is not None
    return about, about.on_package


_NONCE = Field("nonce", "string", "A value that this client never used before, of 1 to 128 characters.")
_STUDENT = (
    Field("accountToken", "string", "The account token that createUser returned."),
    Field("vendorKey", "string", "Your own key of the student. It must be the one of the account token."),
)
_CODE = Field("code", "string", "The registration code of the package, exactly as the school gave it.")
_COUNTED = (
    Field(
        "packageDetails",
        "list of objects",
        "One object a student, ordered by vendorKey: {vendorKey, numComplete, numItems, complete, trackerName, "
        'userComplete}. vendorKey is empty where the school gave none. Without a tracker: "None Selected", 0, 0, '
        "false, false. Archived students are left out.",
    ),
)

METHODS: Mapping[str, Method] = {
    "createUser": Method(
        "Makes a student and puts them on a package, or finds the one who has the vendor key; either way it returns "
        "a fresh secure token. For a known vendor key every other field but the nonce is ignored.",
        (
            Field("username", "string", "Suggested username, at most 254 visible characters. If it is taken, the next "
                  "free number from 1 is appended."),
            Field("vendorKey", "string", "Your own key of the student, at most 64 visible characters."),
            Field("firstName", "string", "First name, at most 150 characters. May be empty if lastName is not."),
            Field("lastName", "string", "Last name, at most 150 characters. May be empty if firstName is not."),
            Field("phone", "string", "Telephone number, at most 40 characters. May be empty."),
            Field("email", "string", "E-mail address, at most 254 characters. May be empty."),
            Field("dateOfBirth", "long", "Deprecated. The day that it falls on in US Central time.", required=False),
            Field("dateOfBirthString", "string", "Date of birth as mm/dd/yyyy, from 1900 to today. If it is sent and "
                  "not empty, dateOfBirth is not looked at.", required=False),
            Field("expirationDate", "long", "The last day of the registration, in US Central time. Without it the "
                  "institution's default is used.", required=False),
            Field("registrationCode", "string", "The code of the package that the student is put on."),
            _NONCE,
        ),
        (
            Field("secureToken", "string", "32 letters and digits for the secure token link; good once."),
            Field("accountToken", "string", "22 letters and digits that name the student in other calls."),
            Field("username", "string", "The username that the student has."),
        ),
        _create_user,
    ),
    "secureToken": Method(
        "Returns a fresh secure token for a student.",
        (*_STUDENT, _NONCE),
        (Field("secureToken", "string", "32 letters and digits for the secure token link; good once."),),
        _secure_token,
    ),
    "setTracker": Method(
        "Puts a student on a tracker of a package, and works out at once how they stand. The tracker that they are on "
        "already changes nothing and succeeds. An archived student is put on it as well.",
        (
            *_STUDENT, _CODE,
            Field("trackerName", "string", "The tracker's name, letter by letter and in the same case."),
            _NONCE,
        ),
        (Field("setSuccessfully", "boolean", "true."),),
        _set_tracker,
    ),
    "setMembershipStatus": Method(
        "Archives a student's registration on a package, or makes it active again. What is so already changes nothing "
        "and succeeds.",
        (*_STUDENT, _CODE, Field("status", "string", "\"archive\" or \"active\"."), _NONCE),
        (
            Field("status", "string", "\"success\"."),
            Field("membershipStatus", "string", "\"archive\" or \"active\", as it is now."),
        ),
        _set_membership_status,
    ),
    "getMembershipStatus": Method(
        "Returns whether a student's registration on a package is active or archived.",
        (*_STUDENT, _CODE, _NONCE),
        (Field("status", "string", "\"active\" or \"archive\"."),),
        _get_membership_status,
    ),
    "getPackageCounts": Method(
        "Returns how everyone on a package stands.", (_CODE, _NONCE), _COUNTED, _get_package_counts
    ),
    "getPackageCountsSince": Method(
        "Returns how those on a package stand of whom something changed at an instant or later: an item's status, an "
        "answer, a review, the tracker.",
        (_CODE, Field("deltaStartDate", "long", "The instant. A change in this very millisecond is included."),
         _NONCE),
        _COUNTED,
        _get_package_counts_since,
    ),
    "getUser": Method(
        "Returns how one student stands, item by item. Without a tracker: trackerName \"None Selected\", 0, 0, 0, "
        "false and an empty list.",
        (*_STUDENT, _CODE, _NONCE),
        (
            Field("trackerName", "string", "The tracker's name, or \"None Selected\"."),
            Field("dueDate", "long", "The tracker's due date."),
            Field("numComplete", "integer", "Items of which the student has done their part: approved or pending."),
            Field("numItems", "integer", "Items that apply to the student today."),
            Field("complete", "boolean", "Whether every item is approved."),
            Field("Items", "list of objects", "{itemName, itemStatus, nextActionDate, administeredDate, "
                  "lastModifiedDate, recordType}, in the order of the school's list. itemStatus is incomplete, "
                  "pending, approved, rejected or expired. nextActionDate and administeredDate are days, "
                  "lastModifiedDate is an instant; each is 0 where there is none. recordType is what an approved item "
                  "rests on, or an expired one did: vaccination, titer, form, the kind of a document (physical_exam), "
                  "or medical exemption and the like; else empty."),
        ),
        _get_user,
    ),
}  # fmt: skip

# Their first statement is a look-up, so the nonce may be sent in one message with it: what a repeated one would do
# is refused before anything else is asked or written.
LOOKS_UP_FIRST = frozenset(
    {"createUser", "secureToken", "setTracker", "setMembershipStatus", "getMembershipStatus", "getUser"}
)
