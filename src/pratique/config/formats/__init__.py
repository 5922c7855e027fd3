"""How dates and numbers are written, where Django's own way for a language does not fit schools in the US."""
