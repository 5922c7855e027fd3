"""What happens to a file between its first byte and its pages."""

import pytest
from django.utils import translation

from pratique.foundation import imaging
from pratique.foundation.storage import blob_store
from pratique.records.actions import checking
from pratique.records.actions import files as actions
from pratique.records.actions.drafts import start_submission
from pratique.records.files import FileNotTaken, OffsetError, UnknownFileError
from pratique.records.models import File, Page, Submission
from tests.integration.files.material import MB, pdf, photo
from tests.schools import NOW


def stored(learner, file) -> set[str]:
    names = blob_store().names(institution_id=learner.institution.id, prefix=f"{file.id}/")
    return {name.split("/")[1] for name in names}


def test_a_photo_becomes_a_page_and_its_parts_are_gone(ana):
    file = ana.checked(photo())

    with ana.scope():
        (page,) = Page.objects.all()
    assert (file.state, file.media_type, file.refusal) == ("ready", "image/jpeg", "")
    assert (page.number, page.position, page.width, page.height, page.turned) == (1, 0, 800, 600, 0)
    assert stored(ana, file) == {"original", "page-1", "thumb-1"}


def test_parts_are_joined_in_their_order(ana):
    content = photo(size=(3000, 2000)) + b"\0" * 3 * MB

    file = ana.sent(content)

    assert stored(ana, file) == {"part-0", f"part-{MB}", f"part-{2 * MB}", f"part-{3 * MB}"}
    actions.check(institution=ana.institution, file_id=file.id, now=NOW)
    assert blob_store().get(institution_id=ana.institution.id, name=f"{file.id}/original") == content


