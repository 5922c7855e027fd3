"""`python -m tests.migrated`: what all tests begin with, made before them: a migrated database.

Left out, the first worker that needs it makes it, and the others wait.
"""

from tests import settings

if __name__ == "__main__":
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = settings.__name__
    import django

    django.setup()
    from tests.conftest import migrated_template

    print(f"Migrated: {migrated_template()}")
