"""What is remembered.

vault       clips, pictures and sounds on disk, named by digest
ledger      productions, takes and render jobs: a durable record in SQLite
keyframes   vectors of accepted keyframes: records in SQLite, searched through Chroma
series      what productions of one series know of each other's cast and places
embedders   pictures -> vectors
"""
