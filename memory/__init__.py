"""What is remembered.

vault       clips, pictures and sounds named by digest, in a folder; store: the same on S3 and its like
ledger      productions and takes: a durable record; database: in SQLite or Postgres
jobs        who renders what, under leases; owners: who lives; seats: who conducts
keyframes   vectors of accepted keyframes: records in SQLite, versions of which one counts, searching by an index
series      what productions of one series know of each other's cast and places
embedders   pictures -> vectors
"""
