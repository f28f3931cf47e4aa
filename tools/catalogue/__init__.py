"""Collects every text that people can see, and finds texts that cannot be translated because they are not marked."""
