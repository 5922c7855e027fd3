"""The pages: each view translates in, makes one domain call, translates out."""
