"""Defines the form of a work item, which converts between what people type and the services' values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from django import forms
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf, wording
from ..errors import CalendarLiveError, Fault, Malformed
from ..models import WORDS
from ..protocol.fields import SETTABLE, Field, Kind
from ..schedule.ranges import is_time_zone
from .texts import texts
from .values import Values
from .wall_time import NoSuchTimeError, offsets, to_instant

Choices = Iterable[tuple[Any, Any]]

# The fields from which each edge of a span is read, and the fields that say how to read both edges.
_EDGES: Final = {edge: (f"{edge}_date", f"{edge}_time", f"{edge}_fold") for edge in ("start", "end")}
_READ_BY: Final = ("all_day", "time_zone")
# Together, these fields say when the item is. Of two versions of them, one is kept as a whole.
SPAN: Final = (*_READ_BY, *_EDGES["start"], *_EDGES["end"])
# Form field -> column. The span is converted separately.
COLUMNS: Final = {field.key: field.column for field in SETTABLE if not field.in_span}
# Name on the wire -> form field that shows its errors.
_BLAMED: Final = {field.name: f"{field.key}_date" if field.kind is Kind.TIME else field.key for field in SETTABLE}
# An address as people type it: a host whose last part has letters alone, and perhaps a port and a path.
_LIKE_HOST: Final = re.compile(r"([^\W_]([\w-]*[^\W_])?\.)+[^\W\d_]{2,}(:[0-9]+)?([/?#]\S*)?\Z")
COLORS: Final = (
    ("#dc2626", gettext_lazy("Red")),
    ("#ea580c", gettext_lazy("Orange")),
    ("#ca8a04", gettext_lazy("Yellow")),
    ("#16a34a", gettext_lazy("Green")),
    ("#0891b2", gettext_lazy("Cyan")),
    ("#2563eb", gettext_lazy("Blue")),
    ("#7c3aed", gettext_lazy("Violet")),
    ("#db2777", gettext_lazy("Pink")),
)


def _date_field(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date", "min": "1900-01-02", "max": "2199-12-31"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, input_formats=["%Y-%m-%d"])


def _time_field(label: Any) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, widget=widget, required=False, input_formats=["%H:%M", "%H:%M:%S"])


def _fold_field(label: Any) -> forms.IntegerField:
    """Return the field that chooses between the two moments of a time that comes twice: 0 or 1.

    For any other time, its value has no meaning.
    """
    return forms.IntegerField(label=label, widget=forms.Select, required=False, min_value=0, max_value=1)


class _PeopleField(forms.MultipleChoiceField):
    """Ids of users. The service decides whether they may be chosen, because a member may have left in the meantime."""

    def valid_value(self, value: str) -> bool:
        return True


class _TagsField(forms.Field):
    """Tags, typed as one text with commas between them."""

    def to_python(self, value: Any) -> list[str]:
        return [tag.strip() for tag in str(value or "").split(",") if tag.strip()]

    def prepare_value(self, value: Any) -> str:
        return ", ".join(value) if isinstance(value, list) else value or ""


def _form_field(field: Field) -> forms.Field:
    """Return the form field with which the dialog asks for a field of an item, depending on its kind."""
    label = gettext_lazy(field.label)
    match field.kind:
        case Kind.FLAG:
            return forms.BooleanField(label=label, required=False)
        case Kind.ZONE:
            return forms.CharField(label=label)
        case Kind.WORD:
            return forms.ChoiceField(label=label, choices=WORDS[field.column].choices)
        case Kind.PERCENT:
            return forms.IntegerField(label=label, min_value=0, max_value=100)
        case Kind.PARENT:
            return forms.UUIDField(label=label, required=False, widget=forms.Select)
        case Kind.COLOR:
            return forms.CharField(label=label, required=False, widget=forms.RadioSelect)
        case Kind.PEOPLE:
            return _PeopleField(label=label, required=False, widget=forms.CheckboxSelectMultiple)
        case Kind.LINK:
            return forms.CharField(label=label, required=False, widget=forms.URLInput(attrs={"inputmode": "url"}))
        case Kind.TAGS:
            return _TagsField(label=label, required=False)
        case Kind.LINES:
            return forms.CharField(label=label, required=field.required, widget=forms.Textarea(attrs={"rows": 3}))
        case _:
            return forms.CharField(label=label, required=field.required)


if TYPE_CHECKING:
    _Declared = forms.Form
else:
    _Declared = type(
        "_Declared",
        (forms.Form,),
        {field.key: _form_field(field) for field in SETTABLE if field.kind is not Kind.TIME},
    )


class ItemForm(_Declared):
    """A work item to create (in one of `calendars`) or to change.

    When an item is changed, `changes()` contains only what was touched.
    """

    state = forms.CharField(required=False, widget=forms.HiddenInput)
    # The item's state when the form was opened. `state` moves on with each comparison.
    base = forms.CharField(required=False, widget=forms.HiddenInput)
    item_id = forms.UUIDField(widget=forms.HiddenInput)
    # A submit that is repeated because its answer was lost is carried out only once.
    mutation_id = forms.UUIDField(widget=forms.HiddenInput)
    calendar = forms.UUIDField(label=gettext_lazy("Calendar"), widget=forms.HiddenInput)

    start_date = _date_field(gettext_lazy("Start date"))
    start_time = _time_field(gettext_lazy("Start time"))
    start_fold = _fold_field(gettext_lazy("Which of the two start times"))
    end_date = _date_field(gettext_lazy("End date"))
    end_time = _time_field(gettext_lazy("End time"))
    end_fold = _fold_field(gettext_lazy("Which of the two end times"))

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        initial: Values | None = None,
        calendars: Choices | None = None,
        parents: Choices = (),
        people: Choices = (),
    ) -> None:
        known = {"mutation_id": uuid4(), "item_id": uuid4()} | (initial or {})
        super().__init__(data, initial=known, auto_id="item-%s", label_suffix="")
        self.creates = calendars is not None
        if calendars is not None:
            self.fields["calendar"].widget = forms.Select(choices=list(calendars))
        else:
            for name in (*COLUMNS, *SPAN):
                self.fields[name].show_hidden_initial = True
        self._offer_parents(parents)
        widget = self.fields["assignees"].widget
        if isinstance(widget, forms.CheckboxSelectMultiple):
            widget.choices = list(people)
        self._offer_colors()
        self._offer_folds()
        for field in SETTABLE:
            if field.limit:
                self.fields[field.key].widget.attrs["maxlength"] = getattr(conf.app, field.limit)
        self.fields["title"].widget.attrs |= {
            "autocomplete": "off",
            "autofocus": self.creates,
            "placeholder": self.fields["title"].label,  # the label itself is for screen readers only
        }
        self.fields["time_zone"].widget.attrs |= {"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}

    def _offer_parents(self, parents: Choices) -> None:
        widget = self.fields["parent"].widget
        if isinstance(widget, forms.Select):
            widget.choices = [("", _("Nothing")), *parents]

    def _offer_colors(self) -> None:
        own = str(self.data.get("color", "") or self.initial.get("color") or "")
        widget = self.fields["color"].widget
        if isinstance(widget, forms.RadioSelect):
            widget.choices = [("", _("The calendar’s colour")), *COLORS]
            if own and own not in dict(COLORS):
                widget.choices = [*widget.choices, (own, own)]

    def _offer_folds(self) -> None:
        """Label the two moments of each edge whose time comes twice, and set `twice` to these edges."""
        named = {edge: self._moments(edge) for edge in _EDGES}
        self.twice = {edge for edge, moments in named.items() if moments}
        for edge, moments in named.items():
            widget = self.fields[f"{edge}_fold"].widget
            if isinstance(widget, forms.Select):
                widget.choices = list(enumerate(moments or ["", ""]))

    def _moments(self, edge: str) -> list[str]:
        """Return labels for the two moments of an edge, or an empty list if its time does not come twice."""
        try:
            day, clock = (self.fields[name].to_python(self[name].value()) for name in _EDGES[edge][:2])
        except forms.ValidationError:
            return []
        zone = str(self["time_zone"].value() or "")
        if self["all_day"].value() or day is None or clock is None or not is_time_zone(zone):
            return []
        known = offsets(day, clock, zone)
        if len(known) < 2:
            return []
        named = zip(("firstTime", "secondTime"), known, strict=True)
        return [texts()[name].format(offset=offset) for name, offset in named]

    def color_given(self) -> SafeString:
        """Return the hidden initial value of the colour. The template renders the buttons itself."""
        return (
            self["color"].as_hidden(only_initial=True) if self.fields["color"].show_hidden_initial else SafeString("")
        )

    def assignees_given(self) -> SafeString:
        """Return the hidden initial value of the people. The template renders the checkboxes itself."""
        field = self["assignees"]
        return field.as_hidden(only_initial=True) if self.fields["assignees"].show_hidden_initial else SafeString("")

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"])
        if not is_time_zone(zone):
            raise forms.ValidationError(wording.sentence(Fault("not_zone")))
        return zone

    def clean_url(self) -> str:
        """Add the scheme that people leave out. The API takes only whole addresses."""
        url = str(self.cleaned_data["url"])
        return f"https://{url}" if _LIKE_HOST.match(url) else url

    def clean_description(self) -> str:
        return str(self.cleaned_data["description"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """Add the instants of the edges that are to be written, unless a field of the span has an error."""
        cleaned = self.cleaned_data
        if cleaned.get("all_day"):
            if "start_date" in cleaned and "end_date" in cleaned and cleaned["end_date"] < cleaned["start_date"]:
                self.add_error("end_date", wording.sentence(Fault("before_start")))
        else:
            for name in ("start", "end"):
                if f"{name}_time" in cleaned and cleaned[f"{name}_time"] is None:
                    self.add_error(f"{name}_time", wording.sentence(Fault("required")))
        if not any(name in self.errors for name in SPAN):
            for edge in self._span_to_write().intersection(_EDGES):
                cleaned[edge] = self._instant(edge, cleaned)
        return cleaned

    def _span_to_write(self) -> set[str]:
        """Return the columns of the span to set. An edge that was not touched stays as it is, to the second."""
        changed = set(SPAN if self.creates else self.changed_data)
        read_by = changed.intersection(_READ_BY)
        return read_by | {edge for edge, parts in _EDGES.items() if read_by or changed.intersection(parts)}

    def _instant(self, edge: str, cleaned: Mapping[str, Any]) -> datetime | None:
        day: date = cleaned[f"{edge}_date"]
        clock: time | None = cleaned[f"{edge}_time"]
        try:
            if not cleaned["all_day"] and clock is not None:
                return to_instant(day, clock.replace(fold=cleaned[f"{edge}_fold"] or 0), cleaned["time_zone"])
            # All-day items are stored with UTC midnights, and end at the first midnight after them.
            midnight = to_instant(day, time.min, "UTC")
            return midnight + timedelta(days=1) if edge == "end" else midnight
        except NoSuchTimeError as error:
            self.add_error(f"{edge}_date", wording.sentence(error.fault))
            return None

    def changes(self) -> dict[str, Any]:
        """Return the columns to set: all of them for a new item, otherwise those of the fields that were touched."""
        touched = set(self.fields) if self.creates else self.touched()
        cleaned = self.cleaned_data
        changes = {column: cleaned[name] for name, column in COLUMNS.items() if name in touched}
        return changes | {name: cleaned[name] for name in self._span_to_write()}

    def touched(self) -> set[str]:
        """Return the fields that differ from what the form was filled with. They include all of the span, or none."""
        touched = set(self.changed_data)
        return touched.union(SPAN) if touched.intersection(SPAN) else touched

    def blame(self, failure: CalendarLiveError) -> None:
        """Show a failure beside the fields at fault, or above the form."""
        for wire_name, messages in wording.fields(failure).items():
            for message in messages:
                self.add_error(_BLAMED.get(wire_name), message)
        if not failure.fields:
            self.add_error(None, wording.detail(failure))

    def given(self) -> Values:
        """Return the values with which the form was filled before the user touched it. Raises Malformed."""
        try:
            return {name: self.fields[name].to_python(self._given_raw(name)) for name in (*COLUMNS, *SPAN)}
        except forms.ValidationError as error:
            raise Malformed from error

    def _given_raw(self, name: str) -> object:
        given = self.fields[name].hidden_widget()
        return given.value_from_datadict(self.data, self.files, self.add_initial_prefix(name)) or ""

    def on_top_of(self, theirs: Values, *, state: str) -> QueryDict:
        """Return this form's data on top of another version.

        Fields that were touched stay as typed. The others take that version's values.
        """
        touched = self.touched()
        laid = QueryDict(mutable=True)
        laid.update(self.data)
        laid["state"], laid["mutation_id"] = state, str(uuid4())
        for name in (*COLUMNS, *SPAN):
            texts = _as_data(self.fields[name].prepare_value(theirs[name]))
            laid.setlist(self.add_initial_prefix(name), texts)
            if name in touched:
                continue
            if theirs[name] is False:
                laid.pop(name, None)
            else:
                laid.setlist(name, texts)
        return laid


def _as_data(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    if value is None:
        return [""]
    return [f"{value:%H:%M:%S}" if isinstance(value, time) else str(value)]
