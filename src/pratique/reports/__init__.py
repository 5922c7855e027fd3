"""Reports: one definition each, read by the console's table, the downloads and the command line."""
