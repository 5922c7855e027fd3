"""The console: the web screens of a school's staff, server-rendered, with htmx where it saves a page load.

    urls → views/ → one call of a domain package → templates/console/

`screens` gives the frame, the theme and what decides who reaches a view; `context` gives the frame its navigation.
Beside the views stand the modules that read an address or shape an answer (`student_list`, `report_page`,
`roster_mapping`, `student_page`, `dashboard`, `activity`), and words for people (`people`). Everything but the review
page works without scripts.
"""
