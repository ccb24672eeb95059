from django.db import migrations

ARTISTS = [
    ("Akua Sands", "akua-sands", "Harmattan Music"),
    ("Kofi Lantern", "kofi-lantern", "Harmattan Music"),
    ("The Volta Nine", "the-volta-nine", "Harmattan Music"),
    ("Esi Marlow", "esi-marlow", "Gold Coast Songs"),
    ("Night Market Band", "night-market-band", "Gold Coast Songs"),
    ("Yaw Tempo", "yaw-tempo", "Baobab Rights"),
]


def seed(apps, schema_editor):
    artist = apps.get_model("artists", "Artist")
    artist.objects.using(schema_editor.connection.alias).bulk_create(
        [artist(name=name, slug=slug, publisher=publisher) for name, slug, publisher in ARTISTS],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("artists", "0001_initial")]

    # Going back keeps the artists: by then they have plays, and those are not ours to delete.
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
