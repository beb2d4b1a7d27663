"""How well productions are scheduled: traces, a virtual clock, and the tables that come of them."""
