"""What people read in their SFTP client: banners, reasons for a disconnect, answers to what is no SFTP."""

ONLY_SFTP = "This service is for files only (SFTP): no shell, no commands. Connect with an SFTP client."
NO_FORWARDING = "This service is for files only (SFTP): nothing is forwarded."
ONE_SESSION = "This connection has as many SFTP sessions as it may have. Open another connection."
NOT_NOW = b"Not allowed at this time\r\n"  # before the key exchange; OpenSSH's own words

TOO_MANY_KEYS = (
    "Too many keys were offered. Let your client offer only the one that belongs to this account: "
    "with OpenSSH, sftp -o IdentitiesOnly=yes -i KEYFILE."
)
ONE_USERNAME = "A connection signs in under one username."
UNAVAILABLE = "Sign-in is not possible at the moment. Nothing is wrong with your key; try again in a minute."
TOO_MUCH = "More was sent before signing in than signing in takes."

SUSPENDED = {
    "repeated_file": (
        "This account is suspended: the last file had the same bytes as the one before it, and was left unprocessed. "
        "An administrator of the school lifts the suspension in Pratique's console, under File transfer; "
        "then send a file with new content."
    ),
    "staff": (
        "This account was suspended by the school. An administrator of the school lifts the suspension in "
        "Pratique's console, under File transfer."
    ),
}
CLOSED = "This account is closed. Ask an administrator of the school which account to use."
TOO_MANY_SESSIONS = (
    "This account has as many sessions as it may have at once ({most}). End one, or let an administrator of the school "
    "raise the number in Pratique's console, under File transfer."
)
REVOKED = (
    "The key of this session was revoked in Pratique's console. Sign in with another key of the account."
)
IDLE = "Nothing came for {minutes} minutes. Connect again when there is something to transfer."
RESTART = "The service restarts. Connect again in a moment; an upload that was under way can be resumed."
NONSENSE = "The client sent far more settings than a session needs."
TOO_MANY_EXCHANGES = "The client asks for new keys again and again, far more often than any transfer needs."
