"""The console: the web screens of a school's staff, server-rendered, with htmx where it saves a page load.

    urls → views/ → one call of a domain package → templates/console/

`permissions` and `middleware` decide who reaches a view; `context` gives the frame its navigation. Beside the views
stand the modules that read an address or shape an answer (`student_list`, `report_page`, `roster_mapping`,
`student_page`, `dashboard`, `activity`), and words for states (`words`) and people (`people`). Everything works
without scripts; `static/console/console.js` only makes it quicker. `static/console/pratique.css` is our whole look.
"""
