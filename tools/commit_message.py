"""Check that a commit message has an imperative subject, a blank line and a body. Git runs this as its commit-msg hook.

python tools/commit_message.py .git/COMMIT_EDITMSG
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

SUBJECT_LENGTH: Final = 72  # characters; git log and GitHub cut longer subjects

# Git writes these subjects itself. `git rebase --autosquash` folds the last three into other commits.
_BY_GIT: Final = re.compile(
    r"Merge (branch|branches|remote-tracking branch(es)?|commits?|tags?|pull request) "
    r"|(Revert|Reapply) \"|(fixup|squash|amend)! "
)
_CONVENTIONAL: Final = re.compile(
    r"(build|chore|ci|docs?|feat|fix|perf|refactor|revert|style|test|wip)(\([^)]*\))?!?:", re.IGNORECASE
)
_NO_VERBS: Final = frozenset(
    {"a", "an", "how", "the", "these", "this", "those", "what", "when", "where", "which", "who"}
)
# The ending needs a vowel before it. Without one, the word itself is a verb, such as "Bring".
_ING: Final = re.compile(r"[a-z]*[aeiouy][a-z]*ing\Z")
_ED: Final = re.compile(r"[a-z]*[^e]ed\Z")  # not "Feed", "Speed", "Exceed"
_ED_VERBS: Final = frozenset({"embed", "shed", "shred", "wed"})
_S: Final = re.compile(r"[a-z]*[^aious]s\Z")  # not "Pass", "Focus", "Alias"
_SCISSORS: Final = re.compile(r"^# -+ >8 -+$.*", re.MULTILINE | re.DOTALL)
_TRAILER: Final = re.compile(r"([A-Za-z]+-)+by: |Change-Id: ", re.IGNORECASE)


def faults(message: str) -> list[str]:
    """Return a sentence for each fault of a commit message. A message that git wrote itself has none."""
    text = re.sub(r"^#.*\n?", "", _SCISSORS.sub("", message), flags=re.MULTILINE)
    lines = text.strip().splitlines()
    if not lines or _BY_GIT.match(lines[0]):
        return []  # git itself refuses an empty message
    return [*faults_of_subject(lines[0]), *_faults_below_the_subject(lines[1:])]


def faults_of_subject(subject: str) -> list[str]:
    """Return a sentence for each fault of the first line of a commit message."""
    return [] if _BY_GIT.match(subject) else list(_faults_of_subject(subject.rstrip()))


def _faults_of_subject(subject: str) -> Iterator[str]:
    if len(subject) > SUBJECT_LENGTH:
        yield f"The subject has {len(subject)} characters. At most {SUBJECT_LENGTH} are allowed."
    if subject.endswith("."):
        yield "The subject ends with a full stop. Remove it."
    if prefix := _CONVENTIONAL.match(subject):
        yield f'The subject starts with the prefix "{prefix[0]}". Remove it and start with a verb, as in "Add …".'
        return
    if not subject[:1].isupper():
        yield "The subject does not start with a capital letter."
    word = re.match(r"[A-Za-z]*", subject)
    if word and _is_no_imperative(word[0].lower()):
        yield (
            f'The subject starts with "{word[0]}", which is not an imperative verb. '
            'Write "Add …", not "Added", "Adds" or "Adding".'
        )


def _is_no_imperative(word: str) -> bool:
    """Return whether a lower-case word is certainly not an imperative. A word that might be one passes."""
    return (
        word in _NO_VERBS
        or _ING.match(word) is not None
        or _S.match(word) is not None
        or (_ED.match(word) is not None and word not in _ED_VERBS)
    )


def _faults_below_the_subject(lines: Sequence[str]) -> Iterator[str]:
    if lines and lines[0].strip():
        yield "The second line is not blank. Leave a blank line between the subject and the body."
    if not any(line.strip() and not _TRAILER.match(line) for line in lines):
        yield "There is no body. Below a blank line, say why the change is made."


def main(path_text: str) -> int:
    """Return 0 if the message in a file has no faults. Otherwise, print them and return 1."""
    found = faults(Path(path_text).read_text(encoding="utf-8", errors="replace"))
    if found:
        print("The commit message was rejected:", *(f"- {one}" for one in found), sep="\n", file=sys.stderr)
        print(f"To change it and try again: git commit --edit --file={path_text}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
