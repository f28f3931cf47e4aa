"""Serves the page of an invitation, which a user accepts with their account or with a new one."""

from __future__ import annotations

from django import forms
from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from .. import wording
from ..access import display_name
from ..errors import Invalid, NotFound
from ..services import sharing


class AccountForm(forms.Form):
    """A new account. The service decides whether its names and its password are acceptable."""

    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        help_text=_("You sign in with it."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@never_cache
def invitation_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation. A POST accepts it, for the user who is signed in or with a new account.

    A link that opens nothing is answered with 404.
    """
    try:
        return _accept(request, token) if request.method == "POST" else _show(request, token)
    except NotFound:
        return render(request, "calendar_live/invitation_gone.html", status=404)


def _accept(request: HttpRequest, token: str) -> HttpResponse:
    form = None if request.user.is_authenticated else AccountForm(request.POST, label_suffix="")
    if form is not None and not form.is_valid():
        return _show(request, token, form=form)
    try:
        if form is None:
            sharing.accept(token, user=request.user)
        else:
            sharing.accept_as_new(token, **form.cleaned_data)
            _sign_in(request, form.cleaned_data["username"], form.cleaned_data["password"])
    except Invalid as refusal:
        return _show(request, token, form=form, refusal=refusal)
    return redirect("calendar_live:calendar")


def _sign_in(request: HttpRequest, username: str, password: str) -> None:
    user = authenticate(request, username=username, password=password)
    if user is not None:  # otherwise the calendar page sends them to the site's own way to sign in
        login(request, user)


def _show(
    request: HttpRequest, token: str, *, form: AccountForm | None = None, refusal: Invalid | None = None
) -> HttpResponse:
    """Show the invitation as it is now. Raises NotFound.

    A refusal is answered with 200, as by Django's own forms, because a 4xx would write the address to the log.
    """
    invitation = sharing.find_invitation(token)
    form = form or AccountForm(label_suffix="")
    faults = wording.fields(refusal) if refusal else {}
    for name, texts in faults.items():
        if name in form.fields and form.is_bound:
            form.add_error(name, texts)
    if wrong := next((field for field in form if field.errors), None):
        wrong.field.widget.attrs["autofocus"] = True
    kept = sharing.role_kept(invitation, user=request.user) if request.user.is_authenticated else None
    context = {
        "kept": kept.label if kept else "",
        "form": form,
        "faults": [text for name, texts in faults.items() if name not in form.fields for text in texts],
        "invitation": invitation,
        "inviter": display_name(invitation.invited_by) if invitation.invited_by else "",
        "person": display_name(request.user) if request.user.is_authenticated else "",
    }
    return render(request, "calendar_live/invitation.html", context)
