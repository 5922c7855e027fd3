"""What the methods answer, as plain data. Tokens and people are left out of every repr: it ends up in logs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from pratique.partner_client.dates import to_date, to_datetime

MembershipStatus = Literal["active", "archive"]


@dataclass(frozen=True)
class CreatedUser:
    """What createUser answers. Keep the account token: every other method asks for it."""

    secure_token: str = field(repr=False)
    account_token: str = field(repr=False)
    username: str = field(repr=False)


@dataclass(frozen=True)
class PackageRow:
    """A student's line in the counts of a package. `user_complete`: all is handed in, though not yet reviewed."""

    vendor_key: str = field(repr=False)
    num_complete: int
    num_items: int
    complete: bool
    tracker_name: str
    user_complete: bool


@dataclass(frozen=True)
class Item:
    """One requirement of a student. Dates are None where there is none."""

    item_name: str = field(repr=False)
    item_status: str = field(repr=False)
    next_action_date: date | None = field(repr=False)
    administered_date: date | None = field(repr=False)
    last_modified: datetime | None = field(repr=False)
    record_type: str = field(repr=False)


@dataclass(frozen=True)
class UserDetails:
    """What getUser answers. Without a tracker its name is `None Selected` and the rest is empty."""

    tracker_name: str
    due_date: date | None
    num_complete: int
    num_items: int
    complete: bool
    items: tuple[Item, ...]


def created_user(told: Mapping[str, Any]) -> CreatedUser:
    """Read the answer of createUser."""
    return CreatedUser(told["secureToken"], told["accountToken"], told["username"])


def package_rows(told: Mapping[str, Any]) -> list[PackageRow]:
    """Read the answer of getPackageCounts and getPackageCountsSince."""
    return [
        PackageRow(
            row["vendorKey"],
            row["numComplete"],
            row["numItems"],
            row["complete"],
            row["trackerName"],
            row["userComplete"],
        )
        for row in told["packageDetails"]
    ]


def user_details(told: Mapping[str, Any]) -> UserDetails:
    """Read the answer of getUser."""
    return UserDetails(
        told["trackerName"],
        to_date(told["dueDate"]),
        told["numComplete"],
        told["numItems"],
        told["complete"],
        tuple(_item(item) for item in told["Items"]),
    )


def _item(told: Mapping[str, Any]) -> Item:
    return Item(
        told["itemName"],
        told["itemStatus"],
        to_date(told["nextActionDate"]),
        to_date(told["administeredDate"]),
        to_datetime(told["lastModifiedDate"]),
        told["recordType"],
    )
