"""The storyworld: a small procedural world whose every clip has known truth."""
