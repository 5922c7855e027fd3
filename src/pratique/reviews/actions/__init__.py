"""All writes of reviews, by subject: sending, claiming, deciding, work on a case, messages, reasons."""
