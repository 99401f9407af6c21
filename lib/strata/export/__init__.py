"""Files of audiences for those who address customers: no JVM, no more than a recipient may have, nothing unlogged.

`recipients` says who may have what, `rows` writes SQL, `cells` and `files` make the file; `jobs` joins them.
"""
