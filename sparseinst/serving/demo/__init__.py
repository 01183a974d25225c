"""`sparseinst demo`: a page on this machine that shows what the live endpoint finds in a picture.

A small web server (server.py, handler.py, guard.py) has the page's files (page/), a few pictures to try (samples.py),
and hands each picture to the model's front door (endpoint.py). No torch here.
"""
