"""Mail. Sending goes through Django's backend: SMTP by setting, else the local outbox of this folder."""
