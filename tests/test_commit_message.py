"""Tests that the commit-msg hook accepts an imperative subject with a body, and names what is wrong with others."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tools.commit_message import faults, faults_of_subject, main

ROOT: Final = Path(__file__).parents[1]
BODY: Final = "\n\nReaders of the log want to know why.\n"


@pytest.mark.parametrize(
    "subject",
    [
        "Reject duplicate calendar ids in feeds",
        "Bring the head of a calendar to what is replayed",
        "Embed a public link in a page",
        "Feed each page what it missed",
        "Pass the deadline to each query",
        "Focus the field that is wrong",
        "Merge owners who accept, and pages that ask before they are left",
        "Document `fix:` prefixes in CONTRIBUTING",
        "A" + "b" * 71,
        "Ärgere no reader with a subject in small letters",
    ],
)
def test_a_good_message_is_accepted(subject: str) -> None:
    assert faults(subject + BODY) == []


@pytest.mark.parametrize(
    ("subject", "wrong"),
    [
        ("A" + "b" * 72, "The subject has 73 characters. At most 72 are allowed."),
        ("Add a hook.", "full stop"),
        ("add a hook", "capital letter"),
        ("`make` runs a hook", "capital letter"),
        ("fix: add a hook", 'the prefix "fix:"'),
        ("Feat(api)!: add a hook", 'the prefix "Feat(api)!:"'),
        ("wip: add a hook", 'the prefix "wip:"'),
        ("Added a hook", 'starts with "Added"'),
        ("Adding a hook", 'starts with "Adding"'),
        ("Adds a hook", 'starts with "Adds"'),
        ("Fixes a hook", 'starts with "Fixes"'),
        ("The hook is added", 'starts with "The"'),
    ],
)
def test_a_wrong_subject_is_named(subject: str, wrong: str) -> None:
    """Seen failing, each, without the rule that it is about."""
    (fault,) = faults(subject + BODY)
    assert wrong in fault
    assert faults_of_subject(subject) == [fault]


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        ("Add a hook\nIt checks messages.\n", ["second line"]),
        ("Add a hook\n", ["no body"]),
        ("Add a hook\n\n# Please enter the commit message for your changes.\n", ["no body"]),
        ("Add a hook\n\nSigned-off-by: Ana <ana@example.org>\nCo-authored-by: Ben <ben@example.org>\n", ["no body"]),
        ("Add a hook\n\n# ------------------------ >8 ------------------------\ndiff --git a/x b/x\n", ["no body"]),
        ("added a hook.", ["full stop", "capital letter", 'starts with "added"', "no body"]),
    ],
)
def test_what_is_wrong_below_the_subject_is_named_too(message: str, wrong: list[str]) -> None:
    """Seen failing, each, without the rule that it is about."""
    found = faults(message)
    assert len(found) == len(wrong)
    assert all(part in fault for part, fault in zip(wrong, found, strict=True))


@pytest.mark.parametrize(
    "message",
    [
        "Merge branch 'feature'\n",
        "Merge remote-tracking branch 'origin/main' into feature\n",
        "Merge pull request #7 from ana/feature\n",
        'Revert "added a hook."\n\nThis reverts commit 1234567.\n',
        "fixup! Add a hook\n",
        "squash! Add a hook\n",
        "amend! Add a hook\n",
        "# Nothing was typed, so git aborts the commit itself.\n",
    ],
)
def test_what_git_writes_itself_is_let_through(message: str) -> None:
    """Seen failing when every subject is checked."""
    assert faults(message) == []


def test_comments_above_the_subject_do_not_count() -> None:
    assert faults("\n# A template.\nAdd a hook\n\nIt checks messages.\n") == []


def test_the_hook_says_what_is_wrong_and_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "COMMIT_EDITMSG"
    path.write_text(f"Added a hook{BODY}")
    assert main(str(path)) == 1
    said = capsys.readouterr().err
    assert '- The subject starts with "Added"' in said
    assert f"git commit --edit --file={path}" in said
    path.write_text(f"Add a hook{BODY}")
    assert main(str(path)) == 0
    assert capsys.readouterr().err == ""


def test_pre_commit_runs_it_on_messages_and_nothing_else() -> None:
    """A hook without a stage runs at every stage: without `default_stages` some checks would run twice per commit."""
    config: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert config["default_install_hook_types"] == ["pre-commit", "commit-msg"]
    assert config["default_stages"] == ["pre-commit"]
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    staged = {hook["id"]: (hook["stages"], hook["entry"].split()[-1]) for hook in hooks if "stages" in hook}
    assert staged == {"commit-message": (["commit-msg"], "tools/commit_message.py")}
