"""Names of people, for the pages about them."""

from datetime import date
from uuid import UUID

from pratique.students.models import Guardianship, Student


def name_of(student: Student) -> str:
    """Return a student's name as one says it; the username where there is none."""
    return f"{student.first_name} {student.last_name}".strip() or student.username


def has_helpers(student_id: UUID, today: date) -> bool:
    """Whether anybody but the student may see something of theirs."""
    helping = Guardianship.objects.filter(
        student_id=student_id, revoked_at__isnull=True, expires_on__gte=today
    )
    return helping.exists()
