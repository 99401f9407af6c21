"""An invented telco with its own shop, media, lessons and investments: raw files, and beside them the truth.

    world, traits, catalogue   pure: who lives in it, what drives them, what can be bought
    draws                      chance as arithmetic over hashes: a function of seed, what is drawn, customer and day
    people, days               frames: customers with their traits; the days on which they are active
    subscribers ... contact    frames: what happens, one module per subject; `streams` lists them with their raw form
    dirt, truth, bayes         what is spoilt on purpose; what was planted, and how much of it can be found at best

A customer's behaviour on a day depends on seed, customer number and day only: more days add rows and change none, and
no partitioning changes anything. Files are written in `pipeline.generate`.
"""
