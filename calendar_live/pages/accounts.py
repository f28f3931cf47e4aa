"""The sign-in page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf
from ..services.accounts import DEMO_PASSWORD


class SignInForm(AuthenticationForm):
    """Lets nobody in by the demo's password on a site that is no trial: its users may have come along in a copied database."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": gettext_lazy(
            "This user name and this password do not go together. Mind capital and small letters."
        )
    }

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if not conf.debug() and self.cleaned_data.get("password") == DEMO_PASSWORD:
            raise ValidationError(_("The demo's password works on a trial site only. Ask for another."), code="demo")


class SignIn(LoginView):
    """Django's sign-in, on a page of ours; a trial on one's own machine is told the demo's names."""

    authentication_form = SignInForm
    template_name = "calendar_live/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = (
            ("ana", _("owner: may do everything")),
            ("ben", _("editor: may change items")),
            ("cara", _("viewer: may look")),
            ("dan", _("member of nothing yet")),
        )
        return super().get_context_data(**kwargs) | {"demo_people": people if conf.debug() else ()}
