"""Write every scenario's file again."""

from tests.model.intents import FOLDER, SCENARIOS, text_of

for name in SCENARIOS:
    (FOLDER / f"{name}.json").write_text(text_of(name))
