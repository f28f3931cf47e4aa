from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calendar_live", "0010_transition"),
    ]

    operations = [
        migrations.AddField(
            model_name="workitem",
            name="url",
            field=models.CharField(blank=True, db_default="", default="", max_length=2000, verbose_name="link"),
        ),
        migrations.AddField(
            model_name="workitem",
            name="tag_text",
            field=models.TextField(blank=True, db_default="", default="", verbose_name="tags"),
        ),
        migrations.AddField(
            model_name="workitem",
            name="tag_keys",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
    ]
