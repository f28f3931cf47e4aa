from typing import Any

from django.db import migrations, models


def begin(apps: Any, schema_editor: Any) -> None:
    """Keep nulls in wires, for processes of the previous version. An empty site has no such processes."""
    database = schema_editor.connection.alias
    if apps.get_model("calendar_live", "Calendar").objects.using(database).exists():
        apps.get_model("calendar_live", "Transition").objects.using(database).create(name="nulls in wires")


class Migration(migrations.Migration):
    dependencies = [
        ("calendar_live", "0009_owners"),
    ]

    operations = [
        migrations.CreateModel(
            name="Transition",
            fields=[("name", models.CharField(max_length=40, primary_key=True, serialize=False))],
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
