"""What definitions do before anything is built or released: sizes, reasons, moves. DuckDB on stored tables, no JVM.

`funnel`, `audience_funnel`, `variants`, `moves` and `coverage` write SQL and read its answers; `features`, `audiences`
and `listed` say which stored columns a definition comes from; `evaluation` puts definitions in order; `state` and
`released` read; `jobs` joins them for the command line, in the words of `pages` and `audience_pages`.
`fitness` says which definitions the ingested data allows at all.
"""
