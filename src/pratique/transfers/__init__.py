"""File transfer: accounts that reach us by SFTP, their keys, the files that they bring and take, and what was done.

`interfaces.sftp` speaks the protocol; `spool` keeps what is being uploaded; here is what becomes of it.
"""
