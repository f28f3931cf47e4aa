"""Add the constraint of live rows, and an existing table (Course) with a table of live rows beside it (LiveCourse)."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [  # noqa: RUF012 - Django's own way
        ("calendar_live", "0007_has_a_wire"),
        ("foreign", "0001_initial"),
    ]

    operations = [  # noqa: RUF012
        migrations.CreateModel(
            name="Course",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=80)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="LiveCourse",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("start", models.DateTimeField(verbose_name="start")),
                ("end", models.DateTimeField(verbose_name="end")),
                ("visibility", models.CharField(default="normal", max_length=10, verbose_name="visibility")),
                ("state", models.CharField(editable=False, max_length=40)),
                ("wire", models.TextField(editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("title", models.CharField(max_length=80)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(("wire__startswith", '{"id":"')), name="foreign_booking_has_a_wire"
            ),
        ),
        migrations.AddField(
            model_name="livecourse",
            name="calendar",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="%(class)ss", to="calendar_live.calendar"
            ),
        ),
        migrations.AddField(
            model_name="livecourse",
            name="course",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="live", to="foreign.course"
            ),
        ),
        migrations.AddConstraint(
            model_name="livecourse",
            constraint=models.CheckConstraint(
                condition=models.Q(("wire__startswith", '{"id":"')), name="foreign_livecourse_has_a_wire"
            ),
        ),
    ]
