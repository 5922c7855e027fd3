"""Staff of an institution: who they are, what their role lets them do, how they sign in."""
