"""Tests that the tool behind `make check` finds texts that are not marked, and a catalogue that is not current."""

from pathlib import Path

import pytest

from tools.catalogue import po, python, templates, typescript
from tools.catalogue.__main__ import PATH, ROOT, complaints, main
from tools.catalogue.texts import Message

IMPORT = "from django.utils.translation import gettext as _, gettext_lazy, ngettext, pgettext\n"


def test_every_text_of_this_repository_is_marked_and_in_the_catalogue() -> None:
    """Seen failing with an unmarked text in a form, a template and a script, and with a changed sentence."""
    assert complaints(ROOT) == []


# --- what is marked


def test_marks_are_collected_from_python() -> None:
    source = IMPORT + (
        "one, two = _('Save'), gettext_lazy('Two ' 'parts')\n"
        "ngettext('%(count)s item', '%(count)s items', 2)\n"
        "pgettext('month', 'May')\n"
        "other('Not one')\n"
    )
    assert list(python.messages(source)) == [
        Message("Save"),
        Message("Two parts"),
        Message("%(count)s item", "%(count)s items"),
        Message("May", context="month"),
    ]


def test_a_module_that_knows_no_django_has_a_mark_of_its_own() -> None:
    """Seen failing when only imported marks count: the catalogue lacked the labels of fields."""
    own = 'def gettext_noop(text):\n    return text\n\n_ = gettext_noop\nlabel = _("Title")\n'
    assert [message.text for message in python.messages(own)] == ["Title"]
    assert list(python.unmarked("label = gettext_lazy(field.label)")) == []


def test_marks_are_collected_from_templates() -> None:
    source = (
        '{% translate "Save" %} {% translate "May" context "month" %}\n'
        "{% blocktranslate count n=items trimmed %}\n  One item{% plural %}{{ n }} items\n{% endblocktranslate %}"
        "{% blocktranslate with name=it.name %}Delete “{{ name }}”?{% endblocktranslate %}"
    )
    assert list(templates.messages(source)) == [
        Message("Save"),
        Message("May", context="month"),
        Message("One item", "%(n)s items"),
        Message("Delete “%(name)s”?"),
    ]


# --- what is not


