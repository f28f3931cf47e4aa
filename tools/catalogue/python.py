"""Finds texts in Python: those that gettext marks, and those that people can see but that have no mark.

It reads the sources and does not import them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from calendar_live.errors import CalendarLiveError

from .texts import Finding, Message, has_letters, is_sentence

# For each mark: the positions of text, plural and context among its arguments.
_MARKS: Final = {
    "gettext": (0, None, None),
    "gettext_lazy": (0, None, None),
    "gettext_noop": (0, None, None),
    "ngettext": (0, 1, None),
    "ngettext_lazy": (0, 1, None),
    "pgettext": (1, None, 0),
    "pgettext_lazy": (1, None, 0),
    "npgettext": (1, 2, 0),
    "npgettext_lazy": (1, 2, 0),
}
# Calls and names whose texts only developers and operators read. Like Django's own, they are in English.
_FOR_DEVELOPERS: Final = {
    *("debug", "info", "warning", "error", "exception", "complain"),  # the log
    *("Counter", "Gauge", "Histogram"),  # /metrics
    *("Field", "NinjaAPI", "_Api", "_KEY"),  # the API's description
    *("ValueError", "TypeError", "RuntimeError", "LookupError", "InvalidEvent", "ProtectedError", "MigrationError"),
    *("Error", "Warning", "CommandError"),  # checks and commands
    *("patch_vary_headers", "_FOR_PROGRAMS", "_POLICY"),
}
_FAILURES: Final = {kind.__name__ for kind in CalendarLiveError.__subclasses__()} | {"BadValue", "NotATime", "Fault"}
# For the name of a call: the arguments that are shown as they are. For fields of models, it is the first.
_SHOWN: Final = {
    "ValidationError": (0,),
    "add_error": (1,),
    "message_user": (1,),
    "send_mail": (0, 1),
    "EmailMessage": (0, 1),
    "format_html": (0,),
    "mark_safe": (0,),
    "HttpResponse": (0,),
    "HttpResponseBadRequest": (0,),
    "HttpResponseForbidden": (0,),
    "HttpResponseNotFound": (0,),
}
_SHOWN_KEYWORDS: Final = {
    "label",
    "help_text",
    "verbose_name",
    "verbose_name_plural",
    "empty_label",
    "short_description",
}
_SHOWN_NAMES: Final = {"verbose_name", "verbose_name_plural", "short_description", "title", "site_header", "site_title"}
_SHOWN_ATTRIBUTES: Final = {"placeholder", "title", "alt", "aria-label"}
# Texts that machines compare, and names.
_KNOWN: Final = {"ok\n", "GET, HEAD"}


def marks_of(tree: ast.Module) -> dict[str, str]:
    """Return the names of gettext's functions in a module: imported ones, or its own if it does not import Django."""
    marks: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="django.utils.translation"):
                marks |= {name.asname or name.name: name.name for name in node.names if name.name in _MARKS}
            case ast.FunctionDef(name=name) if name in _MARKS:
                marks[name] = name
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=known)) if known in marks:
                marks[name] = marks[known]
    return marks


def messages(source: str) -> Iterator[Message]:
    """Yield the marked messages of a module, in order."""
    tree = ast.parse(source)
    marks = marks_of(tree)
    for call in _calls(tree, marks):
        texts = _literals(call)
        text, plural, context = _MARKS[marks[_name(call.func)]]
        if text in texts:
            yield Message(texts[text], *("" if at is None else texts.get(at, "") for at in (plural, context)))


def _calls(tree: ast.Module, marks: dict[str, str]) -> list[ast.Call]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) in marks]
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


def _literals(call: ast.Call) -> dict[int, str]:
    # `_is_text` is true of constants alone.
    return {at: node.value for at, node in enumerate(call.args) if _is_text(node)}  # type: ignore[attr-defined]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _name(node: ast.AST) -> str:
    """Return the last name of a called expression, such as `error` for `logger.error`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def unmarked(source: str) -> list[Finding]:
    """Return the texts of a module that people can see and that are not marked."""
    tree = ast.parse(source)
    finder = _Finder(marks_of(tree))
    finder.visit(tree)
    return sorted(set(finder.found), key=lambda found: (found.line, found.text))


class _Finder(ast.NodeVisitor):
    """Checks every text that is not a docstring, not an argument of a mark and not for developers."""

    def __init__(self, marks: dict[str, str]) -> None:
        self.found: list[Finding] = []
        self._marks = marks

    def visit_Call(self, call: ast.Call) -> None:
        name = _name(call.func)
        if name in self._marks:
            # A label is marked where it is defined.
            is_label = isinstance(call.args[0], ast.Attribute) and call.args[0].attr == "label"
            if len(_literals(call)) <= max(at for at in _MARKS[self._marks[name]] if at is not None) and not is_label:
                self._find(call, ast.unparse(call))  # no tool can collect a text that is not a literal
            return
        module = _name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if name in _FOR_DEVELOPERS and module != "messages":  # Django's messages have the same method names as a logger
            return
        is_column = module == "models" and name.endswith("Field")
        for at in (0,) if is_column else (1,) if module == "messages" else _SHOWN.get(name, ()):
            self._see(call.args[at : at + 1])
        if name in _FAILURES and call.args and _is_text(call.args[0]) and not call.args[0].value.isidentifier():  # type: ignore[attr-defined]
            self._see(call.args[:1])
        self._see([given.value for given in call.keywords if given.arg in _SHOWN_KEYWORDS])
        for given in call.keywords:
            if given.arg == "attrs":
                self._see_attributes(given.value)
            elif given.arg == "fields" and name in _FAILURES:
                self._see([node for node in ast.walk(given.value) if isinstance(node, ast.List) for node in node.elts])
        self.generic_visit(call)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        is_choices = any(_name(base).endswith("Choices") for base in node.bases)
        for line in node.body:
            if isinstance(line, ast.Assign):
                if any(_name(target) in _SHOWN_NAMES for target in line.targets):
                    self._see([line.value])
                if is_choices and isinstance(line.value, ast.Tuple):
                    self._see(line.value.elts[1:])
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name == "__str__":  # the admin shows it as the name of a row
            self._see([line.value for line in ast.walk(node) if isinstance(line, ast.Return) and line.value])
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(_name(target) in _FOR_DEVELOPERS for target in node.targets):
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if _name(node.target) not in _FOR_DEVELOPERS:
            self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if _name(node.target) == "attrs":
            self._see_attributes(node.value)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not _is_text(node.value):  # a docstring
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and is_sentence(node.value):
            self._find(node, node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        if is_sentence(_written(node)):
            self._find(node, _written(node))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def _see(self, nodes: list[ast.expr]) -> None:
        for node in nodes:
            if isinstance(node, ast.JoinedStr | ast.Constant) and has_letters(_written(node)):
                self._find(node, _written(node))

    def _see_attributes(self, node: ast.expr) -> None:
        if isinstance(node, ast.Dict):
            named = zip(node.keys, node.values, strict=True)
            self._see(
                [value for key, value in named if isinstance(key, ast.Constant) and key.value in _SHOWN_ATTRIBUTES]
            )

    def _find(self, node: ast.expr, text: str) -> None:
        if text not in _KNOWN:
            self.found.append(Finding(node.lineno, text))


def _written(node: ast.JoinedStr | ast.Constant) -> str:
    """Return the text of a literal, with a bullet in place of each value."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "\u2022" for part in node.values)
