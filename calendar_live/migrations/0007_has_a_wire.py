from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calendar_live", "0006_sharing_version"),
    ]

    operations = [
        # Rows that break it are named by the check calendar_live.E006, which `migrate` runs first.
        migrations.AddConstraint(
            model_name="workitem",
            constraint=models.CheckConstraint(
                condition=models.Q(wire__startswith='{"id":"'),
                name="calendar_live_workitem_has_a_wire",
            ),
        ),
    ]