@pytest.mark.parametrize(
    "source",
    [
        "raise Invalid('Some fields are not valid.')",
        "raise Invalid(fields={'title': ['Too long.']})",
        "raise BadValue(f'At most {limit}')",
        "messages.error(request, 'Not saved yet')",
        "messages.add(request, 'nothing saved')",
        "self.message_user(request, 'Done')",
        "form.add_error('title', 'Wrong')",
        "raise ValidationError('Wrong')",
        "title = forms.CharField(label='Title')",
        "title = forms.CharField(help_text=f'{limit} letters')",
        "title = models.CharField('title', max_length=3)",
        "widget = forms.TextInput(attrs={'placeholder': 'title'})",
        "widget.attrs |= {'aria-label': 'title'}",
        "class Role(models.TextChoices):\n    OWNER = 'owner', 'Owner'",
        "class Meta:\n    verbose_name = 'role'",
        "class Role:\n    def __str__(self):\n        return f'{self.role} of {self.calendar}'",
        "return HttpResponse('gone', status=404)",
        "EmailMessage('subject', body)",
        "said = {'offline': 'You are offline.'}",
        "said = f'{name} was deleted.'",
        "from django.utils.translation import gettext as _\n_(text)",
        "from django.utils.translation import gettext as _\n_(f'{name} was deleted.')",
    ],
)
def test_a_text_in_python_without_a_mark_is_noticed(source: str) -> None:
    assert len(python.unmarked(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""A module says what it does."""',
        IMPORT + "raise ValidationError(_('Wrong'))",
        IMPORT
        + "title = forms.CharField(label=gettext_lazy('Title'), widget=forms.TextInput(attrs={'rows': 'three'}))",
        "raise Invalid('last_owner', fields={'title': [Fault('too_long', limit=3)]})",
        "raise ValueError('A mutation id belongs to the first change.')",
        "logger.warning('The mail of invitation %s was not sent', key)",
        "Counter('calendar_live_sockets', 'Open WebSockets of this process.')",
        "response['Vary'] = 'Cookie'",
        "return HttpResponse('ok\\n', content_type='text/plain')",
        "rows.values('title', 'start')",
    ],
)
def test_what_nobody_reads_on_a_page_is_left_alone(source: str) -> None:
    assert python.unmarked(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "<h1>Trash</h1>",
        "<p>{{ name }} was deleted</p>",
        '<button title="Close"></button>',
        '<button aria-label="{{ name }}: close"></button>',
        '<input placeholder="Your name">',
        '<input type="submit" value="Save">',
        '<option data-about="May look.">{{ role }}</option>',
        '{% include "field.html" with title="New item" %}',
        '{{ name|default:"Nobody" }}',
        "{% block title %}Trash{% endblock %}",
        "{% translate 'Save' %} or discard",
    ],
)
def test_a_text_in_a_template_without_a_mark_is_noticed(source: str) -> None:
    assert len(templates.unmarked(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "<h1>{% translate 'Trash' %}</h1> <p>{{ name }}: {{ count }} %</p>",
        "{% blocktranslate with name=it.name %}Delete <b>{{ name }}</b>?{% endblocktranslate %}",
        "{# A comment. #}{% comment %}Another one.{% endcomment %}",
        '<input type="hidden" value="next"><input class="Wide"><script>say("Hello there.")</script>',
        "<button title=\"{% translate 'Close' %}\"></button>",
        '{% include "icon.html" with name="close" %}{{ name|default:"–" }}',
        "{% block body_class %}sign-in-page{% endblock %}",
    ],
)
def test_what_is_marked_in_a_template_is_left_alone(source: str) -> None:
    assert templates.unmarked(source) == []


def test_a_mail_is_read_as_text() -> None:
    source = "{% autoescape off %}{% translate 'Hello' %}\n\nOpen a <link>.\n{% endautoescape %}"
    assert [(found.line, found.text) for found in templates.unmarked(source, is_html=False)] == [(3, "Open a <link>.")]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("page/toasts.ts", 'toasts.show("Saved");'),
        ("page/trash.ts", "line.textContent = `Deleted ${title}`;"),
        ("page/trash.ts", 'button.setAttribute("aria-label", "restore");'),
        ("page/trash.ts", 'box.title = "offline";'),
        ("page/trash.ts", 'const texts = { empty: "The trash is empty." };'),
        ("page/trash.ts", 'const error = { detail: "The trash could not be read." };'),
        ("embed/index.ts", 'createLiveClient({ ...whose });\nplace.innerHTML = "loading";'),
        ("client/http.ts", 'const said = "There is no connection.";'),
    ],
)
def test_a_text_in_a_script_is_noticed(name: str, source: str) -> None:
    assert len(typescript.unmarked(source, name)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("page/toasts.ts", 'toasts.show(page.texts.saved); // "Say so."'),
        ("page/find.ts", "throw new Error(`The page has no ${selector}.`);"),
        ("client/http.ts", 'failed({ status: 0, code: "unreadable", detail: "The answer is not JSON." })'),
        ("page/link-words.ts", r"""text.replace(/[&<>"]/g, (sign) => `&#${sign};`) + "a b" """),
        ("page/item-look.ts", 'const path = "M5 1a4 4 0 1 1 0 8";'),
        ("client/live-reader.ts", 'busyTitle = "Busy"'),
    ],
)
def test_what_is_no_text_for_people_in_a_script_is_left_alone(name: str, source: str) -> None:
    assert typescript.unmarked(source, name) == []


# --- the catalogue


def test_the_catalogue_is_sorted_by_file_and_names_all_of_them() -> None:
    text = po.written(
        {
            "b.py": [Message("Saved"), Message("{count} more"), Message("May", context="month")],
            "a.html": [Message("Two\nlines"), Message("%(n)s item", "%(n)s items"), Message("Saved")],
        }
    )
    assert text.partition("\n\n")[2] == (
        '#: a.html\nmsgid ""\n"Two\\n"\n"lines"\nmsgstr ""\n\n'
        '#: a.html\n#, python-format\nmsgid "%(n)s item"\nmsgid_plural "%(n)s items"\nmsgstr[0] ""\nmsgstr[1] ""\n\n'
        '#: a.html\n#: b.py\nmsgid "Saved"\nmsgstr ""\n\n'
        '#: b.py\n#, python-brace-format\nmsgid "{count} more"\nmsgstr ""\n\n'
        '#: b.py\nmsgctxt "month"\nmsgid "May"\nmsgstr ""\n'
    )


def test_a_stale_catalogue_and_an_unmarked_text_are_told_with_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "calendar_live" / "templates" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>{% translate 'Trash' %}</h1>\n")
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == f"{PATH} is not current: run `make docs`.\n"
    assert (main([], tmp_path), main(["--check"], tmp_path)) == (0, 0)
    page.write_text("<h1>{% translate 'Trash' %}</h1>\n<p>Empty</p>\n")
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == ("calendar_live/templates/page.html:2: 'Empty' is not marked for translation.\n")
