"""How good it is: suites of cases as data in `suites/`; metrics, harness and reports build on them."""
