"""What an audit event says in a sentence: one line each. An action that has none yet still reads decently."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pratique.foundation.audit_kinds import Kind

KINDS: Mapping[Kind, str | Promise] = {
    Kind.VIEWED: _("Viewed"),
    Kind.EXPORTED: _("Exported"),
    Kind.CHANGED: _("Changed"),
    Kind.DECIDED: _("Decided"),
    Kind.SIGNED_IN: _("Signed in"),
    Kind.SETTINGS: _("Settings"),
}

SENTENCES: Mapping[str, str | Promise] = {
    "console:student:viewed": _("Opened a student’s record"),
    "console:roster_results:downloaded": _("Downloaded the results of a roster import"),
    "console:activity:exported": _("Downloaded a part of the activity list"),
    "command:history:viewed": _("Asked at the command line who saw a record"),
    "roster:import:received": _("Uploaded a roster file"),
    "roster:import:confirmed": _("Had a roster import applied"),
    "roster:import:applied": _("Applied a roster import"),
    "roster:import:cancelled": _("Cancelled a roster import"),
    "roster:import:failed": _("Could not apply a roster import"),
    "records:evidence:added": _("Added health records"),
    "records:submission:started": _("Began to hand something in"),
    "records:submission:discarded": _("Threw away what was not handed in yet"),
    "records:file:checked": _("Checked an uploaded file"),
    "records:file:forgotten": _("Removed a file that was never handed in"),
    "records:file:pages_ordered": _("Changed the order of pages"),
    "records:file:begun": _("Began to upload a file"),
    "records:file:received": _("Uploaded a file"),
    "records:file:removed": _("Removed a file"),
    "records:file:page_turned": _("Turned a page"),
    "records:submission:sent": _("Handed something in"),
    "records:submission:changed": _("Changed who may see what was handed in"),
    "records:submission:signed": _("Signed a form"),
    "records:submission:reopened": _("Took back what was handed in, to change it"),
    "records:submission:withdrawn": _("Withdrew what was handed in"),
    "reviews:case:viewed": _("Opened what a student handed in"),
    "reviews:case:claimed": _("Took a case from the queue"),
    "reviews:case:released": _("Put a case back into the queue"),
    "reviews:case:taken_over": _("Took over a case from a colleague"),
    "reviews:case:handed_over": _("Handed a case over"),
    "reviews:case:second_opinion_asked": _("Asked for a second opinion"),
    "reviews:case:decided": _("Decided a case"),
    "reviews:case:undone": _("Took a decision back"),
    "reviews:case:split": _("Moved pages to another case"),
    "reviews:piece:added": _("Added what the document says"),
    "reviews:piece:corrected": _("Corrected what was typed, by the document"),
    "reviews:piece:removed": _("Took out what the document does not say"),
    "reviews:message:sent": _("Wrote a message about a case"),
    "reviews:message:changed": _("Changed who may see messages"),
    "reviews:reviews:added": _("Added reviews that were made elsewhere"),
    "reviews:message:read": _("Read messages about a case"),
    "reviews:reason:saved": _("Changed a reason for sending something back"),
    "reviews:reason:retired": _("Took a reason out of use"),
    "records:form:defined": _("Changed a form"),
    "records:submissions:added": _("Added what students handed in elsewhere"),
    "portal:record:exported": _("Downloaded a whole record"),
    "students:account:activated": _("Signed in for the first time"),
    "students:account:notices_chosen": _("Chose how to be told about news"),
    "portal:record:viewed": _("Looked at how things stand"),
    "portal:message:viewed": _("Read messages"),
    "portal:submission:viewed": _("Looked at what was handed in"),
    "console:guardianship:viewed": _("Looked at who helps the student"),
    "students:guardianship:invited": _("Invited somebody to help"),
    "students:guardianship:accepted": _("Accepted an invitation to help"),
    "students:guardianship:revoked": _("Ended somebody’s help"),
    "students:guardianship:wrong_answer": _("Gave a wrong date of birth with an invitation"),
    "students:link:issued": _("Sent a link for signing in"),
    "students:link:requested": _("Asked for a link for signing in"),
    "students:link:wrong_answer": _("Gave a wrong date of birth with a sign-in link"),
    "accounts:person:created": _("Made an account for a student or a helper"),
    "accounts:person:password_set": _("Set a first password"),
    "accounts:language:chosen": _("Chose a language"),
    "accounts:sessions:ended": _("Signed an account out everywhere"),
    "students:membership:closed": _("Ended a registration"),
    "students:membership:tracker_chosen": _("Chose which list of requirements is theirs"),
    "institutions:institution:created": _("Made the institution"),
    "institutions:package:created": _("Made a package"),
    "accounts:staff:created": _("Made a staff account"),
    "requirements:set:drafted": _("Began a new version of requirements"),
    "requirements:set:published": _("Published a version of requirements"),
    "partners:partner:created": _("Added a partner"),
    "partners:partner:changed": _("Changed a partner’s name or contact"),
    "partners:client:created": _("Let a partner in, with a client id"),
    "partners:client:suspended": _("Suspended a partner’s client"),
    "partners:client:resumed": _("Let a suspended client work again"),
    "partners:client:limited": _("Changed how many calls a partner may make"),
    "partners:key:issued": _("Made a partner’s key"),
    "partners:key:rotated": _("Made a new key in place of a partner’s older one"),
    "partners:key:revoked": _("Revoked a partner’s key"),
    "institutions:demo:requested": _("Had a demo environment set up for partners"),
    "institutions:demo:prepared": _("Brought packages and requirements into the demo environment"),
    "institutions:demo:changed": _("Took over the school’s settings into the demo environment"),
    "partners:settings:changed": _("Changed the settings for partners"),
    "partners:student:created": _("Put a student on a package"),
    "partners:student:viewed": _("Read how a student stands"),
    "partners:student:tracker_set": _("Put a student on a tracker"),
    "partners:student:signed_in": _("Let a student in from the school’s own system"),
    "partners:student:status_set": _("Archived a registration, or made it active again"),
    "partners:package:listed": _("Read how everyone on a package stands"),
    "console:partner_calls:exported": _("Downloaded a partner’s log of calls"),
    "reports:report:exported": _("Downloaded a report"),
    "reports:run:requested": _("Asked for a report’s file"),
    "reports:run:cancelled": _("Stopped a report’s file"),
    "reports:run:downloaded": _("Downloaded a report’s file"),
    "reports:run:deleted": _("Deleted report files whose time was over"),
    "transfers:outbound:put": _("Put a file into an outbound folder"),
    "transfers:outbound:downloaded": _("Took a file from an outbound folder"),
    "transfers:outbound:deleted": _("Deleted files of an outbound folder"),
    "delivery:destination:created": _("Made a destination on another server"),
    "delivery:destination:changed": _("Changed a destination on another server"),
    "delivery:destination:closed": _("Closed a destination on another server"),
    "delivery:destination:password_set": _("Set the password for a destination"),
    "delivery:destination:key_made": _("Made a new key for a destination"),
    "delivery:destination:tested": _("Tested the connection to a destination"),
    "delivery:destination:host_key_pinned": _("Trusted a destination’s host key"),
    "delivery:destination:host_key_unpinned": _("Stopped trusting a destination’s host key"),
    "delivery:destination:stopped": _("Deliveries to a destination were stopped"),
    "delivery:destination:resumed": _("Let deliveries to a destination go on"),
    "delivery:destination:alerted": _("Told people that deliveries to a destination fail"),
    "delivery:delivery:requested": _("Asked for a report to be delivered"),
    "delivery:delivery:delivered": _("Delivered a report"),
    "delivery:delivery:failed": _("Could not deliver a report"),
    "delivery:delivery:retried": _("Had a delivery tried again"),
    "delivery:delivery:cancelled": _("Cancelled a delivery"),
}


def words_of(action: str) -> str:
    """Return the sentence of an action; without one, its own words: `reviews:second_opinion:asked` reads
    "Second opinion: asked".
    """
    if action in SENTENCES:
        return str(SENTENCES[action])
    subject = action.partition(":")[2] or action
    return capfirst(subject.replace(":", ": ").replace("_", " "))


def actions_that_say(text: str) -> list[str]:
    """Return the actions whose sentence has `text` in it, in any case."""
    wanted = text.casefold()
    return [action for action, sentence in SENTENCES.items() if wanted in str(sentence).casefold()]
