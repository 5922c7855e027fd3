"""Partners: a school's own systems that provision students, sign them in without a password, and pull status.

What they may do, their keys, sessions, nonces, secure tokens and the log of their calls. How they speak with us is
`interfaces.partner`; how others speak with us is `partner_client`.
"""
