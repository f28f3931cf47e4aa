from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calendar_live", "0006_sharing_version"),
    ]

    operations = [
        # `migrate` first runs the system check calendar_live.E006, which names rows that violate this constraint.
        migrations.AddConstraint(
            model_name="workitem",
            constraint=models.CheckConstraint(
                condition=models.Q(wire__startswith='{"id":"'),
                name="calendar_live_workitem_has_a_wire",
            ),
        ),
    ]
