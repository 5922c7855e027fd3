"""The reports, one module each; `pratique.reports.catalogue` lists them."""
