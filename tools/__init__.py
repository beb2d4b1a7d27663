"""What agents can do to the world.

backends/     video models behind one protocol, with their cards
storyworld/   a small procedural world whose every clip has known truth
workers/      where renders run
footage       frames <-> files: lossless clips, pictures, mp4
editing       the cut: film, contact sheet; gallery draws what a series knows
sound         audio files <-> samples, loudness; mixing makes one sound of a timeline
speech/       voices
captions      words broken into lines, caption files
machine       what this machine can carry, and its tier; gpus asks the driver
resources     how busy it is now, and what may start
shelf         which models are loaded on a device
media         the user's own pictures, by the words of their names
eyes          what is to be seen in frames: subjects and where they are; measured with
              colors, silhouettes, camera, tracks, palettes, defects
"""
