"""Views of the partner API: they translate between HTTP and actions."""
