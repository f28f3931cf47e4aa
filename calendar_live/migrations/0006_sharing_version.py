from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calendar_live", "0005_links"),
    ]

    operations = [
        migrations.AddField(
            model_name="calendar",
            name="sharing_version",
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
