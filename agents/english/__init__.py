"""Enough English for a film brief; data and rules, linear in the length of the text, nothing raises.

lexicon      the word lists            words, verbs   parts of speech
groups       noun groups               clauses        who does what
whereabouts  places and times          camera, wishes what is said of the film instead of the story
roles        shot or remark            cutting        a brief cut into shots
characters   who is worth the cast     company        who is who: pronouns, names, colours
shots        which shots a text names    orders        what it asks to be done with a film
casting      the acts of a story, with their characters known
"""
