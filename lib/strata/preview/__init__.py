"""What definitions do before anything is built or released: sizes, reasons, moves. DuckDB on stored tables, no JVM.

`funnel`, `variants`, `moves` and `coverage` write SQL and read its answers; `features` says which stored columns a
definition comes from; `state` reads; `jobs` joins them for the command line, in the words of `words` and `markdown`.
`fitness` says which definitions the ingested data allows at all.
"""