def test_a_killed_workers_rerun_leaves_one_set(ana, monkeypatch):
    file = ana.sent(pdf(3), "scan.pdf")

    def killed(*_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(checking, "_conclude", killed)
        with pytest.raises(SystemExit):
            actions.check(institution=ana.institution, file_id=file.id, now=NOW)
    assert {"part-0", "original", "page-3"} <= stored(ana, file)

    for _ in range(2):
        actions.check(institution=ana.institution, file_id=file.id, now=NOW)

    with ana.scope():
        assert [page.number for page in Page.objects.order_by("number")] == [1, 2, 3]
    pages = {f"{kind}-{number}" for kind in ("page", "thumb") for number in (1, 2, 3)}
    assert stored(ana, file) == {"original"} | pages


def test_a_worker_killed_after_the_commit_leaves_parts_that_a_rerun_removes(ana, monkeypatch):
    file = ana.sent(photo())
    with monkeypatch.context() as patched:
        patched.setattr(checking, "_tidy", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            actions.check(institution=ana.institution, file_id=file.id, now=NOW)
    assert "part-0" in stored(ana, file)

    actions.check(institution=ana.institution, file_id=file.id, now=NOW)

    assert stored(ana, file) == {"original", "page-1", "thumb-1"}


def test_a_file_that_is_removed_while_it_is_checked_leaves_nothing(ana, monkeypatch):
    file = ana.sent(photo())
    render = imaging.render

    def removed_meanwhile(content):
        with ana.scope():
            actions.remove(file_id=file.id, by=ana.actor, now=NOW)
        return render(content)

    monkeypatch.setattr(imaging, "render", removed_meanwhile)
    actions.check(institution=ana.institution, file_id=file.id, now=NOW)

    assert ana.file(file.id) is None
    assert stored(ana, file) == set()


def test_a_removed_files_bytes_are_removed_by_a_job(ana):
    file = ana.checked(photo())
    with ana.scope():
        actions.remove(file_id=file.id, by=ana.actor, now=NOW)
    checking.forget(institution_id=ana.institution.id, file_id=file.id)
    assert stored(ana, file) == set()
    with ana.scope():
        assert not Page.objects.exists()


def test_forgetting_spares_a_file_that_is_still_there(ana):
    file = ana.checked(photo())
    checking.forget(institution_id=ana.institution.id, file_id=file.id)
    assert "original" in stored(ana, file)


def test_of_two_senders_of_one_part_the_second_learns_where_to_go_on(ana):
    with ana.scope():
        file = actions.begin(submission_id=ana.submission.id, name="a", size=20_000, by=ana.actor, now=NOW)
        part = b"x" * 10_000
        assert actions.append(file_id=file.id, offset=0, content=part, by=ana.actor, now=NOW) == 10_000
        with pytest.raises(OffsetError) as told:
            actions.append(file_id=file.id, offset=0, content=part, by=ana.actor, now=NOW)
    assert told.value.received == 10_000


@pytest.mark.parametrize(
    ("size", "content", "code"),
    [
        pytest.param(10, b"x" * 11, "more_than_declared", id="more than was declared"),
        pytest.param(MB, b"x" * 100, "part_too_small", id="crumbs"),
    ],
)
def test_a_part_that_is_not_taken(ana, size, content, code):
    with ana.scope():
        file = actions.begin(submission_id=ana.submission.id, name="a", size=size, by=ana.actor, now=NOW)
        with pytest.raises(FileNotTaken) as refused:
            actions.append(file_id=file.id, offset=0, content=content, by=ana.actor, now=NOW)
    assert refused.value.code == code
    assert stored(ana, file) == set()


@pytest.mark.parametrize(
    ("size", "code"),
    [pytest.param(0, "empty", id="0 bytes"), pytest.param(25 * MB + 1, "too_large", id="a byte over 25 MB")],
)
def test_a_size_that_is_not_taken(ana, size, code):
    with ana.scope(), pytest.raises(FileNotTaken) as refused:
        actions.begin(submission_id=ana.submission.id, name="a", size=size, by=ana.actor, now=NOW)
    assert refused.value.code == code
    assert refused.value.sentence


def test_an_eleventh_file_waits_until_one_is_removed(ana):
    with ana.scope():
        begun = [
            actions.begin(submission_id=ana.submission.id, name="a", size=9, by=ana.actor, now=NOW)
            for _ in range(10)
        ]
        with pytest.raises(FileNotTaken) as refused:
            actions.begin(submission_id=ana.submission.id, name="a", size=9, by=ana.actor, now=NOW)
        actions.remove(file_id=begun[0].id, by=ana.actor, now=NOW)
        actions.begin(submission_id=ana.submission.id, name="a", size=9, by=ana.actor, now=NOW)
    assert refused.value.code == "too_many_files"


def test_a_student_cannot_fill_the_disk_with_drafts(ana, monkeypatch):
    monkeypatch.setattr(actions, "MOST_BYTES_OPEN", 3 * MB)

    def begin(submission):
        return actions.begin(submission_id=submission.id, name="a", size=2 * MB, by=ana.actor, now=NOW)

    with ana.scope():
        other = start_submission(student=ana.student, requirement_keys=["varicella"], by=ana.actor, now=NOW)
        begin(ana.submission)
        with pytest.raises(FileNotTaken) as refused:
            begin(other)
        Submission.objects.filter(id=ana.submission.id).update(
            state="decided", sent_at=NOW, decided_at=NOW, decided_by="staff:1", sent_by="student:1"
        )
        assert begin(other).size == 2 * MB
    assert refused.value.code == "too_much_open"


def test_more_than_20_pages_together_are_refused(ana):
    assert ana.checked(pdf(12), "one.pdf").state == "ready"
    file = ana.checked(pdf(9), "two.pdf")
    assert (file.state, file.refusal) == ("refused", "too_many_pages_together")
    assert stored(ana, file) == {"original"}
    assert ana.checked(pdf(8), "three.pdf").state == "ready"


def test_pages_stand_in_the_order_of_choosing_whichever_was_checked_first(ana):
    first, second = ana.sent(photo(1), "first.jpg"), ana.sent(pdf(2), "second.pdf")
    for file in (second, first):
        actions.check(institution=ana.institution, file_id=file.id, now=NOW)
    with ana.scope():
        pages = Page.objects.select_related("file").order_by("position")
        assert [(page.file.name, page.number) for page in pages] == [
            ("first.jpg", 1), ("second.pdf", 1), ("second.pdf", 2),
        ]  # fmt: skip


def test_what_was_sent_cannot_be_changed(ana):
    file = ana.checked(photo())
    with ana.scope():
        type(ana.submission).objects.update(state="waiting", sent_at=NOW, sent_by="student")
        page = Page.objects.get()
        for change in (
            lambda: actions.begin(submission_id=ana.submission.id, name="a", size=9, by=ana.actor, now=NOW),
            lambda: actions.remove(file_id=file.id, by=ana.actor, now=NOW),
            lambda: actions.turn(page_id=page.id, turned=90, by=ana.actor, now=NOW),
            lambda: actions.reorder(submission_id=ana.submission.id, page_ids=[], by=ana.actor, now=NOW),
        ):
            with pytest.raises(FileNotTaken) as refused:
                change()
            assert refused.value.code == "sent"


def test_what_is_gone_is_unknown(ana):
    with ana.scope():
        file = actions.begin(submission_id=ana.submission.id, name="a", size=9, by=ana.actor, now=NOW)
        actions.remove(file_id=file.id, by=ana.actor, now=NOW)
        with pytest.raises(UnknownFileError):
            actions.append(file_id=file.id, offset=0, content=b"x", by=ana.actor, now=NOW)


def test_a_lost_part_is_said_so(ana):
    file = ana.sent(photo(size=(3000, 2000)) + b"\0" * 2 * MB)
    blob_store().delete(institution_id=ana.institution.id, name=f"{file.id}/part-{MB}")
    actions.check(institution=ana.institution, file_id=file.id, now=NOW)
    assert ana.file(file.id).refusal == "part_missing"


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_refusal_has_a_sentence(language):
    from pratique.records.files import refusal_sentence

    with translation.override(language):
        for code in (
            *imaging.REFUSALS,
            "type_not_accepted:office",
            "too_many_files",
            "too_much_open",
            "part_missing",
            "removed",
        ):
            assert len(refusal_sentence(code)) > 20


def test_files_are_counted_only_of_this_draft(ana, ben):
    for _ in range(10):
        ana.sent(photo())
    assert ben.checked(photo()).state == "ready"
    with ben.scope():
        assert File.objects.count() == 11
