"""Files of every kind that people hand in, and students to hand them in."""

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from uuid import UUID

import pypdfium2
from django.test import Client
from PIL import Image, ImageDraw

from pratique.accounts.models import User
from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.records.actions import files as actions
from pratique.records.actions.drafts import start_submission
from pratique.records.models import File, Submission
from pratique.students.actions.accounts import activate
from pratique.students.models import Student
from tests.schools import NOW, imported
from tests.staff import PASSWORD

ROWS = (
    "ana@x.edu,0001,Núñez,Ana María,555-0101,04/03/2006,Undergraduate,Fall 2026,1",
    "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,Nursing,Fall 2026,0",
)
MB = 1024 * 1024


def photo(seed: int = 1, size: tuple[int, int] = (800, 600), **options) -> bytes:
    """A JPEG of a paper with writing, different for each seed."""
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for line in range(12):
        width = (seed * 7919 + line * 104729) % (size[0] - 60)
        top = 20 + line * size[1] // 14
        draw.rectangle((30, top, 30 + width, top + size[1] // 30), fill="black")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80, **options)
    return out.getvalue()


def pdf(pages: int = 1) -> bytes:
    """A PDF of so many blank letter pages."""
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(612, 792).close()
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inside.txt", "hello")
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it is this large, with a little data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@dataclass
class Learner:
    """A student with an account, a draft and a browser."""

    institution: Institution
    student: Student
    user: User
    client: Client
    submission: Submission

    @property
    def actor(self) -> audit.Actor:
        return audit.Actor("student", str(self.user.id))

    def scope(self):
        return institution_scope(self.institution.id)

    def file(self, file_id: UUID) -> File | None:
        with self.scope():
            return File.objects.filter(id=file_id).first()

    def sent(self, content: bytes, name: str = "photo.jpg") -> File:
        """A file of the draft whose bytes are all here."""
        with self.scope():
            file = actions.begin(
                submission_id=self.submission.id, name=name, size=len(content), by=self.actor, now=NOW
            )
            for offset in range(0, len(content), MB):
                part = content[offset : offset + MB]
                actions.append(file_id=file.id, offset=offset, content=part, by=self.actor, now=NOW)
        return file

    def checked(self, content: bytes, name: str = "photo.jpg") -> File:
        """A file that was checked, as the worker does it."""
        file = self.sent(content, name)
        actions.check(institution=self.institution, file_id=file.id, now=NOW)
        found = self.file(file.id)
        assert found is not None
        return found


def learners(institution: Institution) -> list[Learner]:
    """Two students of a school, each signed in and with a draft of their own."""
    imported(institution, *ROWS)
    found = []
    with institution_scope(institution.id):
        for student in Student.objects.order_by("username"):
            user = activate(
                student_id=student.id, user_id=new_id(), password=PASSWORD, language="en",
                by=audit.SYSTEM, now=NOW,
            )  # fmt: skip
            actor = audit.Actor("student", str(user.id))
            draft = start_submission(student=student, requirement_keys=["mmr"], by=actor, now=NOW)
            found.append(Learner(institution, student, user, Client(), draft))
    for one in found:
        sign_in(one.client, one)
    return found


def sign_in(client: Client, learner: Learner) -> None:
    response = client.post("/account/login/", {"login": learner.student.username, "password": PASSWORD})
    assert response.status_code == 302, response.content
