"""What agents can do to the world.

backends/     video models behind one protocol, with their cards
storyworld/   a small procedural world whose every clip has known truth
workers/      where renders run
footage       frames <-> files: lossless clips, pictures, mp4
editing       the cut: film, contact sheet
eyes          what is to be seen in frames: subjects, their colour, shape and path
"""
