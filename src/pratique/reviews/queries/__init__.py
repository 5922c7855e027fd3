"""All reads of reviews, by subject: the queue, one case, messages, pace."""
