"""Write the files of all scenarios again."""

from tests.model.intents import FOLDER, SCENARIOS, text_of

for name in SCENARIOS:
    (FOLDER / f"{name}.json").write_text(text_of(name))
