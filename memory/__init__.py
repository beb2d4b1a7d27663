"""What is remembered.

vault       clips and pictures on disk, named by digest
ledger      productions, takes and render jobs: a durable record in SQLite
keyframes   vectors of accepted keyframes: records in SQLite, searched through Chroma
embedders   pictures -> vectors
"""
