"""Enough English for a film brief: words, clauses, places and times, remarks about the film itself.

Everything here is data and rules; nothing raises on any text and everything takes linear time.
"""
