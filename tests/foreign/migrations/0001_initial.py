"""Create the table of bookings. It needs a migration: in PostgreSQL the calendars' table has to exist first."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [  # noqa: RUF012 - Django's own way
        ("calendar_live", "0001_initial"),
    ]

    operations = [  # noqa: RUF012
        migrations.CreateModel(
            name="Booking",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("start", models.DateTimeField(verbose_name="start")),
                ("end", models.DateTimeField(verbose_name="end")),
                ("visibility", models.CharField(default="normal", max_length=10, verbose_name="visibility")),
                ("state", models.CharField(editable=False, max_length=40)),
                ("wire", models.TextField(editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("room", models.CharField(max_length=40)),
                ("guest", models.CharField(max_length=80)),
                (
                    "calendar",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="calendar_live.calendar",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
    ]
