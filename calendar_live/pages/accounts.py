"""Serves the sign-in page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf
from ..services import accounts


class PasswordForm(AuthenticationForm):
    """Signs users in, but refuses the demo's password on a site that is not a trial, and says why."""

    def clean(self) -> dict[str, Any]:
        if accounts.is_refused(self.cleaned_data.get("password")):
            raise ValidationError(_("The demo password works only on a trial site. Ask for another one."), code="demo")
        return super().clean()


class SignInForm(PasswordForm):
    """The sign-in form of the page, with an error message of its own."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": gettext_lazy("The user name or the password is wrong. Check capital and small letters.")
    }


class SignIn(LoginView):
    """Django's sign-in view, on the app's own page. While DEBUG is on, the page lists the demo's users."""

    authentication_form = SignInForm
    template_name = "calendar_live/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = (
            ("ana", _("owner: may do everything")),
            ("ben", _("editor: may change items")),
            ("cara", _("viewer: may read")),
            ("dan", _("member of nothing yet")),
        )
        return super().get_context_data(**kwargs) | {"demo_people": people if conf.debug() else ()}
