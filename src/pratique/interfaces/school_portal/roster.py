"""The school's own list of students: those of the roster that it sent to Pratique, and some that came since."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pratique.rosters.sample import DEMO_SEED, DEMO_STUDENTS, SamplePerson, sample_people
from pratique.students.folding import plain

NEW_THIS_WEEK = 12


@dataclass(frozen=True)
class Student:
    """A student as the school knows them. `is_new`: Pratique has never heard of them."""

    person: SamplePerson
    is_new: bool
    searched: str

    @property
    def id(self) -> str:
        return self.person.student_id

    @property
    def name(self) -> str:
        return ", ".join(part for part in (self.person.last_name, self.person.first_name) if part)


@cache
def students() -> Sequence[Student]:
    """Return all, the new ones first."""
    # One seed gives the same people: asked for more, it goes on where the roster ended.
    people = sample_people(DEMO_STUDENTS + NEW_THIS_WEEK, DEMO_SEED)
    found = [
        Student(person, number > DEMO_STUDENTS, _searched(person))
        for number, person in enumerate(people, start=1)
    ]
    return [*found[DEMO_STUDENTS:], *found[:DEMO_STUDENTS]]


@cache
def by_id() -> dict[str, Student]:
    """Return the same by student id."""
    return {student.id: student for student in students()}


def search(text: str) -> Sequence[Student]:
    """Return those in whose name, id or e-mail each word of `text` is found, whatever its case and accents."""
    words = plain(text).split()
    return [student for student in students() if all(word in student.searched for word in words)]


def _searched(person: SamplePerson) -> str:
    return plain(f"{person.first_name} {person.last_name} {person.student_id} {person.username}")
