"""The portal: what students, and those who help them, see on their phones."""
