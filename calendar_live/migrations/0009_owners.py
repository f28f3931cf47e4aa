from django.conf import settings
from django.db import migrations, models

import calendar_live.models.calendar


class Migration(migrations.Migration):
    dependencies = [
        ("calendar_live", "0006_sharing_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="membership",
            name="user",
            field=models.ForeignKey(
                on_delete=calendar_live.models.calendar.keep_owners,
                related_name="calendar_memberships",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
