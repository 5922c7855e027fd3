"""The spool: uploads under way, and complete ones that are not claimed yet, each a sealed file on this machine."""
