"""A published requirement set never changes: the database refuses it, whoever asks."""

from django.db import migrations

_CREATE = """
create function requirements_refuse_published() returns trigger language plpgsql as $$
declare
    set_state text;
begin
    select state into set_state from requirements_requirementset
    where id = coalesce(new.requirement_set_id, old.requirement_set_id)
      and institution_id = coalesce(new.institution_id, old.institution_id);
    if set_state = 'published' then
        raise exception 'A published requirement set cannot change; publish a later version.'
            using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;
create trigger requirement_of_published before insert or update or delete on requirements_requirement
    for each row execute function requirements_refuse_published();

create function requirements_refuse_published_set() returns trigger language plpgsql as $$
begin
    raise exception 'A published requirement set cannot change; publish a later version.'
        using errcode = 'restrict_violation';
end $$;
create trigger requirement_set_published before update or delete on requirements_requirementset
    for each row when (old.state = 'published') execute function requirements_refuse_published_set();
"""
_DROP = """
drop trigger requirement_set_published on requirements_requirementset;
drop function requirements_refuse_published_set();
drop trigger requirement_of_published on requirements_requirement;
drop function requirements_refuse_published();
"""


class Migration(migrations.Migration):
    dependencies = [("requirements", "0002_row_security")]
    operations = [migrations.RunSQL(_CREATE, _DROP)]
