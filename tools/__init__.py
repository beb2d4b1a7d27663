"""What agents can do to the world.

backends/     video models behind one protocol, with their cards
storyworld/   a small procedural world whose every clip has known truth
workers/      where renders run
footage       frames <-> files: lossless clips, pictures, mp4
editing       the cut: film, contact sheet
machine       what this machine can carry
eyes          what is to be seen in frames: subjects and where they are; measured with
              colors, silhouettes, camera, tracks, palettes, defects
"""
