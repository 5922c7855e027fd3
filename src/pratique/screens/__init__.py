"""What all pages share: frame and theme, sign-in pages, template parts, paging, demands of routes, error pages.

The interfaces that people look at (`interfaces/console` for staff, `interfaces/portal` for students) stand on this
and never on each other. Nothing here knows what a page is about.
"""
