"""What the steps of handing in show and read: from a form's fields to the pieces of a draft and back.

PURE but for the names of vaccines and forms, which are asked of `records`. `views.hand_in` ties it to requests.
"""
