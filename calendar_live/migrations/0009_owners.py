import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import calendar_live.models.calendar


class Migration(migrations.Migration):
    dependencies = [
        ("calendar_live", "0008_receipt"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="offered_by",
            field=models.ForeignKey(
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="hands_over",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
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
