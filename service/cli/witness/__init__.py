"""``tsunagi witness``: a witness on a machine of its own, the NPO's or the auditor's (docs/witness.md).

Rules kept here:
- What is cosigned was kept before, durably: nothing leaves the machine that a power cut could make it forget.
- Reading what was kept, deciding and keeping are one step, which no other process can get between.
- Nothing that the log sends is believed: sizes are capped, redirects are not followed, hashes are recomputed.
- What contradicts what was cosigned is kept as evidence, said aloud, and never cosigned.
- No house, no database, no settings of the service: this runs where none of them is.
"""
