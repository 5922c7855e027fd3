"""Prints docs/reference/review.md's table of stages and deeds, made from `reviews.policies.TABLE`."""

import os

MARK = "<!-- made by scripts/review_table.py -->"


def table() -> str:
    """Return the table as Markdown: a line for each stage, what is possible in it and where that leads."""
    from pratique.reviews.policies import TABLE, WHO, Deed, Stage, Way

    lines = [
        "| the case is | possible (and what it becomes) | everything else is answered with |",
        "| --- | --- | --- |",
    ]
    for stage in Stage:
        ways, answers = [], []
        for deed in Deed:
            found = TABLE[stage, deed]
            if isinstance(found, Way):
                ways.append(f"{WHO[deed]}: {deed} → {found.to}")
            elif f"“{found.sentence}”" not in answers:
                answers.append(f"“{found.sentence}”")
        lines.append(f"| `{stage}` | {'; '.join(ways) or 'nothing'} | {' '.join(answers)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pratique.config.settings")
    import django

    django.setup()
    print(table())  # noqa: T201
